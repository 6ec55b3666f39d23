# iteralign_rung(NAME USES rungs and libraries ... [OWNS libraries ...])
# One folder under src/ is one static library. USES is visible to what links it; OWNS stays inside the rung.
function(iteralign_rung name)
  cmake_parse_arguments(RUNG "" "" "USES;OWNS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc ${CMAKE_CURRENT_SOURCE_DIR}/*/*.cc)
  add_library(iteralign_${name} STATIC ${sources})
  target_include_directories(iteralign_${name} PUBLIC ${CMAKE_SOURCE_DIR}/include ${CMAKE_SOURCE_DIR}/src)
  target_compile_options(iteralign_${name} PRIVATE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
    -Wno-restrict)  # a false alarm of g++ 12 on "literal" + std::string
  target_link_libraries(iteralign_${name} PUBLIC ${RUNG_USES} PRIVATE ${RUNG_OWNS})
endfunction()

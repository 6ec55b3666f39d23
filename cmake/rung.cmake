# The standard library, {fmt} and the JSON library are read once, not by every file.
add_library(iteralign_headers OBJECT ${CMAKE_SOURCE_DIR}/cmake/common_headers.cc)
target_precompile_headers(iteralign_headers PRIVATE ${CMAKE_SOURCE_DIR}/cmake/common_headers.h)
target_compile_options(iteralign_headers PRIVATE $<$<CONFIG:Release>:-O2>)
target_link_libraries(iteralign_headers PRIVATE fmt::fmt nlohmann_json::nlohmann_json)

# How every target but the engine's and the tests' is compiled.
function(iteralign_compile target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
    $<$<CONFIG:Release>:-O2>  # -O3 costs a fifth more time and gains nothing outside the engine
    -Wno-restrict)  # a false alarm of g++ 12 on "literal" + std::string
  target_precompile_headers(${target} REUSE_FROM iteralign_headers)
endfunction()

# iteralign_rung(NAME USES rungs and libraries ... [OWNS libraries ...])
# One folder under src/ is one static library. USES is visible to what links it; OWNS stays inside the rung.
function(iteralign_rung name)
  cmake_parse_arguments(RUNG "" "" "USES;OWNS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc ${CMAKE_CURRENT_SOURCE_DIR}/*/*.cc)
  add_library(iteralign_${name} STATIC ${sources})
  target_include_directories(iteralign_${name} PUBLIC ${CMAKE_SOURCE_DIR}/include ${CMAKE_SOURCE_DIR}/src)
  iteralign_compile(iteralign_${name})
  target_link_libraries(iteralign_${name} PUBLIC ${RUNG_USES} PRIVATE ${RUNG_OWNS})
endfunction()

# iteralign_embed(TARGET NAMESPACE name ROOT folder FILES files ...)
# Compiles text files into TARGET. <NAME>.h declares, in namespace iteralign,
#   std::string_view NAME(std::string_view path);     the file, path relative to ROOT; empty when there is none
#   std::vector<std::string_view> NAME_list();        all paths
function(iteralign_embed target)
  cmake_parse_arguments(EMBED "" "NAME;ROOT" "FILES" ${ARGN})
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/embedded)
  set(source ${folder}/${EMBED_NAME}.cc)
  file(WRITE ${folder}/${EMBED_NAME}.h.in
"#pragma once
#include <string_view>
#include <vector>
namespace iteralign {
std::string_view ${EMBED_NAME}(std::string_view path);
std::vector<std::string_view> ${EMBED_NAME}_list();
}
")
  configure_file(${folder}/${EMBED_NAME}.h.in ${folder}/${EMBED_NAME}.h COPYONLY)
  add_custom_command(OUTPUT ${source}
    COMMAND ${CMAKE_COMMAND} -DNAME=${EMBED_NAME} -DROOT=${EMBED_ROOT} "-DFILES=${EMBED_FILES}" -DOUT=${source} -P ${CMAKE_SOURCE_DIR}/cmake/write_embedded.cmake
    DEPENDS ${EMBED_FILES} ${CMAKE_SOURCE_DIR}/cmake/write_embedded.cmake VERBATIM)
  target_sources(${target} PRIVATE ${source})
  target_include_directories(${target} PUBLIC ${folder})
endfunction()

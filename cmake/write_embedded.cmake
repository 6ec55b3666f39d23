# Writes the source file of iteralign_embed: text as arrays of bytes, for a raw string literal has a length limit.
set(arrays "")
set(lookups "")
set(names "")
foreach(file IN LISTS FILES)
  file(RELATIVE_PATH path ${ROOT} ${file})
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
  string(MAKE_C_IDENTIFIER "${path}" identifier)
  string(APPEND arrays "const char ${identifier}[] = {${bytes}0};\n")
  string(APPEND lookups "  if (path == \"${path}\") return {${identifier}, sizeof(${identifier}) - 1};\n")
  string(APPEND names "\"${path}\", ")
endforeach()
file(WRITE ${OUT}
"#include \"${NAME}.h\"
namespace iteralign {
namespace {
${arrays}}
std::string_view ${NAME}(std::string_view path) {
${lookups}  return {};
}
std::vector<std::string_view> ${NAME}_list() { return {${names}}; }
}
")

#pragma once
// Text files of data as people have them.

#include <string>

namespace iteralign {

// The text of a file (gzip is unpacked), without a byte order mark; line ends that are carriage returns alone become newlines.
// Throws Error data for what is no text in UTF-8. The message names a known format; for a wrong byte it names line and offset, and how to
// convert the file.
std::string read_text_file(const std::string& path);

}  // namespace iteralign

#include "data/text_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "core/files.h"
#include "core/strings.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr const char* kConvert = "save it as CSV, JSON or JSON Lines in UTF-8";

struct Magic {
  std::string_view bytes;
  const char* what;
  const char* mend;
};
constexpr std::array kKnown = {
    Magic{"PAR1", "a Parquet file", "save it as JSON Lines: pandas.read_parquet(FILE).to_json(OUT, orient='records', lines=True)"},
    Magic{"ARROW1", "an Arrow file", "save it as JSON Lines: datasets.load_from_disk(FOLDER).to_json(OUT)"},
    Magic{"\xFF\xFF\xFF\xFF", "an Arrow stream", "save it as JSON Lines: datasets.load_from_disk(FOLDER).to_json(OUT)"},
    Magic{"PK\x03\x04", "a zip archive or an Excel workbook", "unpack it, or save the sheet as CSV in UTF-8"},
    Magic{"\xD0\xCF\x11\xE0", "an old Excel or Word file", "save the sheet as CSV in UTF-8"},
    Magic{"%PDF", "a PDF", kConvert},
    Magic{"SQLite format 3", "an SQLite database", kConvert},
    Magic{"\x93NUMPY", "a NumPy file", kConvert},
    Magic{"\x89HDF", "an HDF5 file", kConvert},
    Magic{"\x89PNG", "a picture", kConvert},
    Magic{"\x80\x02", "a Python pickle", kConvert},
    Magic{"\x80\x03", "a Python pickle", kConvert},
    Magic{"\x80\x04", "a Python pickle", kConvert},
    Magic{"\x80\x05", "a Python pickle", kConvert},
    Magic{"BZh", "a bzip2 archive", "unpack it, or pack it with gzip"},
    Magic{"\xFD"
          "7zXZ",
          "an xz archive", "unpack it, or pack it with gzip"},
    Magic{"\x28\xB5\x2F\xFD", "a zstd archive", "unpack it, or pack it with gzip"},
    Magic{"7z\xBC\xAF", "a 7z archive", "unpack it, or pack it with gzip"},
    Magic{"{\\rtf", "a rich text document", "save it as plain text in UTF-8"},
    Magic{"\xFF\xFE", "text in UTF-16", "convert it: iconv -f UTF-16 -t UTF-8 FILE > OUT"},
    Magic{"\xFE\xFF", "text in UTF-16", "convert it: iconv -f UTF-16 -t UTF-8 FILE > OUT"},
    Magic{"version https://git-lfs.", "a git-LFS pointer, not the data", "fetch the file itself: git lfs pull"},
};

// Bytes of the character that begins here; 0 when it is none in UTF-8 (RFC 3629: no overlong forms, no surrogates).
std::size_t character_at(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned c = byte(0), second = byte(1);
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
  if (c < 0x80) return 1;
  if (c >= 0xC2 && c < 0xE0) return follows(1) ? 2 : 0;
  if (c >= 0xE0 && c < 0xF0) {
    const bool in_range = !(c == 0xE0 && second < 0xA0) && !(c == 0xED && second >= 0xA0);
    return follows(1) && follows(2) && in_range ? 3 : 0;
  }
  if (c >= 0xF0 && c < 0xF5) {
    const bool in_range = !(c == 0xF0 && second < 0x90) && !(c == 0xF4 && second >= 0x90);
    return follows(1) && follows(2) && follows(3) && in_range ? 4 : 0;
  }
  return 0;
}

void check_known_formats(std::string_view bytes, const std::string& path) {
  for (const Magic& magic : kKnown)
    if (bytes.starts_with(magic.bytes)) throw Error(ErrorKind::data, fmt::format("is {}", magic.what), path, magic.mend);
  if (bytes.size() > 262 && bytes.substr(257, 5) == "ustar")
    throw Error(ErrorKind::data, "is a tar archive", path, "unpack it and name the files or the folder");
}

void check_utf8(std::string_view text, const std::string& path) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = text[at] == '\0' ? 0 : character_at(text.substr(at));
    if (length > 0) {
      at += length;
      continue;
    }
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    const std::string where = fmt::format("{}:{}", path, line);
    if (text[at] == '\0')
      throw Error(ErrorKind::data, fmt::format("is not text in UTF-8: byte {} is NUL", at + 1), where,
                  "if it is UTF-16, convert it: iconv -f UTF-16LE -t UTF-8 FILE > OUT");
    throw Error(ErrorKind::data,
                fmt::format("is not text in UTF-8: byte {} of the file is 0x{:02X}", at + 1, static_cast<unsigned char>(text[at])), where,
                "convert it from the encoding that it is in, for example: iconv -f CP1252 -t UTF-8 FILE > OUT");
  }
}

}  // namespace

std::string read_text_file(const std::string& path) {
  std::string text = read_file_gz(path);
  check_known_formats(text, path);
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  check_utf8(text, path);
  if (!contains(text, "\n")) std::replace(text.begin(), text.end(), '\r', '\n');
  return text;
}

}  // namespace iteralign

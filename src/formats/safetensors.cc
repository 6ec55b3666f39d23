#include "formats/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <set>
#include <string>
#include <utility>

#include "core/json.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are mapped as they are on disk");

constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;

struct DTypeInfo {
  DType dtype;
  const char* name;
  std::size_t bytes;
};
// Larger types first: the order in which the reference writer puts tensors.
constexpr std::array<DTypeInfo, 10> kDTypes = {{{DType::f64, "F64", 8},
                                                {DType::i64, "I64", 8},
                                                {DType::f32, "F32", 4},
                                                {DType::i32, "I32", 4},
                                                {DType::bf16, "BF16", 2},
                                                {DType::f16, "F16", 2},
                                                {DType::i16, "I16", 2},
                                                {DType::i8, "I8", 1},
                                                {DType::u8, "U8", 1},
                                                {DType::boolean, "BOOL", 1}}};

const DTypeInfo& info(DType dtype) {
  return *std::find_if(kDTypes.begin(), kDTypes.end(), [dtype](const DTypeInfo& i) { return i.dtype == dtype; });
}

[[noreturn]] void fail(const std::string& path, const std::string& rule) {
  throw Error(ErrorKind::data, "not a valid safetensors file: " + rule, path, "the file is damaged or incomplete; fetch or write it again");
}

// The header's JSON text, after the checks on its length.
std::string_view header_text(const std::string& path, std::span<const std::byte> file) {
  if (file.size() < 8) fail(path, "it has " + std::to_string(file.size()) + " bytes, fewer than the 8 of the header's length");
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), 8);
  if (length > kMaxHeaderBytes) fail(path, "the header's length " + std::to_string(length) + " is above 100000000");
  if (length > file.size() - 8) {
    fail(path, "the header should have " + std::to_string(length) + " bytes, but the file ends after " + std::to_string(file.size() - 8));
  }
  const std::string_view text(reinterpret_cast<const char*>(file.data()) + 8, length);
  if (text.empty() || text.front() != '{') fail(path, "the header does not begin with '{'");
  return text;
}

// nlohmann/json keeps the last of two equal keys in silence, so they are counted while parsing.
Json parse_header(const std::string& path, std::string_view text) {
  std::vector<std::set<std::string>> keys(1);
  const auto check_key = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) keys.resize(static_cast<std::size_t>(depth) + 1), keys.emplace_back();
    if (event == Json::parse_event_t::key) {
      const auto key = parsed.get<std::string>();
      if (!keys[static_cast<std::size_t>(depth)].insert(key).second) fail(path, "the header has the key \"" + key + "\" twice");
    }
    return true;
  };
  try {
    return Json::parse(text, check_key);
  } catch (const Json::parse_error& error) {
    fail(path, "the header is not JSON at byte " + std::to_string(error.byte));
  }
}

std::map<std::string, std::string> parse_metadata(const std::string& path, const Json& metadata) {
  std::map<std::string, std::string> result;
  if (!metadata.is_object()) fail(path, "__metadata__ is not an object");
  for (const auto& [key, value] : metadata.items()) {
    if (!value.is_string()) fail(path, "__metadata__ has a value that is not a string, at \"" + key + "\"");
    result[key] = value.get<std::string>();
  }
  return result;
}

// A JSON array of non-negative integers.
std::vector<std::uint64_t> parse_integers(const std::string& path, const std::string& tensor, const Json& entry, const char* key) {
  const auto found = entry.find(key);
  if (found == entry.end() || !found->is_array()) fail(path, "tensor \"" + tensor + "\" has no list \"" + key + "\"");
  std::vector<std::uint64_t> values;
  for (const auto& value : *found) {
    if (!value.is_number_unsigned()) {
      fail(path, "tensor \"" + tensor + "\" has something other than non-negative integers in \"" + key + "\"");
    }
    values.push_back(value.get<std::uint64_t>());
  }
  return values;
}

struct HeaderEntry {
  std::string name;
  TensorView view;
  std::uint64_t begin = 0, end = 0;  // relative to the data
};

HeaderEntry parse_entry(const std::string& path, const std::string& name, const Json& json) {
  const std::string who = "tensor \"" + name + "\"";
  if (!json.is_object()) fail(path, who + " is not described by an object");
  HeaderEntry entry{name, {}, 0, 0};
  const auto dtype = json.find("dtype");
  if (dtype == json.end() || !dtype->is_string()) fail(path, who + " has no \"dtype\"");
  const auto parsed = parse_dtype(dtype->get<std::string>());
  if (!parsed) {
    throw Error(ErrorKind::data, who + " has the type " + dtype->get<std::string>() + ", which is not supported", path,
                "convert the checkpoint to F32, F16 or BF16");
  }
  entry.view.dtype = *parsed;
  std::uint64_t bytes = size_of(*parsed);
  for (const std::uint64_t size : parse_integers(path, name, json, "shape")) {
    if (size > INT64_MAX || __builtin_mul_overflow(bytes, size, &bytes)) fail(path, who + " has a shape whose size overflows");
    entry.view.shape.push_back(static_cast<std::int64_t>(size));
  }
  const auto offsets = parse_integers(path, name, json, "data_offsets");
  if (offsets.size() != 2) fail(path, who + " has " + std::to_string(offsets.size()) + " data_offsets, not 2");
  entry.begin = offsets[0];
  entry.end = offsets[1];
  if (entry.end < entry.begin) fail(path, who + " ends before it begins");
  if (entry.end - entry.begin != bytes) {
    fail(path, who + " has " + std::to_string(entry.end - entry.begin) + " bytes by its data_offsets, but " + std::to_string(bytes) +
                   " by its shape and dtype");
  }
  return entry;
}

void write_text(PendingFile& file, std::string_view text) { file.write(std::as_bytes(std::span(text))); }

}  // namespace

std::size_t size_of(DType dtype) { return info(dtype).bytes; }
const char* name(DType dtype) { return info(dtype).name; }

std::optional<DType> parse_dtype(std::string_view name) {
  for (const auto& known : kDTypes)
    if (name == known.name) return known.dtype;
  return std::nullopt;
}

std::int64_t element_count(const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count *= size;
  return count;
}

SafetensorsFile::SafetensorsFile(const std::string& path) : path_(path), file_(path) {
  const std::string_view text = header_text(path, file_.bytes());
  const Json header = parse_header(path, text);
  std::vector<HeaderEntry> entries;
  for (const auto& [key, value] : header.items()) {
    if (key == "__metadata__") {
      metadata_ = parse_metadata(path, value);
    } else {
      entries.push_back(parse_entry(path, key, value));
    }
  }
  const auto data = file_.bytes().subspan(8 + text.size());
  std::sort(entries.begin(), entries.end(),
            [](const HeaderEntry& a, const HeaderEntry& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  std::uint64_t position = 0;
  for (auto& entry : entries) {
    if (entry.begin != position) {
      fail(path, "tensor \"" + entry.name + "\" begins at byte " + std::to_string(entry.begin) + ", not where the one before it ends (" +
                     std::to_string(position) + ")");
    }
    position = entry.end;
    if (position > data.size()) {
      fail(path, "tensor \"" + entry.name + "\" ends at byte " + std::to_string(position) + ", but there are only " +
                     std::to_string(data.size()) + " bytes of data");
    }
    entry.view.bytes = data.subspan(entry.begin, entry.end - entry.begin);
    tensors_.emplace(entry.name, std::move(entry.view));
  }
  if (position != data.size()) {
    fail(path, "there are " + std::to_string(data.size() - position) + " bytes behind the last tensor");
  }
}

void write_safetensors(const std::string& path, std::vector<TensorSource> tensors, std::map<std::string, std::string> metadata) {
  std::sort(tensors.begin(), tensors.end(), [](const TensorSource& a, const TensorSource& b) {
    return std::pair(&info(a.dtype) - kDTypes.data(), std::string_view(a.name)) <
           std::pair(&info(b.dtype) - kDTypes.data(), std::string_view(b.name));
  });
  metadata.emplace("format", "pt");
  Json header = {{"__metadata__", metadata}};
  std::uint64_t position = 0;
  for (const auto& tensor : tensors) {
    const std::uint64_t bytes = size_of(tensor.dtype) * static_cast<std::uint64_t>(element_count(tensor.shape));
    ITERALIGN_CHECK(!header.contains(tensor.name), "two tensors have the same name");
    header[tensor.name] = {{"dtype", name(tensor.dtype)}, {"shape", tensor.shape}, {"data_offsets", {position, position + bytes}}};
    position += bytes;
  }
  std::string text = dump_json(header);
  text.append((8 - text.size() % 8) % 8, ' ');

  PendingFile file(path);
  const std::uint64_t length = text.size();
  file.write(std::as_bytes(std::span(&length, 1)));
  write_text(file, text);
  for (const auto& tensor : tensors) {
    const auto bytes = tensor.bytes();
    ITERALIGN_CHECK(bytes.size() == size_of(tensor.dtype) * static_cast<std::uint64_t>(element_count(tensor.shape)),
                    "a tensor has another size than its shape says");
    file.write(bytes);
  }
  file.commit();
}

}  // namespace iteralign

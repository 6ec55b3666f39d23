#include "formats/gguf.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <set>
#include <utility>

#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr std::uint32_t kString = 8, kArray = 9;  // value types
constexpr std::uint64_t kMaxKeyBytes = 65535, kMaxDimensions = 4;

// Every type that a published file may hold, so that offsets can be checked also where the values cannot be read.
constexpr std::array<GgmlType, 33> kTypes = {{
    {0, "F32", 1, 4},        {1, "F16", 1, 2},         {2, "Q4_0", 32, 18},    {3, "Q4_1", 32, 20},    {6, "Q5_0", 32, 22},
    {7, "Q5_1", 32, 24},     {8, "Q8_0", 32, 34},      {9, "Q8_1", 32, 40},    {10, "Q2_K", 256, 84},  {11, "Q3_K", 256, 110},
    {12, "Q4_K", 256, 144},  {13, "Q5_K", 256, 176},   {14, "Q6_K", 256, 210}, {15, "Q8_K", 256, 292}, {16, "IQ2_XXS", 256, 66},
    {17, "IQ2_XS", 256, 74}, {18, "IQ3_XXS", 256, 98}, {19, "IQ1_S", 256, 50}, {20, "IQ4_NL", 32, 18}, {21, "IQ3_S", 256, 110},
    {22, "IQ2_S", 256, 82},  {23, "IQ4_XS", 256, 136}, {24, "I8", 1, 1},       {25, "I16", 1, 2},      {26, "I32", 1, 4},
    {27, "I64", 1, 8},       {28, "F64", 1, 8},        {29, "IQ1_M", 256, 56}, {30, "BF16", 1, 2},     {34, "TQ1_0", 256, 54},
    {35, "TQ2_0", 256, 66},  {39, "MXFP4", 32, 17},    {40, "NVFP4", 64, 36},
}};

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw Error(ErrorKind::data, "not a valid GGUF file: " + what, path, "the file is damaged or incomplete; fetch it again");
}

std::string printable(std::string_view text) {
  std::string result;
  for (const char c : text.substr(0, 80)) result += c >= ' ' && c <= '~' ? c : '?';
  return "\"" + result + "\"";
}

// Reads values one after the other and never past the end.
class Reader {
 public:
  Reader(const std::string& path, std::span<const std::byte> bytes) : path_(path), bytes_(bytes) {}

  [[nodiscard]] std::size_t position() const { return position_; }
  [[nodiscard]] std::uint64_t left() const { return bytes_.size() - position_; }
  // What is being read, for the message of a file that ends too early.
  void reading(std::string what) { what_ = std::move(what); }

  template <class T>
  T read() {
    T value;
    std::memcpy(&value, take(sizeof(T)), sizeof(T));
    return value;
  }

  std::string read_string() {
    const auto length = read<std::uint64_t>();
    const auto* begin = reinterpret_cast<const char*>(take(length));
    return {begin, static_cast<std::size_t>(length)};
  }

  // `count` elements of at least `element_bytes` each must be left: a wrong count must not become a huge allocation.
  void expect(std::uint64_t count, std::uint64_t element_bytes) const {
    if (count > left() / element_bytes) cut_short();
  }

 private:
  const std::byte* take(std::uint64_t bytes) {
    if (bytes > left()) cut_short();
    const std::byte* result = bytes_.data() + position_;
    position_ += bytes;
    return result;
  }
  [[noreturn]] void cut_short() const { fail(path_, "it ends at byte " + std::to_string(bytes_.size()) + ", in the middle of " + what_); }

  const std::string& path_;
  std::span<const std::byte> bytes_;
  std::size_t position_ = 0;
  std::string what_ = "the header";
};

std::optional<std::int64_t> read_integer(Reader& reader, std::uint32_t type) {
  switch (type) {
    case 0:
      return reader.read<std::uint8_t>();
    case 1:
      return reader.read<std::int8_t>();
    case 2:
      return reader.read<std::uint16_t>();
    case 3:
      return reader.read<std::int16_t>();
    case 4:
      return reader.read<std::uint32_t>();
    case 5:
      return reader.read<std::int32_t>();
    case 7:
      return reader.read<std::uint8_t>() != 0;
    case 10:
      return static_cast<std::int64_t>(std::min<std::uint64_t>(reader.read<std::uint64_t>(), INT64_MAX));
    case 11:
      return reader.read<std::int64_t>();
    default:
      return std::nullopt;
  }
}

std::optional<double> read_float(Reader& reader, std::uint32_t type) {
  if (type == 6) return reader.read<float>();
  if (type == 12) return reader.read<double>();
  return std::nullopt;
}

GgufValue read_array(Reader& reader, const std::string& path, const std::string& key) {
  const auto type = reader.read<std::uint32_t>();
  const auto count = reader.read<std::uint64_t>();
  reader.expect(count, type == kString ? 8 : 1);
  if (type == kString) {
    std::vector<std::string> values(count);
    for (auto& value : values) value = reader.read_string();
    return values;
  }
  if (type == 6 || type == 12) {
    reader.expect(count, type == 6 ? 4 : 8);
    std::vector<double> values(count);
    for (auto& value : values) value = *read_float(reader, type);
    return values;
  }
  std::vector<std::int64_t> values;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto value = read_integer(reader, type);
    if (!value) fail(path, "the array of key " + printable(key) + " has elements of the unknown type " + std::to_string(type));
    values.push_back(*value);
  }
  return values;
}

GgufValue read_value(Reader& reader, const std::string& path, const std::string& key) {
  const auto type = reader.read<std::uint32_t>();
  if (type == kString) return reader.read_string();
  if (type == kArray) return read_array(reader, path, key);
  if (const auto value = read_float(reader, type)) return *value;
  if (const auto value = read_integer(reader, type)) return *value;
  fail(path, "key " + printable(key) + " has a value of the unknown type " + std::to_string(type));
}

struct TensorInfo {
  GgufTensor tensor;
  std::uint64_t offset = 0, bytes = 0;
};

TensorInfo read_tensor_info(Reader& reader, const std::string& path) {
  TensorInfo info;
  info.tensor.name = reader.read_string();
  const std::string who = "tensor " + printable(info.tensor.name);
  const auto dimensions = reader.read<std::uint32_t>();
  if (dimensions > kMaxDimensions) fail(path, who + " has " + std::to_string(dimensions) + " dimensions, more than 4");
  std::uint64_t elements = 1;
  for (std::uint32_t i = 0; i < dimensions; ++i) {
    const auto size = reader.read<std::uint64_t>();
    if (size == 0 || size > INT64_MAX || __builtin_mul_overflow(elements, size, &elements) || elements > INT64_MAX / 8) {
      fail(path, who + " has an impossible shape");
    }
    info.tensor.shape.insert(info.tensor.shape.begin(), static_cast<std::int64_t>(size));
  }
  const auto id = reader.read<std::uint32_t>();
  const auto* type = std::find_if(kTypes.begin(), kTypes.end(), [id](const GgmlType& known) { return known.id == id; });
  if (type == kTypes.end()) fail(path, who + " has the unknown type " + std::to_string(id));
  const std::int64_t row = info.tensor.shape.empty() ? 1 : info.tensor.shape.back();
  if (row % type->block_elements != 0) {
    fail(path, who + " of type " + type->name + " has rows of " + std::to_string(row) + " values, not a multiple of " +
                   std::to_string(type->block_elements));
  }
  info.tensor.type = *type;
  info.bytes = elements / static_cast<std::uint64_t>(type->block_elements) * type->block_bytes;
  info.offset = reader.read<std::uint64_t>();
  return info;
}

std::uint64_t round_up(std::uint64_t value, std::uint64_t alignment) { return (value + alignment - 1) / alignment * alignment; }

// Magic and version; then come the counts.
void check_magic(Reader& reader, const std::string& path) {
  if (reader.left() < 4 || reader.read<std::uint32_t>() != 0x46554747) {  // "GGUF"
    throw Error(ErrorKind::data, "is not a GGUF file: it does not begin with \"GGUF\"", path, "give the path of a .gguf file");
  }
  const auto version = reader.read<std::uint32_t>();
  if (version == 2 || version == 3) return;
  const bool big_endian = version == 0x02000000 || version == 0x03000000;
  throw Error(ErrorKind::data, big_endian ? "is a big-endian GGUF file" : "has the GGUF version " + std::to_string(version), path,
              big_endian ? "convert it to little-endian" : "versions 2 and 3 can be read; convert the file with a newer tool");
}

std::map<std::string, GgufValue> read_metadata(Reader& reader, const std::string& path, std::uint64_t count) {
  std::map<std::string, GgufValue> metadata;
  for (std::uint64_t i = 0; i < count; ++i) {
    reader.reading("the name of metadata key " + std::to_string(i + 1));
    auto key = reader.read_string();
    if (key.empty() || key.size() > kMaxKeyBytes) fail(path, "metadata key " + std::to_string(i + 1) + " has an impossible length");
    reader.reading("the value of metadata key " + printable(key));
    auto value = read_value(reader, path, key);
    if (!metadata.emplace(key, std::move(value)).second) fail(path, "the metadata key " + printable(key) + " is there twice");
  }
  return metadata;
}

std::uint64_t alignment_of(const std::map<std::string, GgufValue>& metadata, const std::string& path) {
  const auto found = metadata.find("general.alignment");
  if (found == metadata.end()) return 32;
  const auto* value = std::get_if<std::int64_t>(&found->second);
  const std::int64_t alignment = value == nullptr ? 0 : *value;
  if (alignment < 1 || alignment > (1 << 20) || !std::has_single_bit(static_cast<std::uint64_t>(alignment)))
    fail(path, "general.alignment is " + std::to_string(alignment) + ", not a power of two");
  return static_cast<std::uint64_t>(alignment);
}

}  // namespace

GgufFile::GgufFile(const std::string& path) : path_(path) {
  read_part(path);
  if (has("split.count") && integer("split.count") > 1) read_other_parts();
}

// The metadata are those of the first part, the tensors those of all.
void GgufFile::read_other_parts() {
  const std::int64_t count = integer("split.count");
  const std::string end = fmt::format("-{:05}-of-{:05}.gguf", integer("split.no") + 1, count);
  if (!path_.ends_with(end)) {
    throw Error(ErrorKind::data, fmt::format("is part {} of {} of a split file, which is not in its name", integer("split.no") + 1, count),
                path_, "give the parts names like NAME" + end);
  }
  const std::string stem = path_.substr(0, path_.size() - end.size());
  const std::int64_t tensor_count = has("split.tensors.count") ? integer("split.tensors.count") : -1;
  metadata_.clear();
  tensors_.clear();
  files_.clear();
  for (std::int64_t i = 0; i < count; ++i) {
    const std::string part = fmt::format("{}-{:05}-of-{:05}.gguf", stem, i + 1, count);
    if (!exists(part))
      throw Error(ErrorKind::data, fmt::format("is one of {} parts, and {} is not there", count, part), path_, "fetch all parts");
    read_part(part);
  }
  if (tensor_count >= 0 && tensor_count != static_cast<std::int64_t>(tensors_.size()))
    fail(path_, fmt::format("its parts have {} tensors together, and should have {}", tensors_.size(), tensor_count));
}

void GgufFile::read_part(const std::string& path) {
  const std::span<const std::byte> file = files_.emplace_back(path).bytes();
  Reader reader(path, file);
  check_magic(reader, path);
  const auto tensor_count = reader.read<std::uint64_t>();
  const auto key_count = reader.read<std::uint64_t>();
  reader.expect(key_count, 13);     // an empty key, a type, a one-byte value
  reader.expect(tensor_count, 24);  // an empty name, no dimensions, a type, an offset
  std::map<std::string, GgufValue> metadata = read_metadata(reader, path, key_count);
  const std::uint64_t alignment = alignment_of(metadata, path);
  metadata_.merge(std::move(metadata));

  std::vector<TensorInfo> infos;
  std::set<std::string> names;
  for (const GgufTensor& tensor : tensors_) names.insert(tensor.name);
  for (std::uint64_t i = 0; i < tensor_count; ++i) {
    reader.reading("the description of tensor " + std::to_string(i + 1));
    infos.push_back(read_tensor_info(reader, path));
    const auto& name = infos.back().tensor.name;
    if (!names.insert(name).second) fail(path, "the tensor " + printable(name) + " is there twice");
  }

  const std::uint64_t data = round_up(reader.position(), alignment);
  const std::uint64_t data_bytes = file.size() > data ? file.size() - data : 0;
  std::uint64_t offset = 0;
  for (auto& info : infos) {
    const std::string who = "tensor " + printable(info.tensor.name);
    if (info.offset != offset) {
      fail(path, who + " begins at byte " + std::to_string(info.offset) + " of the data, where " + std::to_string(offset) + " is expected");
    }
    if (info.bytes > data_bytes || offset > data_bytes - info.bytes) {
      fail(path, "it ends in the middle of " + who + " (" + std::to_string(offset + info.bytes) + " bytes of data are needed, " +
                     std::to_string(data_bytes) + " are there)");
    }
    info.tensor.bytes = file.subspan(data + offset, info.bytes);
    offset = round_up(offset + info.bytes, alignment);
    tensors_.push_back(std::move(info.tensor));
  }
}

template <class T>
const T& GgufFile::get(const std::string& key, const char* wanted) const {
  const auto found = metadata_.find(key);
  if (found == metadata_.end()) throw Error(ErrorKind::data, "has no metadata key " + key, path_, "convert the model again");
  const auto* value = std::get_if<T>(&found->second);
  if (value == nullptr) throw Error(ErrorKind::data, "the metadata key " + key + " is not " + wanted, path_, "convert the model again");
  return *value;
}

std::int64_t GgufFile::integer(const std::string& key) const { return get<std::int64_t>(key, "an integer"); }
double GgufFile::number(const std::string& key) const { return get<double>(key, "a floating point number"); }
const std::string& GgufFile::text(const std::string& key) const { return get<std::string>(key, "a string"); }
const std::vector<std::int64_t>& GgufFile::integers(const std::string& key) const {
  return get<std::vector<std::int64_t>>(key, "an array of integers");
}
const std::vector<double>& GgufFile::numbers(const std::string& key) const {
  return get<std::vector<double>>(key, "an array of floating point numbers");
}
const std::vector<std::string>& GgufFile::texts(const std::string& key) const {
  return get<std::vector<std::string>>(key, "an array of strings");
}

const GgufTensor* GgufFile::find(std::string_view name) const {
  const auto found = std::find_if(tensors_.begin(), tensors_.end(), [name](const GgufTensor& tensor) { return tensor.name == name; });
  return found == tensors_.end() ? nullptr : &*found;
}

}  // namespace iteralign

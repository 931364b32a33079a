#include "core/shared/npy_header.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "core/shared/tensor_bytes.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <c10/core/ScalarType.h>
#include <fmt/format.h>

namespace pillar {
namespace {

constexpr std::string_view kMagic("\x93NUMPY", 6);
constexpr std::size_t kAlignment = 64;         // of the data, from the beginning of the file
constexpr std::size_t kNpyMaxDimensions = 64;  // NumPy's own limit, and LibTorch's

constexpr std::pair<std::string_view, at::ScalarType> kNpyDtypes[] = {
    {"b1", at::kBool},   {"i1", at::kChar}, {"i2", at::kShort},  {"i4", at::kInt},
    {"i8", at::kLong},   {"u1", at::kByte}, {"u2", at::kUInt16}, {"u4", at::kUInt32},
    {"u8", at::kUInt64}, {"f2", at::kHalf}, {"f4", at::kFloat},  {"f8", at::kDouble},
};

// Reads the one Python literal that a header is: a dict of a string, a bool and a tuple.
class NpyHeaderReader {
 public:
  NpyHeaderReader(std::string_view text, const std::string& name) : rest_(text), name_(name) {}

  NpyHeader read() {
    NpyHeader header;
    bool seen_descr = false, seen_order = false, seen_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string_view key = quoted();
      bool* seen = key == "descr"           ? &seen_descr
                   : key == "fortran_order" ? &seen_order
                   : key == "shape"         ? &seen_shape
                                            : nullptr;
      if (seen == nullptr)
        fail(ErrorCategory::input, "{}: unknown key '{}' in the npy header", name_, printable(key));
      if (std::exchange(*seen, true))
        fail(ErrorCategory::input, "{}: duplicate key '{}' in the npy header", name_, key);
      expect(':');
      if (key == "descr") read_dtype(header);
      if (key == "fortran_order") header.fortran_order = boolean();
      if (key == "shape") read_shape(header);
      if (accept('}')) break;
      expect(',');
    }
    skip_space();
    if (!rest_.empty()) malformed();
    if (!seen_descr || !seen_order || !seen_shape) {
      fail(ErrorCategory::input, "{}: the npy header has no {}", name_,
           !seen_descr   ? "descr"
           : !seen_order ? "fortran_order"
                         : "shape");
    }
    return header;
  }

 private:
  [[noreturn]] void malformed() const {
    fail(ErrorCategory::input, "{}: malformed npy header near '{}'", name_, printable(rest_, 40));
  }

  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size())); }

  bool accept(char c) {
    skip_space();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void expect(char c) {
    if (!accept(c)) malformed();
  }

  std::string_view quoted() {
    const char quote = accept('\'') ? '\'' : accept('"') ? '"' : '\0';
    const std::size_t end = quote == '\0' ? std::string_view::npos : rest_.find(quote);
    if (end == std::string_view::npos) malformed();
    const std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return text;
  }

  bool boolean() {
    skip_space();
    for (const auto& [word, value] : {std::pair<std::string_view, bool>("True", true), {"False", false}}) {
      if (!rest_.starts_with(word)) continue;
      rest_.remove_prefix(word.size());
      return value;
    }
    malformed();
  }

  void read_dtype(NpyHeader& header) {
    skip_space();
    if (rest_.starts_with('[')) fail(ErrorCategory::input, "{}: a structured array is not a tensor", name_);
    const std::string_view descr = quoted();
    const auto* known = std::find_if(std::begin(kNpyDtypes), std::end(kNpyDtypes), [&](const auto& dtype) {
      return !descr.empty() && dtype.first == descr.substr(1);
    });
    if (known == std::end(kNpyDtypes)) {
      fail(ErrorCategory::input, "{}: dtype '{}' is not a bool, integer or float type", name_,
           printable(descr));
    }
    const char order = descr[0];
    const bool one_byte = c10::elementSize(known->second) == 1;
    if (order != '<' && order != '>' && order != '=' && !(order == '|' && one_byte)) {
      fail(ErrorCategory::input, "{}: dtype '{}' has no byte order", name_, printable(descr));
    }
    header.dtype = known->second;
    header.big_endian = order == '>' && !one_byte;
  }

  void read_shape(NpyHeader& header) {
    expect('(');
    while (!accept(')')) {
      skip_space();
      std::int64_t size = -1;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), size);
      if (error != std::errc() || size < 0) malformed();
      if (header.shape.size() == kNpyMaxDimensions)
        fail(ErrorCategory::input, "{}: more than {} dimensions", name_, kNpyMaxDimensions);
      rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
      accept('L');  // Python 2 wrote long integers so
      header.shape.push_back(size);
      if (accept(')')) return;
      expect(',');
    }
  }

  std::string_view rest_;
  const std::string& name_;
};

}  // namespace

NpyHeader parse_npy_header(ByteView bytes, const std::string& name) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with(kMagic)) fail(ErrorCategory::input, "{}: not an npy file", name);
  if (bytes.size() < 10) fail(ErrorCategory::input, "{}: truncated npy header", name);
  const unsigned major = bytes[6];
  if (major < 1 || major > 3 || bytes[7] != 0) {
    fail(ErrorCategory::input, "{}: npy version {}.{} is none of 1.0, 2.0 and 3.0", name, major, bytes[7]);
  }
  const std::size_t begin = major == 1 ? 10 : 12;
  std::size_t length = bytes[8] | std::size_t{bytes[9]} << 8;
  if (major > 1 && bytes.size() >= begin)
    length |= std::size_t{bytes[10]} << 16 | std::size_t{bytes[11]} << 24;
  if (bytes.size() < begin || length > bytes.size() - begin) {
    fail(ErrorCategory::input, "{}: truncated: claims an npy header of {} bytes", name, length);
  }
  NpyHeader header = NpyHeaderReader(text.substr(begin, length), name).read();
  header.data_begin = begin + length;
  const std::optional<std::uint64_t> size = dense_byte_size(header.shape, c10::elementSize(header.dtype));
  if (!size) fail(ErrorCategory::input, "{}: the shape is too large", name);
  header.data_bytes = *size;
  return header;
}

std::string format_npy_header(const at::Tensor& tensor, const std::string& name) {
  if (!tensor.defined()) fail(ErrorCategory::usage, "{}: the tensor is undefined", name);
  const auto* known = std::find_if(std::begin(kNpyDtypes), std::end(kNpyDtypes),
                                   [&](const auto& dtype) { return dtype.second == tensor.scalar_type(); });
  if (tensor.layout() != at::kStrided || known == std::end(kNpyDtypes)) {
    fail(ErrorCategory::unsupported, "{}: NumPy has no type for a {} tensor", name,
         tensor.layout() == at::kStrided ? c10::toString(tensor.scalar_type()) : "sparse");
  }
  std::string shape;
  for (std::int64_t size : tensor.sizes()) shape += fmt::format("{}{}", shape.empty() ? "" : ", ", size);
  if (tensor.dim() == 1) shape += ',';
  std::string dict = fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}), }}",
                                 tensor.element_size() == 1 ? '|' : '<', known->first, shape);
  const std::size_t prefix = kMagic.size() + 4;
  dict.resize((prefix + dict.size() + kAlignment) / kAlignment * kAlignment - prefix, ' ');
  dict.back() = '\n';
  std::string header(kMagic);
  header += {'\1', '\0', static_cast<char>(dict.size() & 0xFF), static_cast<char>(dict.size() >> 8)};
  return header + dict;
}

}  // namespace pillar

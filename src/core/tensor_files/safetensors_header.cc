#include "core/shared/safetensors_header.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "core/shared/joined.h"
#include "core/shared/tensor_bytes.h"

#include <algorithm>

#include <c10/core/ScalarType.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using nlohmann::json;

constexpr std::pair<std::string_view, at::ScalarType> kDtypes[] = {
    {"F64", at::kDouble},
    {"F32", at::kFloat},
    {"F16", at::kHalf},
    {"BF16", at::kBFloat16},
    {"I64", at::kLong},
    {"I32", at::kInt},
    {"I16", at::kShort},
    {"I8", at::kChar},
    {"U8", at::kByte},
    {"U16", at::kUInt16},
    {"U32", at::kUInt32},
    {"U64", at::kUInt64},
    {"BOOL", at::kBool},
    {"F8_E4M3", at::kFloat8_e4m3fn},
    {"F8_E5M2", at::kFloat8_e5m2},
};
constexpr std::size_t kMaxDimensions = 64;  // what LibTorch's iterators take

// nlohmann's event interface, because its tree keeps only the last of two equal keys.
class HeaderReader : public nlohmann::json_sax<json> {
 public:
  explicit HeaderReader(const std::filesystem::path& path) : path_(path) {}
  SafetensorsHeader header;

  bool start_object(std::size_t) override {
    if (at_ == At::document) {
      at_ = At::root;
    } else if (at_ == At::root) {
      at_ = name_ == "__metadata__" ? At::metadata : At::tensor;
      key_.clear();
      seen_ = {};
    } else {
      unexpected("an object");
    }
    return true;
  }

  bool end_object() override {
    if (at_ == At::tensor && !(seen_.dtype && seen_.shape && seen_.offsets)) {
      fail(ErrorCategory::input, "{}: tensor '{}' has no {}", path_, printable(name_),
           !seen_.dtype   ? "dtype"
           : !seen_.shape ? "shape"
                          : "data_offsets");
    }
    if (at_ == At::tensor) header.entries.emplace(name_, std::move(entry_));
    at_ = at_ == At::root ? At::end : At::root;
    return true;
  }

  bool key(std::string& text) override {
    if (at_ == At::root) {
      // A header may hold "__metadata__" twice too.
      const bool repeated =
          text == "__metadata__" ? std::exchange(metadata_seen_, true) : header.entries.contains(text);
      if (repeated)
        fail(ErrorCategory::input, "{}: duplicate key '{}' in the header", path_, printable(text));
      name_ = std::move(text);
      entry_ = {};
      return true;
    }
    key_ = std::move(text);
    if (at_ == At::metadata) {
      if (header.metadata.contains(key_)) duplicate();
      return true;
    }
    bool* seen = key_ == "dtype"          ? &seen_.dtype
                 : key_ == "shape"        ? &seen_.shape
                 : key_ == "data_offsets" ? &seen_.offsets
                                          : nullptr;
    if (seen == nullptr) {
      fail(ErrorCategory::input, "{}: tensor '{}' has the unknown key '{}'", path_, printable(name_),
           printable(key_));
    }
    if (std::exchange(*seen, true)) duplicate();
    return true;
  }

  bool string(std::string& text) override {
    if (at_ == At::metadata) {
      header.metadata.emplace(key_, std::move(text));
    } else if (at_ == At::tensor && key_ == "dtype") {
      const auto* known = std::find_if(std::begin(kDtypes), std::end(kDtypes),
                                       [&](const auto& d) { return d.first == text; });
      if (known == std::end(kDtypes)) {
        fail(ErrorCategory::unsupported, "{}: tensor '{}' has the unsupported dtype '{}'", path_,
             printable(name_), printable(text));
      }
      entry_.dtype = known->second;
    } else {
      unexpected("a string");
    }
    return true;
  }

  bool start_array(std::size_t) override {
    if (at_ != At::tensor || key_ == "dtype") unexpected("a list");
    at_ = key_ == "shape" ? At::shape : At::offsets;
    numbers_.clear();
    return true;
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (at_ != At::shape && at_ != At::offsets) unexpected("a number");
    const std::size_t most = at_ == At::shape ? kMaxDimensions : 2;
    if (numbers_.size() == most) {
      fail(ErrorCategory::input, "{}: '{}' of tensor '{}' has more than {} numbers", path_, key_,
           printable(name_), most);
    }
    numbers_.push_back(value);
    return true;
  }

  bool end_array() override {
    if (at_ == At::shape) {
      for (std::uint64_t size : numbers_) {
        if (size > INT64_MAX) too_large();
        entry_.shape.push_back(static_cast<std::int64_t>(size));
      }
    } else {
      if (numbers_.size() != 2) {
        fail(ErrorCategory::input, "{}: 'data_offsets' of tensor '{}' is not two numbers", path_,
             printable(name_));
      }
      entry_.begin = numbers_[0];
      entry_.end = numbers_[1];
    }
    at_ = At::tensor;
    return true;
  }

  bool null() override { unexpected("null"); }
  bool boolean(bool) override { unexpected("true or false"); }
  bool number_integer(number_integer_t) override { unexpected("a negative number"); }
  bool number_float(number_float_t, const std::string&) override {
    unexpected("a number that is no whole number or too large");
  }
  bool binary(binary_t&) override { unexpected("binary data"); }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    std::string_view reason = error.what();
    reason.remove_prefix(
        std::min(reason.find(": ") + 2, reason.size()));  // "[json.exception...] parse error at ..."
    fail(ErrorCategory::input, "{}: the header is not valid JSON at its byte {}: {}", path_, position,
         printable(reason));
  }

 private:
  enum class At { document, root, metadata, tensor, shape, offsets, end };
  struct Seen {
    bool dtype = false, shape = false, offsets = false;
  };

  [[noreturn]] void duplicate() const {
    fail(ErrorCategory::input, "{}: duplicate key '{}' in '{}'", path_, printable(key_), printable(name_));
  }
  [[noreturn]] void too_large() const {
    fail(ErrorCategory::input, "{}: the shape of tensor '{}' is too large", path_, printable(name_));
  }
  [[noreturn]] void unexpected(std::string_view what) const {
    if (at_ == At::document) fail(ErrorCategory::input, "{}: the header is {}, not an object", path_, what);
    if (at_ == At::metadata) {
      fail(ErrorCategory::input, "{}: '{}' in __metadata__ is {}, not a string", path_, printable(key_),
           what);
    }
    if (at_ == At::root)
      fail(ErrorCategory::input, "{}: '{}' is {}, not an object", path_, printable(name_), what);
    fail(ErrorCategory::input, "{}: '{}' of tensor '{}' has {}", path_, printable(key_), printable(name_),
         what);
  }

  const std::filesystem::path& path_;
  At at_ = At::document;
  std::string name_, key_;  // of the tensor (or __metadata__), and inside it
  SafetensorsEntry entry_ = {};
  Seen seen_;
  bool metadata_seen_ = false;
  std::vector<std::uint64_t> numbers_;
};

void check_sizes(const SafetensorsHeader& header, std::uint64_t data_size,
                 const std::filesystem::path& path) {
  for (const auto& [name, entry] : header.entries) {
    if (entry.begin > entry.end) {
      fail(ErrorCategory::input, "{}: tensor '{}' ends ({}) before it begins ({})", path, printable(name),
           entry.end, entry.begin);
    }
    if (entry.end > data_size) {
      fail(ErrorCategory::input,
           "{}: tensor '{}' ends at byte {} of {}: the file is truncated or its header is wrong", path,
           printable(name), entry.end, data_size);
    }
    const std::optional<std::uint64_t> size = dense_byte_size(entry.shape, c10::elementSize(entry.dtype));
    if (!size) {
      fail(ErrorCategory::input, "{}: the shape [{}] of tensor '{}' is too large", path,
           joined(entry.shape, ", "), printable(name));
    }
    if (*size != entry.end - entry.begin) {
      fail(ErrorCategory::input, "{}: tensor '{}' has {} bytes but {} of shape [{}] takes {}", path,
           printable(name), entry.end - entry.begin, safetensors_dtype_name(entry.dtype),
           joined(entry.shape, ", "), *size);
    }
  }
}

void check_layout(const SafetensorsHeader& header, std::uint64_t data_size,
                  const std::filesystem::path& path) {
  using Item = std::pair<const std::string, SafetensorsEntry>;
  std::vector<const Item*> items;
  for (const Item& item : header.entries) items.push_back(&item);
  std::sort(items.begin(), items.end(), [](const Item* a, const Item* b) {
    return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
  });
  std::uint64_t end = 0;
  for (const Item* item : items) {
    if (item->second.begin != end) {
      fail(ErrorCategory::input, "{}: tensor '{}' begins at byte {}, {} where the one before it ends ({})",
           path, printable(item->first), item->second.begin, item->second.begin < end ? "before" : "after",
           end);
    }
    end = item->second.end;
  }
  if (end != data_size)
    fail(ErrorCategory::input, "{}: {} bytes after the last tensor", path, data_size - end);
}

}  // namespace

std::string_view safetensors_dtype_name(at::ScalarType dtype) {
  for (const auto& [name, known] : kDtypes) {
    if (known == dtype) return name;
  }
  return {};
}

SafetensorsHeader parse_safetensors_header(std::string_view text, std::uint64_t data_size,
                                           const std::filesystem::path& path) {
  if (!text.starts_with('{'))
    fail(ErrorCategory::input, "{}: not a safetensors file: the header does not begin with '{{'", path);
  HeaderReader reader(path);
  json::sax_parse(text.begin(), text.end(), &reader);
  check_sizes(reader.header, data_size, path);
  check_layout(reader.header, data_size, path);
  return std::move(reader.header);
}

}  // namespace pillar

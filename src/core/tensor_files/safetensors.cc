#include "pillar/core/safetensors.h"

#include "pillar/core/config.h"
#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/printable.h"

#include "core/shared/safetensors_header.h"
#include "core/shared/tensor_bytes.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <fmt/format.h>

namespace pillar {
namespace {

static_assert(std::endian::native == std::endian::little, "tensor bytes are mapped as they are stored");

constexpr std::uint64_t kLengthBytes = 8;

// A file that is text where a length of 8 bytes should be, by what it is; empty for bytes.
std::string text_kind(ByteView bytes) {
  constexpr std::string_view kPointer = "version https://git-lfs.github.com/spec/";
  constexpr std::size_t kLooked = 64;
  const std::string_view begin(reinterpret_cast<const char*>(bytes.data()), std::min(bytes.size(), kLooked));
  if (begin.starts_with(kPointer))
    return "a pointer of git-lfs in its place: 'git lfs pull' fetches the file";
  const auto is_text = [](char c) { return (c >= ' ' && c <= '~') || c == '\n' || c == '\r' || c == '\t'; };
  if (begin.empty() || !std::all_of(begin.begin(), begin.end(), is_text)) return {};
  const std::string_view line = begin.substr(0, begin.find_first_of("\r\n"));
  return fmt::format("a text file, which begins with '{}'", line);
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path)
    : path_(path), file_(std::make_shared<const MappedFile>(path)) {
  const ByteView bytes = file_->bytes();
  if (const std::string kind = text_kind(bytes); !kind.empty())
    fail(ErrorCategory::input, "{}: not a safetensors file: {}", path, kind);
  if (bytes.size() < kLengthBytes) {
    fail(ErrorCategory::input, "{}: not a safetensors file: only {} bytes", path, bytes.size());
  }
  std::uint64_t header_size = 0;
  std::memcpy(&header_size, bytes.data(), kLengthBytes);
  if (header_size > kSafetensorsMaxHeaderBytes) {
    fail(ErrorCategory::input, "{}: claims a header of {} bytes, more than the {} allowed", path, header_size,
         kSafetensorsMaxHeaderBytes);
  }
  if (header_size > bytes.size() - kLengthBytes) {
    fail(ErrorCategory::input, "{}: truncated: claims a header of {} bytes in a file of {}", path,
         header_size, bytes.size());
  }
  data_begin_ = kLengthBytes + header_size;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, header_size);
  SafetensorsHeader header = parse_safetensors_header(text, bytes.size() - data_begin_, path);
  entries_ = std::move(header.entries);
  metadata_ = std::move(header.metadata);
}

at::Tensor SafetensorsFile::tensor(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    std::vector<std::string> names;
    for (const auto& [known, entry] : entries_) names.push_back(known);
    const std::string near = nearest_name(name, names);
    fail(ErrorCategory::input, "{}: no tensor '{}'{}", path_, printable(name),
         near.empty() ? "" : fmt::format("; did you mean '{}'?", printable(near)));
  }
  const SafetensorsEntry& entry = found->second;
  const ByteView bytes = file_->bytes().subspan(data_begin_ + entry.begin, entry.end - entry.begin);
  if (entry.dtype == at::kBool && !are_bools(bytes)) {
    fail(ErrorCategory::input, "{}: tensor '{}' is BOOL but has bytes other than 0 and 1", path_,
         printable(name));
  }
  if (bytes.empty()) return at::empty(entry.shape, entry.dtype);
  // The format does not align: a tensor may begin at an odd byte, where its type cannot be read in place.
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % c10::elementSize(entry.dtype) != 0) {
    at::Tensor copy = at::empty(entry.shape, entry.dtype);
    std::memcpy(copy.data_ptr(), bytes.data(), bytes.size());
    return copy;
  }
  auto keep_mapping = [file = file_](void*) {};
  return at::from_blob(const_cast<std::uint8_t*>(bytes.data()), entry.shape, keep_mapping, entry.dtype);
}

}  // namespace pillar

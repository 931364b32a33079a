#include "text/cache/packed_writer.h"

#include "pillar/core/fail.h"

#include "core/shared/safetensors_header.h"
#include "core/shared/tensor_bytes.h"
#include "text/cache/packed_layout.h"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kRoomForEntries = 1 << 16;  // of the header; what is not needed stays blank
constexpr std::size_t kLengthBytes = 8;

ByteView digest_bytes(const std::vector<StudyDigest>& studies) {
  return {studies.empty() ? nullptr : studies.front().data(), studies.size() * sizeof(StudyDigest)};
}

std::string metadata_json(const std::string& info) {
  return nlohmann::json{{kFormatKey, kPackedFormat}, {kVersionKey, kPackedVersion}, {kInfoKey, info}}.dump();
}

std::string entry_json(const std::string& name, std::string_view dtype, std::size_t rows,
                       std::int64_t columns, std::uint64_t begin, std::uint64_t end) {
  return fmt::format(",{}:{{\"dtype\":\"{}\",\"shape\":[{},{}],\"data_offsets\":[{},{}]}}",
                     nlohmann::json(name).dump(), dtype, rows, columns, begin, end);
}

}  // namespace

PackedWriter::PackedWriter(const fs::path& file, at::ScalarType dtype, std::int64_t width,
                           const std::string& info)
    : path_(file),
      partial_(file),
      file_(Descriptor::create(partial_.path(), file)),
      dtype_(dtype),
      width_(width),
      metadata_(metadata_json(info)),
      header_size_((metadata_.size() + kRoomForEntries) / 8 * 8) {
  write_all(file_, as_bytes(std::string(kLengthBytes + header_size_, ' ')), path_);
}

void PackedWriter::begin_category(const std::string& name) {
  categories_.push_back({name, {}});
}

void PackedWriter::add(const StudyDigest& study, const at::Tensor& vector) {
  write_all(file_, tensor_bytes(vector.to(dtype_).contiguous()), path_);
  categories_.back().studies.push_back(study);
}

// The vectors of all categories come first, so that each is aligned for its type.
std::string PackedWriter::header() const {
  std::string text = fmt::format("{{\"__metadata__\":{}", metadata_);
  std::uint64_t begin = 0;
  const std::uint64_t row_bytes = static_cast<std::uint64_t>(width_) * c10::elementSize(dtype_);
  for (const Category& category : categories_) {
    const std::uint64_t end = begin + category.studies.size() * row_bytes;
    text += entry_json(kVectorsPrefix + category.name, safetensors_dtype_name(dtype_),
                       category.studies.size(), width_, begin, end);
    begin = end;
  }
  for (const Category& category : categories_) {
    const std::uint64_t end = begin + digest_bytes(category.studies).size();
    text += entry_json(kStudiesPrefix + category.name, safetensors_dtype_name(at::kByte),
                       category.studies.size(), sizeof(StudyDigest), begin, end);
    begin = end;
  }
  return text + "}";
}

void PackedWriter::finish() {
  for (const Category& category : categories_) write_all(file_, digest_bytes(category.studies), path_);
  std::string text;
  try {
    text = header();
  } catch (const nlohmann::json::exception&) {
    fail(ErrorCategory::input, "{}: the name of a category is not UTF-8", path_);
  }
  if (text.size() > header_size_)
    fail(ErrorCategory::unsupported, "{}: {} categories are too many", path_, categories_.size());
  text.resize(header_size_, ' ');
  if (::lseek(file_.get(), 0, SEEK_SET) != 0)
    fail(ErrorCategory::io, "{}: cannot seek: {}", path_, std::strerror(errno));
  const std::uint64_t size = header_size_;
  write_all(file_, {reinterpret_cast<const std::uint8_t*>(&size), kLengthBytes}, path_);
  write_all(file_, as_bytes(text), path_);
  partial_.commit();
}

}  // namespace pillar

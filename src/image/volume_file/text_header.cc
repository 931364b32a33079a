#include "image/volume_file/text_header.h"

#include "pillar/core/file.h"

#include "core/shared/path_format.h"
#include "image/volume_file/nrrd_space.h"

#include <algorithm>
#include <bit>
#include <cctype>
#include <charconv>
#include <fstream>

namespace pillar {
namespace {

constexpr std::size_t kMaxHeaderBytes = 1 << 20;
constexpr std::size_t kMaxLineBytes = 1000;  // MetaImage's reader keeps lines in buffers of 1024

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string result;
  for (char c : text) result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

std::string normal_key(std::string_view key) {
  std::string result = lower(key);
  std::erase(result, ' ');
  return result;
}

std::uint64_t file_bytes(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) fail(ErrorCategory::io, "{}: no such file", path);
  if (!std::filesystem::is_regular_file(path, error)) fail(ErrorCategory::io, "{}: not a regular file", path);
  return std::filesystem::file_size(path);
}

std::string first_bytes(const std::filesystem::path& path) {
  std::string text(static_cast<std::size_t>(std::min<std::uint64_t>(file_bytes(path), kMaxHeaderBytes)),
                   '\0');
  std::ifstream file(path, std::ios::binary);
  if (!file.read(text.data(), static_cast<std::streamsize>(text.size())))
    fail(ErrorCategory::io, "{}: cannot be read", path);
  return text;
}

void check_axes(const TextHeader& header, std::string_view key, const std::filesystem::path& path) {
  const std::string text = header.value(key).value_or("");
  int axes = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), axes);
  if (error != std::errc() || end != text.data() + text.size()) {
    fail(ErrorCategory::input, "{}: header without a number of axes", path);
  }
  // MetaImage's reader keeps ten numbers an axis list and does not check.
  if (axes == 2) fail(ErrorCategory::input, "{}: 2 axes: one image is no volume", path);
  if (axes < 3 || axes > 4) fail(ErrorCategory::input, "{}: {} axes; 3 or 4 can be read", path, axes);
}

std::filesystem::path beside(const std::filesystem::path& path, const std::string& name) {
  const std::filesystem::path file = path.parent_path() / name;
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) {
    fail(ErrorCategory::input, "{}: its voxel file '{}' is not there", path, printable(name));
  }
  return file;
}

constexpr bool kBigEndian = std::endian::native == std::endian::big;

void refuse_unless(bool plain, std::string_view key, const TextHeader& header,
                   const std::filesystem::path& path) {
  if (plain) return;
  fail(ErrorCategory::unsupported, "{}: {} '{}' is not read", path, key,
       printable(header.value(key).value_or(""), 40));
}

bool zero_or_absent(const TextHeader& header, std::string_view key) {
  return header.value(key).value_or("0") == "0";
}

bool is_true(const TextHeader& header, std::string_view key, bool absent) {
  const auto text = header.value(key);
  return text ? lower(*text).starts_with('t') || *text == "1" : absent;
}

void describe_nrrd(const TextHeader& header, const std::filesystem::path& path, VoxelBlock& block) {
  const std::string encoding = lower(header.value("encoding").value_or("raw"));
  block.deflated = encoding == "gzip" || encoding == "gz";
  refuse_unless(block.deflated || encoding == "raw", "encoding", header, path);
  for (std::string_view key : {"lineskip", "byteskip"})
    refuse_unless(zero_or_absent(header, key), key, header, path);
  block.swapped = lower(header.value("endian").value_or(kBigEndian ? "big" : "little")) !=
                  (kBigEndian ? "big" : "little");
}

void describe_meta(const TextHeader& header, const std::filesystem::path& path, VoxelBlock& block) {
  block.deflated = is_true(header, "compresseddata", false);
  refuse_unless(is_true(header, "binarydata", true), "binarydata", header, path);
  refuse_unless(zero_or_absent(header, "headersize"), "headersize", header, path);
  block.swapped = (is_true(header, "binarydatabyteordermsb", kBigEndian) ||
                   is_true(header, "elementbyteordermsb", kBigEndian)) != kBigEndian;
  const auto claimed = header.value("compresseddatasize");
  if (!block.deflated || !claimed) return;
  std::uint64_t bytes = 0;
  const auto [end, error] = std::from_chars(claimed->data(), claimed->data() + claimed->size(), bytes);
  if (error != std::errc() || bytes > block.bytes) {
    fail(ErrorCategory::input, "{}: compressed size {}, the file has {} bytes (truncated?)", path,
         printable(*claimed, 40), block.bytes);
  }
  block.bytes = bytes;
}

}  // namespace

std::optional<std::string> TextHeader::value(std::string_view key) const {
  for (const auto& [name, text] : lines) {
    if (name == key) return text;
  }
  return std::nullopt;
}

TextHeader read_text_header(VolumeFormat format, const std::filesystem::path& path) {
  const bool nrrd = format == VolumeFormat::nrrd;
  const std::string text = first_bytes(path);
  if (nrrd && !text.starts_with("NRRD000")) fail(ErrorCategory::input, "{}: not an NRRD file", path);
  TextHeader header;
  bool complete = nrrd && path.extension() == ".nhdr";  // a detached header may end without a blank line
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = text.find('\n', begin);
    if (end == std::string::npos && !complete) break;
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    begin = end == std::string::npos ? text.size() : end + 1;
    if (line.size() > kMaxLineBytes)
      fail(ErrorCategory::input, "{}: a header line of {} bytes", path, line.size());
    header.bytes = begin;
    if (nrrd && trimmed(line).empty()) {
      complete = true;
      break;
    }
    const std::size_t separator = line.find(nrrd ? ':' : '=');
    if (nrrd && line.substr(std::min(separator, line.size())).starts_with(":=")) continue;  // a writer's own
    if (separator == std::string_view::npos || line.starts_with('#')) {
      if (!nrrd)
        fail(ErrorCategory::input, "{}: not a MetaImage file ('{}' in its header)", path,
             printable(line, 40));
      continue;
    }
    header.lines.emplace_back(normal_key(line.substr(0, separator)),
                              std::string(trimmed(line.substr(separator + 1))));
    if (!nrrd && header.lines.back().first.find("elementdatafile") == 0) {
      complete = true;
      break;
    }
  }
  if (!complete)
    fail(ErrorCategory::input, "{}: {}", path,
         nrrd ? "NRRD header without an end" : "not a MetaImage file, or its header has no end");
  if (!nrrd) header.lines.back().first = normal_key(trimmed(header.lines.back().first));
  check_axes(header, nrrd ? "dimension" : "ndims", path);
  return header;
}

VoxelBlock voxel_block(VolumeFormat format, const TextHeader& header, const std::filesystem::path& path) {
  const bool nrrd = format == VolumeFormat::nrrd;
  std::optional<std::string> name = header.value(nrrd ? "datafile" : "elementdatafile");
  if (!nrrd && lower(name.value_or("")) == "local") name = std::nullopt;
  if (!name && has_extension(path, ".nhdr")) fail(ErrorCategory::input, "{}: names no voxel file", path);
  if (name && (lower(*name).starts_with("list") || name->find('%') != std::string::npos)) {
    fail(ErrorCategory::unsupported, "{}: its voxels are in several files", path);
  }
  VoxelBlock block;
  block.file = name ? beside(path, *name) : path;
  block.offset = name ? 0 : header.bytes;
  block.bytes = file_bytes(block.file) - block.offset;
  if (nrrd) {
    describe_nrrd(header, path, block);
  } else {
    describe_meta(header, path, block);
  }
  return block;
}

bool warn_of_absent_geometry(VolumeFormat format, const TextHeader& header, const std::filesystem::path& path,
                             Notes& notes) {
  const auto any = [&](std::initializer_list<std::string_view> keys) {
    return std::any_of(keys.begin(), keys.end(),
                       [&](std::string_view key) { return header.value(key).has_value(); });
  };
  const bool nrrd = format == VolumeFormat::nrrd;
  if (nrrd ? !any({"spacings", "spacedirections"}) : !any({"elementspacing", "elementsize"})) {
    notes.add(fmt::format("{}: the header has no spacing; taken as 1 mm", path));
  }
  const bool has_axes = nrrd ? any({"spacedirections"}) : any({"transformmatrix", "rotation", "orientation"});
  if (!has_axes) {
    notes.add(
        fmt::format("{}: the header has no orientation; axes taken as left, posterior, superior", path));
  }
  if (nrrd ? !any({"spaceorigin", "axismins"}) : !any({"offset", "position", "origin"})) {
    notes.add(fmt::format("{}: the header has no origin; taken as 0", path));
  }
  if (!nrrd || !has_axes || nrrd_space(header, path).of_the_patient) return has_axes;
  notes.add(fmt::format("{}: space '{}' says nothing of the patient; taken as left-posterior-superior", path,
                        printable(header.value("space").value_or("none"), 40)));
  return false;
}

}  // namespace pillar

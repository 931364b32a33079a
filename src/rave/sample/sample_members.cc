#include "rave/sample/sample_members.h"

#include "pillar/core/fail.h"

#include "rave/sample/lz4_inflate.h"
#include "rave/sample/tar_members.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 4> kVolumeNames = {"volume.mp4", "volume.mkv", "volume.npy",
                                                          "volume.pt"};
constexpr std::string_view kMetadataName = "metadata.json";

bool starts_with(ByteView bytes, std::string_view magic, std::size_t at = 0) {
  return bytes.size() >= at + magic.size() &&
         std::equal(magic.begin(), magic.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at),
                    [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; });
}

bool is_npy(ByteView bytes) {
  return starts_with(bytes, "\x93NUMPY");
}
bool is_zip(ByteView bytes) {
  return starts_with(bytes, "PK\x03\x04");
}

bool is_video(ByteView bytes) {
  if (starts_with(bytes, "\x1A\x45\xDF\xA3")) return true;  // Matroska
  for (std::string_view box : {"ftyp", "moov", "mdat", "free", "skip", "wide"}) {
    if (starts_with(bytes, box, 4)) return true;
  }
  return false;
}

SampleMembers open_folder(const fs::path& path) {
  SampleMembers members;
  members.container = "folder";
  std::error_code error;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!is_member_name(name)) continue;
    auto mapping = std::make_unique<MappedFile>(it->path());
    members.bytes_on_disk += mapping->bytes().size();
    members.add(name, mapping->bytes(), path);
    members.mappings.push_back(std::move(mapping));
  }
  if (error) fail(ErrorCategory::io, "{}: cannot list: {}", path, error.message());
  return members;
}

// The name is the path's own: "volume.mp4" where it is that, but any video file will do.
SampleMembers open_file(const fs::path& path, const SampleLimits& limits) {
  SampleMembers members;
  auto mapping = std::make_unique<MappedFile>(path);
  ByteView bytes = mapping->bytes();
  members.bytes_on_disk = bytes.size();
  members.mappings.push_back(std::move(mapping));
  if (bytes.empty()) fail(ErrorCategory::input, "{}: empty", path);
  if (is_video(bytes) || is_npy(bytes) || is_zip(bytes)) {
    members.container = "file";
    members.volume = SampleMember{path.filename().string(), bytes};
    return members;
  }
  members.container = "tar";
  if (is_lz4_frame(bytes)) {
    members.container = "tar.lz4";
    members.buffers.push_back(
        std::make_unique<Bytes>(inflate_lz4(bytes, limits.max_inflated_bytes, path.string())));
    bytes = *members.buffers.back();
    members.mappings.clear();
  }
  list_tar(bytes, path, members);
  return members;
}

}  // namespace

bool is_member_name(const std::string& name) {
  return name == kMetadataName ||
         std::find(kVolumeNames.begin(), kVolumeNames.end(), name) != kVolumeNames.end();
}

bool SampleMembers::add(const std::string& name, ByteView bytes, const fs::path& container_path) {
  if (!is_member_name(name)) return false;
  std::optional<SampleMember>& place = name == kMetadataName ? metadata : volume;
  if (place) {
    fail(ErrorCategory::input, "{}: more than one {}: {} and {}", container_path,
         name == kMetadataName ? "metadata.json" : "volume", place->name, name);
  }
  place = SampleMember{name, bytes};
  return true;
}

PayloadKind sniff_payload(ByteView bytes) noexcept {
  if (is_npy(bytes)) return PayloadKind::npy;
  return is_zip(bytes) ? PayloadKind::torch_tensor : PayloadKind::video;
}

SampleMembers open_members(const fs::path& path, const SampleLimits& limits) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) fail(ErrorCategory::io, "{}: no such sample", path);
  SampleMembers members = fs::is_directory(status) ? open_folder(path) : open_file(path, limits);
  if (!members.volume) {
    fail(ErrorCategory::input, "{}: not a RAVE sample: no volume.mp4, .mkv, .npy or .pt in it", path);
  }
  return members;
}

}  // namespace pillar

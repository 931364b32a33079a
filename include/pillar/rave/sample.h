// RAVE samples on disk: folders and archives, read by content rather than by name, and written all at once.
#pragma once

#include "pillar/core/file.h"
#include "pillar/image/volume.h"
#include "pillar/rave/metadata.h"
#include "pillar/rave/video.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace pillar {

enum class Archive { none, tar, tar_lz4 };  // folder; plain tar; LZ4 frame around a tar that holds volume.npy
const char* to_string(Archive archive) noexcept;  // "none", "tar", "tar.lz4"
Archive parse_archive(std::string_view text);     // throws Error(usage)

enum class PayloadKind { video, npy, torch_tensor };

struct SampleLimits {
  std::uint64_t max_inflated_bytes = 1ull << 34;  // of an LZ4 archive: more is taken for a bomb
};

struct SampleInfo {
  std::filesystem::path path;
  std::string container;     // "folder", "tar", "tar.lz4"
  std::string payload_name;  // "volume.mp4"
  PayloadKind payload;
  std::optional<VideoInfo> video;
  SizeDhw size_dhw = {0, 0, 0};
  at::ScalarType dtype;  // of what read() returns
  std::uint64_t bytes_on_disk = 0;
  std::optional<SampleMetadata> metadata;  // unset where the sample has none
};

// An opened sample: its archive is mapped and listed, its metadata parsed, its voxels not yet decoded.
// open() throws Error(io) for a missing path and Error(input) naming the file: no volume or two, links or
// paths that leave the archive, a truncated archive, malformed metadata, a frame count other than the
// metadata's.
class Sample {
 public:
  static Sample open(const std::filesystem::path& path, const SampleLimits& limits = {});
  Sample(Sample&&) noexcept;
  Sample& operator=(Sample&&) noexcept;
  ~Sample();

  struct State;

  const SampleInfo& info() const noexcept;
  // Of the scan that it was made of and of how, as it records both; where it records nothing, its series and
  // the SHA-256 of its volume's bytes.
  SourceIdentity identity() const;
  // CT video without a mode is the public stream: int16 HU through the 1,024-entry table; MR: uint16 grey.
  // Lossless: the stored values. npy and pt: their values, integers narrowed to int16 or uint16 where they
  // fit, else float32. The geometry is the metadata's (moved to the first slice of the range); identity with
  // the target spacing if unknown.
  Volume read(SliceRange range = {}, int threads = 0) const;

 private:
  explicit Sample(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

struct SampleWriteOptions {
  SampleMode mode = SampleMode::lossless;
  Archive archive = Archive::none;
  std::string preset = "ultrafast";  // of x265
  int crf = 6;
  int keyframe_interval =
      0;  // slices; 0: 128 for rave10, as published, and 16 for lossless, so that ranges are cheap
  int threads = 0;
};

// Name of a sample's folder or archive: "<accession>.<series_number>.<volume_index>" plus ".tar" or
// ".tar.lz4"; the last is 0 but for series of several volumes. Characters
// that a path cannot carry become "_"; an empty accession becomes the series UID.
std::string sample_name(const SampleMetadata& metadata);
// The text as the name of a sample: what a path cannot carry is "_", and at most 160 bytes are kept.
std::string path_safe_name(std::string name);
std::string sample_suffix(Archive archive);

// metadata.json of a sample, whose volume must be there but is not looked at. Unset where it has none. Throws
// what Sample::open() throws for archives and metadata.
std::optional<SampleMetadata> read_sample_metadata(const std::filesystem::path& path,
                                                   const SampleLimits& limits = {});

// How a volume is stored. rave10 and lossless video for scans; masks, every .tar.lz4, and lossless slices too
// small for a video (under 32 rows or columns) as volume.npy. int16 or uint16 voxels; rave10 takes CT of
// either type and MR as uint16. Fills the export part of `metadata` (mode, codec, bits, geometry, final
// shape). Returns the bytes written. Atomic: the sample appears whole or not at all. Throws Error(usage) for
// rave10 in a .tar.lz4, Error(io) on a full disk.
std::uint64_t write_sample(const std::filesystem::path& target, const Volume& volume, SampleMetadata metadata,
                           const SampleWriteOptions& options);

}  // namespace pillar

// What a scan is, whatever it is called and wherever it lies: its series' UIDs, or its file's content.
#pragma once

#include "pillar/image/dicom_series.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace pillar {

// Two texts without line ends, made to be written down and compared. Neither names a patient or a path.
struct SourceIdentity {
  std::string source;   // where it comes from: "series 1.2.840.5", or "file at 3f0a12b4c5d6e7f8"
  std::string content;  // what it consists of: "120 images, sha256 ...", or "sha256 ..."

  bool is_known() const noexcept { return !content.empty(); }
};

// Of a DICOM series: its UID, what tells the volume from others of the series, and a digest of the UIDs,
// numbers and places of its images and of the patient's id. A series that more images have come to since is
// one that has changed.
SourceIdentity series_identity(const DicomSeries& series);

// Of a volume file: the SHA-256 of its bytes, and of those of a header's separate voxel file; the whole file
// is read. Its path, as a digest, is a hint: a file that was moved or copied is the same source, and another
// content at the same path one that has changed. `volume` is the one that is read of a 4-D file, from 0.
// Throws Error(io) naming what cannot be read.
SourceIdentity volume_file_identity(const std::filesystem::path& file,
                                    std::optional<std::int64_t> volume = {});

// "file at 3f0a12b4c5d6e7f8": a path as a digest.
std::string place_hint(const std::filesystem::path& path);

enum class SourceMatch {
  same,
  changed,  // from the same place, with another content
  other,
};
SourceMatch compare(const SourceIdentity& then, const SourceIdentity& now) noexcept;

// "series 1.2.840.5 (120 images, sha256 12ab34cd...)", for messages.
std::string describe(const SourceIdentity& identity);

}  // namespace pillar

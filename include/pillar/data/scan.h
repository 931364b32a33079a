// One scan ready to be fitted to a model: a RAVE sample, a DICOM folder, or a volume file.
#pragma once

#include "pillar/core/notes.h"
#include "pillar/image/prepare.h"
#include "pillar/image/source_identity.h"
#include "pillar/model/preprocess_spec.h"
#include "pillar/windows/window.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace pillar {

// Decoded, with what a model must know about its values and its order.
struct Scan {
  std::string name;             // accession, or the path's name
  Volume volume;                // int16, uint16 or float32
  bool rave10 = false;          // its values came through the published lossy stream
  bool mr_normalised = false;   // MR min-max scaled to uint16 already
  bool geometry_known = false;  // volume.geometry says where slices lie in the patient
  std::optional<std::array<double, 3>> spacing_xyz_mm;  // unset: the sample does not say
  std::optional<Grid> source;  // of the volume before it was reordered and resampled here; unset: it was not
  // The volume was not made on `source` but of planes that lay on no even grid: masks go by place.
  bool from_true_positions = false;
  AxisOrder order = {};  // from the axes of `source` to those of `volume`
  Notes notes = {};      // of a sample's values: where they do not look like what they should be
};

struct ScanEntry {
  std::filesystem::path path;
  std::string name;  // empty: what the scan calls itself
};

// Samples, DICOM folders and volume files among and below `paths`, in a stable order. A path that does not
// exist stays, so that a batch says what is wrong with it.
std::vector<ScanEntry> list_scans(const std::vector<std::filesystem::path>& paths);

struct ScanReadOptions {
  PrepareOptions prepare;  // of DICOM and volume files; a sample is taken as it is stored
  int threads = 1;
  // What the values mean, by which they are judged. Unset: by the scan's modality.
  std::optional<WindowFamily> family = {};
};

// Axes, resampling, slices, rows and columns of a spec; all but the axes as `pillar-rave encode` does them.
PrepareOptions prepare_options(const PreprocessSpec& spec);
ScanReadOptions read_options(const PreprocessSpec& spec, int threads = 1);

// Headers read, voxels not yet: its name and cost are known before anything is decoded.
struct OpenedScan {
  std::string name;
  Modality modality = Modality::ct;   // of the volume that read() gives
  std::uint64_t read_bytes = 0;       // about what read() holds at its peak
  std::optional<SizeDhw> stored_dhw;  // of a sample
  bool geometry_known = false;        // of the volume that read() gives
  Notes notes;                        // of its headers: which of several series it is
  std::function<Scan()> read;
  std::function<SourceIdentity()> identify;  // what the scan is; a volume file is read for it
};

// A DICOM folder with several series: the one with the most slices, which the notes say. Throws Error(io |
// input) naming the path; read() throws Error(input) for a segmentation mask (whole numbers, few of them) and
// for a CT whose values cannot be HU.
OpenedScan open_scan(const ScanEntry& entry, const ScanReadOptions& options);

}  // namespace pillar

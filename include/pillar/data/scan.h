// One scan ready to be fitted to a model: a RAVE sample, a DICOM folder, or a volume file.
#pragma once

#include "pillar/core/error.h"
#include "pillar/core/notes.h"
#include "pillar/core/path_text.h"
#include "pillar/image/prepare.h"
#include "pillar/image/source_identity.h"
#include "pillar/model/preprocess_spec.h"
#include "pillar/windows/window.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
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
  PathText path;     // of a DICOM study the innermost folder with all of it
  std::string name;  // empty: what the scan calls itself
  // The series of a DICOM study, of which the headers have been read. Null: the path says what it is, and
  // what lies there is looked for when it is opened.
  std::shared_ptr<const std::vector<DicomSeries>> study = {};
  std::string fault = {};  // not empty: it is no scan, and this is why
  bool is_named = true;    // else it was found below a folder, where something else may lie as well
};

// What is sound, but nothing that a model is shown: a segmentation mask.
class NoScan : public Error {
 public:
  using Error::Error;
};

// The scans at and below `paths`, each once however links lead to it, in the order of the paths: samples,
// volume files, and DICOM studies, whose series may lie in several folders. Of a DICOM file that is named the
// whole series in its folder is taken. What is no scan is left out, which the log says; what should have been
// one and cannot be read is an entry with its fault. Throws Error(io) where none of the paths exists.
std::vector<ScanEntry> list_scans(const std::vector<std::filesystem::path>& paths);

// Which series of a DICOM study is wanted.
struct SeriesWish {
  std::string tower;                   // the model's, whose name says which part of the body it sees
  std::optional<std::int64_t> number;  // SeriesNumber
  std::string description;             // a part of SeriesDescription, in any case; empty: any
};

struct ScanReadOptions {
  PrepareOptions prepare;  // of DICOM and volume files; a sample is taken as it is stored
  int threads = 1;
  // What the values mean, by which they are judged. Unset: by the scan's modality.
  std::optional<WindowFamily> family = {};
  SeriesWish series = {};
};

// Axes, resampling, slices, rows and columns of a spec; all but the axes as `pillar-rave encode` does them.
PrepareOptions prepare_options(const PreprocessSpec& spec);
ScanReadOptions read_options(const PreprocessSpec& spec, int threads = 1);

// Headers read, voxels not yet: its name and cost are known before anything is decoded.
struct OpenedScan {
  ScanEntry entry;  // settled: of a DICOM study the series that was chosen alone
  std::string name;
  Modality modality = Modality::ct;   // of the volume that read() gives
  std::uint64_t read_bytes = 0;       // about what read() holds at its peak
  std::optional<SizeDhw> stored_dhw;  // of a sample
  bool geometry_known = false;        // of the volume that read() gives
  // Of a sample, which is taken as it is stored, where it says so: its spacing, and how it lies.
  std::optional<std::array<double, 3>> stored_spacing_xyz_mm;
  std::optional<Geometry> stored_geometry;
  Notes notes;  // of its headers: which of several series it is
  std::function<Scan()> read;
  std::function<SourceIdentity()> identify;  // what the scan is; a volume file is read for it
};

// Each DICOM study as all of its series that the options ask for and a model could be shown (of the modality
// that is prepared for, and readable), named ACCESSION.NUMBER where there are several.
std::vector<ScanEntry> with_all_series(const std::vector<ScanEntry>& scans, const ScanReadOptions& options);

// Of a DICOM study the series that fits best (data/scan/series_choice.h), which the notes say with what the
// others lack. Throws Error(io | input) naming the path, also where a folder holds several studies; it, or
// read(), throws NoScan for a segmentation mask (whole numbers, few of them), and read() Error(input) for a
// CT whose values cannot be HU.
OpenedScan open_scan(const ScanEntry& entry, const ScanReadOptions& options);

}  // namespace pillar

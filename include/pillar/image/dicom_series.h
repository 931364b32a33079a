// DICOM folder -> series -> Volume (DCMTK; JPEG 2000 through GDCM).
#pragma once

#include "pillar/core/notes.h"
#include "pillar/image/volume.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pillar {

// One image plane: a single-frame file, one frame of an Enhanced multi-frame file, or one tile of a mosaic.
struct DicomPlane {
  std::filesystem::path file;
  int frame = 0;                                  // index within the file
  std::string instance_uid;                       // SOPInstanceUID (0008,0018), of all frames of a file
  std::optional<std::int64_t> instance_number;    // (0020,0013), or the frame's place in its stack
  std::optional<std::array<double, 3>> position;  // ImagePositionPatient (0020,0032), mm, LPS
  std::array<double, 6> orientation = {1, 0, 0, 0, 1, 0};  // ImageOrientationPatient (0020,0037)
  bool has_orientation = false;
  std::array<double, 2> pixel_spacing_rc_mm = {1,
                                               1};  // PixelSpacing (0028,0030): between rows, between columns
  double rescale_slope = 1;                         // (0028,1053), per plane
  double rescale_intercept = 0;                     // (0028,1052)
  double slice_spacing_mm =
      0;  // SpacingBetweenSlices (0018,0088), else SliceThickness (0018,0050); 0 if neither
  // PixelPaddingValue (0028,0120) and its range limit: stored values, the lesser first.
  std::optional<std::pair<std::int32_t, std::int32_t>> padding_stored;
  int rows = 0;
  int columns = 0;
  // Of a tile of a mosaic: the row and column of its first pixel in the frame, which is larger.
  std::optional<std::array<int, 2>> tile_rc;
  std::string
      fault;  // what is wrong with its header, empty if nothing: load_series() throws it, naming the file
};

// What a file or plane is that no volume has a place for. None of them is a failure.
enum class LeftOut {
  localizer,
  screen_capture,  // colour, or a secondary capture that lies nowhere in the patient
  derived_view,    // a MIP or MPR of a scan that is there itself
  report,          // structured reports, dose reports, key object selections
  document,        // PDF and other documents
  directory,       // DICOMDIR
  other_object,    // sound DICOM of another kind: other modalities, segmentations, presentation states
  copy,            // of an image that is there
  odd_plane,       // of another matrix or orientation than the series, or without what its planes have
  one_place,       // images of one place over time, such as bolus tracking
  not_dicom,
  own_output,  // of the batch that is running
};
const char* to_string(LeftOut kind) noexcept;  // "screen capture"

// A file or plane that is left out, and why ("matrix 512x888, the series has 512x512", "localizer").
struct ExcludedPlane {
  std::filesystem::path file;
  int frame = 0;
  LeftOut kind = LeftOut::odd_plane;
  std::string reason;
};

// A file that should have been read and could not be.
struct DamagedFile {
  std::filesystem::path file;
  std::string fault;
};

// Headers of one volume of a series, mostly its only one: what can be known without reading pixels.
struct DicomSeries {
  std::string series_uid;  // SeriesInstanceUID (0020,000E)
  std::string study_uid;   // StudyInstanceUID (0020,000D)
  std::string patient_id;  // PatientID (0010,0020): told apart by it, and never written unless asked for
  std::string accession;   // AccessionNumber (0008,0050), may be empty
  std::int64_t series_number = 0;    // (0020,0011), 0 if absent
  std::string series_description;    // (0008,103E)
  Modality modality = Modality::ct;  // (0008,0060)
  std::string body_part;             // BodyPartExamined (0018,0015), may be empty
  std::string image_type;            // ImageType (0008,0008) of its first plane: "ORIGINAL\\PRIMARY\\AXIAL"
  bool is_derived_view = false;      // by its image type a MIP, an MPR or the like
  double gantry_tilt_deg = 0;        // GantryDetectorTilt (0018,1120)
  int volume_index = 0;              // among the volumes of its series, from 0
  int volume_count = 1;
  std::string volume_key;  // what tells it from the others: "AcquisitionNumber 2"; empty for a single one
  std::vector<DicomPlane> planes;       // in reading order: InstanceNumber ascending
  std::vector<ExcludedPlane> excluded;  // of the whole series, where this is its first volume
  std::string fault;  // why it is no volume, naming a file; empty if nothing: load_series() throws it
  Notes notes;        // what was odd, one line each: nothing is repaired silently
  std::uint64_t bytes_on_disk = 0;  // of the files it uses
};

// The orientation of its slices: AXIAL, CORONAL or SAGITTAL by the largest component of their normal; empty
// where no plane says.
std::string orientation_of(const DicomSeries& series);

// The usual distance of its planes along their normal in mm; of a single plane what its header says, else 0.
double slice_spacing_mm(const DicomSeries& series);

struct DicomScan {
  std::vector<DicomSeries> series;  // by SeriesInstanceUID, as GDCM lists them: the first is `--series first`
  std::vector<ExcludedPlane> left_out;  // what belongs to no series that is listed
  std::vector<DamagedFile> damaged;
  std::vector<std::filesystem::path> non_dicom;
};

// What a file that is no DICOM begins with: "a PDF document", "no DICM at byte 128 and no data set; ...".
std::string looks_like(const std::filesystem::path& file);

// Reads the headers of every file directly in `folder` (or of one file). Throws Error(io) if the folder
// cannot be read and Error(input) if it holds no CT or MR image, saying what it does hold.
DicomScan scan_dicom(const std::filesystem::path& folder);

// The same of files wherever they lie, grouped over folders and read with `threads` threads. The outcome does
// not depend on their order but for which of two equal copies stays. Throws nothing for what the files hold.
// Takes the list, so that of many files it is not in memory beside the outcome.
DicomScan scan_dicom_files(std::vector<std::filesystem::path> files, int threads);

// What to do where slices are missing, unevenly spaced or beside each other.
enum class GapPolicy {
  interpolate,  // resample once, from where they lie; more than a tenth missing is an error
  ignore,       // pretend they are even (the public engine's behaviour)
  fail,
};

// What to do with planes that are stacked on a line that is not their normal.
enum class TiltPolicy {
  correct,  // resample once, to a grid along that line
  refuse,
  keep,  // stack them along their normal (the public engine's behaviour)
};

struct DicomLoadOptions {
  GapPolicy gaps = GapPolicy::interpolate;
  TiltPolicy gantry_tilt = TiltPolicy::correct;
  // Of the grid that planes are brought to where they lie on no even one; unset: as fine as they are. Even
  // planes are not resampled.
  std::optional<std::array<double, 3>> target_spacing_xyz_mm;
  // Of a CT that is resampled, here or, as a target spacing says, later: what the scanner marked as not
  // reconstructed (PixelPaddingValue; -2000 and -3024 HU) becomes -1024 HU first, so that no edge is mixed
  // with it.
  bool padding_is_air = false;
  bool nearest_neighbour = false;  // a label map: no means of labels
  int threads = 1;                 // of resampling; 0: all processors
};

// What load_series() found and did; goes into metadata.json.
struct LoadReport {
  std::int64_t source_slice_count = 0;  // planes read
  std::int64_t excluded_slice_count = 0;
  std::vector<double> filled_positions_mm;  // along the stack, from the first slice: planes that are missing
  std::vector<double> slice_positions_mm;   // along the stack, of every plane read, where they are uneven
  std::optional<double> gantry_tilt_corrected_deg;
  // Set where planes were resampled from where they lie: the grid that is as fine as they are, of which the
  // volume has the space and, where it was asked for, another spacing.
  std::optional<Grid> own_grid;
  Notes notes;  // those of the series, then what loading found
};

// Decodes every plane. Values are slope * stored + intercept: int16 (uint16 if they need it) where every
// slope and intercept is whole and the values fit, else float64. Geometry: ITK's convention, third axis
// pointing from the first plane to the last. Planes on no even grid are resampled once, by the options.
// Throws Error(input) naming the file: truncated or missing pixel data, zero rows, absent positions,
// duplicate positions, mixed orientations, wrong value representations; Error(unsupported) for a transfer
// syntax or photometric interpretation without a decoder.
Volume load_series(const DicomSeries& series, const DicomLoadOptions& options, LoadReport& report);

}  // namespace pillar

#include "image/dicom/dicom_header.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "image/dicom/dicom_attributes.h"
#include "image/dicom/dicom_padding.h"
#include "image/dicom/dicom_structure.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace pillar {
namespace {

constexpr Uint32 value_bytes_read_at_once = 4096;  // longer values stay on disk
constexpr double farthest_mm = 1e6;                // no patient is there; keeps all later sums finite
constexpr double largest_rescale = 1e12;

DicomSeries read_identity(DcmItem& dataset, const std::filesystem::path& path) {
  std::string ignored;  // a series number that is no number is no reason to lose the series
  AttributeReader read(dataset, ignored);
  DicomSeries identity;
  const std::string modality = read.text(DCM_Modality);
  if (modality != "CT" && modality != "MR") {
    fail(ErrorCategory::unsupported, "{}: modality '{}', not CT or MR", path, printable(modality, 16));
  }
  identity.modality = modality == "CT" ? Modality::ct : Modality::mr;
  identity.series_uid = as_utf8(read.text(DCM_SeriesInstanceUID));
  identity.study_uid = as_utf8(read.text(DCM_StudyInstanceUID));
  identity.accession = read.utf8_text(DCM_AccessionNumber, dataset);
  identity.series_number = read.integer(DCM_SeriesNumber).value_or(0);
  identity.series_description = read.utf8_text(DCM_SeriesDescription, dataset);
  identity.gantry_tilt_deg = read.number(DCM_GantryDetectorTilt).value_or(0);
  if (identity.series_uid.empty()) fail(ErrorCategory::input, "{}: no SeriesInstanceUID", path);
  return identity;
}

bool is_localizer(const std::string& image_type) {
  const auto values = split_values(image_type);
  return std::find(values.begin(), values.end(), "LOCALIZER") != values.end();
}

// What holds for the whole file, whether it has one frame or many.
PlaneHeader read_image(DcmItem& dataset, const std::filesystem::path& path, const DicomStructure& structure) {
  PlaneHeader header;
  DicomPlane& plane = header.plane;
  plane.file = path;
  AttributeReader read(dataset, plane.fault);
  header.instance_uid = read.text(DCM_SOPInstanceUID);
  header.is_localizer = is_localizer(read.text(DCM_ImageType));
  plane.rows = read.u16(DCM_Rows).value_or(0);
  plane.columns = read.u16(DCM_Columns).value_or(0);
  read_padding(dataset, plane);
  if (!structure.has_pixel_data) {
    if (plane.rows == 0 && plane.columns == 0) fail(ErrorCategory::unsupported, "{}: holds no image", path);
    read.add_fault("no pixel data");
  }
  if (plane.rows == 0 || plane.columns == 0)
    read.add_fault(fmt::format("{} rows and {} columns", plane.rows, plane.columns));
  read.add_fault(structure.pixel_fault);
  return header;
}

PlaneHeader single_plane(DcmItem& dataset, PlaneHeader header) {
  DicomPlane& plane = header.plane;
  std::string ignored;  // a bad instance number only means that order comes from positions
  plane.instance_number = AttributeReader(dataset, ignored).integer(DCM_InstanceNumber);
  read_position(&dataset, plane);
  read_orientation(&dataset, plane);
  AttributeReader read(dataset, plane.fault);
  if (!read_measures(&dataset, plane)) read.add_fault("no PixelSpacing (0028,0030)");
  header.has_rescale = read_rescale(&dataset, plane);
  return header;
}

}  // namespace

void read_position(DcmItem* item, DicomPlane& plane) {
  if (item == nullptr) return;
  AttributeReader read(*item, plane.fault);
  const auto values = read.numbers(DCM_ImagePositionPatient, 3);
  if (!values) return;
  plane.position = {(*values)[0], (*values)[1], (*values)[2]};
  for (double value : *values) {
    if (std::abs(value) > farthest_mm)
      read.add_fault(fmt::format("{} has {} mm", tag_name(DCM_ImagePositionPatient), value));
  }
}

void read_orientation(DcmItem* item, DicomPlane& plane) {
  if (item == nullptr) return;
  AttributeReader read(*item, plane.fault);
  const auto values = read.numbers(DCM_ImageOrientationPatient, 6);
  if (!values) return;
  std::copy(values->begin(), values->end(), plane.orientation.begin());
  plane.has_orientation = true;
  const auto& o = plane.orientation;
  const double row = std::hypot(o[0], o[1], o[2]);
  const double column = std::hypot(o[3], o[4], o[5]);
  const double dot = o[0] * o[3] + o[1] * o[4] + o[2] * o[5];
  constexpr double slack = 0.02;  // orientations come rounded to two digits at the coarsest
  if (std::abs(row - 1) > slack || std::abs(column - 1) > slack || std::abs(dot) > slack) {
    read.add_fault(tag_name(DCM_ImageOrientationPatient) + " is not two perpendicular unit vectors");
  }
}

bool read_measures(DcmItem* item, DicomPlane& plane) {
  if (item == nullptr) return false;
  AttributeReader read(*item, plane.fault);
  std::string ignored;  // needed for a single slice only, which says so where it has none
  AttributeReader read_if_sound(*item, ignored);
  for (const DcmTagKey& tag : {DCM_SliceThickness, DCM_SpacingBetweenSlices}) {
    const double spacing =
        std::abs(read_if_sound.number(tag).value_or(0));  // negative in some nuclear medicine and MR
    if (spacing > 0 && spacing < farthest_mm) plane.slice_spacing_mm = spacing;
  }
  const bool has_fault = !plane.fault.empty();
  const auto values = read.numbers(DCM_PixelSpacing, 2);
  if (!values) return !has_fault && !plane.fault.empty();  // there, but malformed: already said
  if (!(std::min((*values)[0], (*values)[1]) > 0) || std::max((*values)[0], (*values)[1]) > farthest_mm) {
    read.add_fault(fmt::format("{} is {} and {} mm", tag_name(DCM_PixelSpacing), (*values)[0], (*values)[1]));
  }
  plane.pixel_spacing_rc_mm = {(*values)[0], (*values)[1]};
  return true;
}

bool read_rescale(DcmItem* item, DicomPlane& plane) {
  if (item == nullptr) return false;
  AttributeReader read(*item, plane.fault);
  const auto slope = read.number(DCM_RescaleSlope);
  const auto intercept = read.number(DCM_RescaleIntercept);
  plane.rescale_slope = slope.value_or(1);
  plane.rescale_intercept = intercept.value_or(0);
  if (plane.rescale_slope == 0) read.add_fault(tag_name(DCM_RescaleSlope) + " is 0");
  if (std::max(std::abs(plane.rescale_slope), std::abs(plane.rescale_intercept)) > largest_rescale) {
    read.add_fault(
        fmt::format("rescale slope {} and intercept {}", plane.rescale_slope, plane.rescale_intercept));
  }
  return slope.has_value() || intercept.has_value();
}

void open_dicom(DcmFileFormat& file, const std::filesystem::path& path, const DicomStructure& structure,
                bool with_pixels) {
  // The transfer syntax of a bare data set is handed over, so that the parser reads what examine_dicom() has
  // checked.
  const E_TransferSyntax syntax =
      structure.has_preamble ? EXS_Unknown : DcmXfer(structure.transfer_syntax.c_str()).getXfer();
  const E_FileReadMode mode = structure.has_preamble ? ERM_fileOnly : ERM_dataset;
  const OFFilename name(path.c_str());
  const OFCondition status =
      with_pixels
          ? file.loadFile(name, syntax, EGL_noChange, value_bytes_read_at_once, mode)
          : file.loadFileUntilTag(name, syntax, EGL_noChange, value_bytes_read_at_once, mode, DCM_PixelData);
  if (status.bad()) fail(ErrorCategory::input, "{}: damaged DICOM file: {}", path, status.text());
}

std::optional<FileHeader> read_dicom_header(const std::filesystem::path& path) {
  const auto structure = examine_dicom(path);
  if (!structure) return std::nullopt;
  DcmFileFormat file;
  open_dicom(file, path, *structure, false);
  DcmDataset& dataset = *file.getDataset();
  FileHeader header;
  header.identity = read_identity(dataset, path);
  PlaneHeader image = read_image(dataset, path, *structure);

  std::string frames_fault;
  const std::int64_t frames = AttributeReader(dataset, frames_fault).integer(DCM_NumberOfFrames).value_or(1);
  if (dataset.tagExists(DCM_PerFrameFunctionalGroupsSequence)) {
    header.planes = enhanced_planes(dataset, image);
  } else {
    if (frames != 1) frames_fault = fmt::format("{} frames without per-frame functional groups", frames);
    AttributeReader(dataset, image.plane.fault).add_fault(frames_fault);
    header.planes.push_back(single_plane(dataset, std::move(image)));
  }
  return header;
}

}  // namespace pillar

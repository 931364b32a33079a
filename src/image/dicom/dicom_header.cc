#include "image/dicom/dicom_header.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "image/dicom/dicom_attributes.h"
#include "image/dicom/dicom_mosaic.h"
#include "image/dicom/dicom_padding.h"
#include "image/dicom/dicom_structure.h"
#include "image/dicom/dicom_volumes.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <string_view>

#include <fmt/format.h>

namespace pillar {
namespace {

constexpr double farthest_mm = 1e6;  // no patient is there; keeps all later sums finite
constexpr double largest_rescale = 1e12;

DicomSeries read_identity(DcmItem& dataset, const std::filesystem::path& path) {
  std::string ignored;  // a series number that is no number is no reason to lose the series
  AttributeReader read(dataset, ignored);
  DicomSeries identity;
  identity.modality = read.text(DCM_Modality) == "MR" ? Modality::mr : Modality::ct;
  identity.series_uid = as_utf8(read.text(DCM_SeriesInstanceUID));
  identity.study_uid = as_utf8(read.text(DCM_StudyInstanceUID));
  identity.patient_id = read.utf8_text(DCM_PatientID, dataset);
  identity.accession = read.utf8_text(DCM_AccessionNumber, dataset);
  identity.series_number = read.integer(DCM_SeriesNumber).value_or(0);
  identity.series_description = read.utf8_text(DCM_SeriesDescription, dataset);
  identity.body_part = read.utf8_text(DCM_BodyPartExamined, dataset);
  identity.gantry_tilt_deg = read.number(DCM_GantryDetectorTilt).value_or(0);
  if (identity.series_uid.empty()) fail(ErrorCategory::input, "{}: no SeriesInstanceUID", path);
  return identity;
}

bool has_word(const std::string& image_type, std::initializer_list<std::string_view> words) {
  for (const std::string& value : split_values(image_type)) {
    for (std::string_view word : words) {
      if (value == word) return true;
    }
  }
  return false;
}

// What is no image of a scan, though its modality is CT or MR.
std::optional<LeftOutReason> no_scan_image(const AttributeReader& read, const PlaneHeader& header,
                                           bool is_enhanced) {
  if (is_localizer(header.image_type)) return LeftOutReason{LeftOut::localizer, "localizer"};
  const std::string photometric = read.text(DCM_PhotometricInterpretation);
  const std::string samples = read.text(DCM_SamplesPerPixel);
  if ((!samples.empty() && samples != "1") || photometric.starts_with("RGB") ||
      photometric.starts_with("YBR") || photometric.starts_with("PALETTE")) {
    return LeftOutReason{LeftOut::screen_capture,
                         fmt::format("a colour image ({})", printable(photometric, 32))};
  }
  const bool lies_somewhere = is_enhanced || !read.text(DCM_ImagePositionPatient).empty();
  const bool is_secondary = read.text(DCM_SOPClassUID).starts_with(UID_SecondaryCaptureImageStorage);
  if (!lies_somewhere &&
      (is_secondary || has_word(header.image_type, {"SCREEN SAVE", "SCREENSHOT", "CAPTURE"}))) {
    return LeftOutReason{LeftOut::screen_capture, "a secondary capture without a position in the patient"};
  }
  return std::nullopt;
}

// What holds for the whole file, whether it has one frame or many.
PlaneHeader read_image(DcmItem& dataset, const std::filesystem::path& path, const DicomStructure& structure) {
  PlaneHeader header;
  DicomPlane& plane = header.plane;
  plane.file = path;
  header.oddity = structure.oddity;
  AttributeReader read(dataset, plane.fault, &header.oddity);
  plane.instance_uid = as_utf8(read.text(DCM_SOPInstanceUID));
  header.image_type = as_utf8(read.text(DCM_ImageType));
  header.is_derived_view = is_derived_view(header.image_type);
  header.left_out = no_scan_image(read, header, dataset.tagExists(DCM_PerFrameFunctionalGroupsSequence));
  header.volume_values = volume_values(dataset);
  plane.rows = read.u16(DCM_Rows).value_or(0);
  plane.columns = read.u16(DCM_Columns).value_or(0);
  read_padding(dataset, plane);
  const bool was_sound = plane.fault.empty();
  if (!structure.has_pixel_data) read.add_fault("no pixel data");
  if (plane.rows == 0 || plane.columns == 0)
    read.add_fault(fmt::format("{} rows and {} columns", plane.rows, plane.columns));
  header.is_lacking = was_sound && !plane.fault.empty();
  read.add_fault(structure.pixel_fault);
  return header;
}

PlaneHeader single_plane(DcmItem& dataset, PlaneHeader header) {
  DicomPlane& plane = header.plane;
  std::string ignored;  // a bad instance number only means that order comes from positions
  plane.instance_number = AttributeReader(dataset, ignored).integer(DCM_InstanceNumber);
  read_position(&dataset, header);
  read_orientation(&dataset, header);
  const bool has_spacing = read_measures(&dataset, header);
  if (!has_spacing && plane.fault.empty()) {
    plane.fault = "no PixelSpacing (0028,0030)";
    header.is_lacking = true;
  }
  read_rescale(&dataset, header);
  return header;
}

// What the file is, if it is no CT or MR image.
std::optional<LeftOutReason> no_image(DcmItem& dataset, const DicomStructure& structure) {
  std::string ignored;
  AttributeReader read(dataset, ignored);
  if (dataset.tagExists(DCM_DirectoryRecordSequence)) return LeftOutReason{LeftOut::directory, "a DICOMDIR"};
  if (auto other = other_object(read.text(DCM_SOPClassUID), read.text(DCM_Modality))) return other;
  if (!structure.has_pixel_data && read.text(DCM_Rows).empty())
    return LeftOutReason{LeftOut::other_object, "holds no image"};
  return std::nullopt;
}

}  // namespace

bool is_localizer(const std::string& image_type) {
  return has_word(image_type, {"LOCALIZER", "SCOUT"});
}

bool is_derived_view(const std::string& image_type) {
  return has_word(image_type, {"MIP", "MINIP", "MPR", "MPR THICK", "CSA MPR", "MAX_IP", "MIN_IP", "MEAN_IP",
                               "PROJECTION IMAGE", "REFORMATTED", "CURVED MPR", "CPR", "VOLREN",
                               "VOLUME_RENDER", "VRT", "3D RENDERING"});
}

std::optional<LeftOutReason> other_object(const std::string& sop_class, const std::string& modality) {
  struct Kind {
    std::string_view prefix;  // of the SOP class UID
    LeftOut kind;
    const char* text;
  };
  static constexpr Kind kinds[] = {
      {"1.2.840.10008.1.3.10", LeftOut::directory, "a DICOMDIR"},
      {"1.2.840.10008.5.1.4.1.1.88.59", LeftOut::report, "a key object selection"},
      {"1.2.840.10008.5.1.4.1.1.88.67", LeftOut::report, "a dose report"},
      {"1.2.840.10008.5.1.4.1.1.88.", LeftOut::report, "a structured report"},
      {"1.2.840.10008.5.1.4.1.1.104.1", LeftOut::document, "a PDF document"},
      {"1.2.840.10008.5.1.4.1.1.104.", LeftOut::document, "a document"},
      {"1.2.840.10008.5.1.4.1.1.66.4", LeftOut::other_object, "a segmentation"},
      {"1.2.840.10008.5.1.4.1.1.66", LeftOut::other_object, "raw data or a registration"},
      {"1.2.840.10008.5.1.4.1.1.11.", LeftOut::other_object, "a presentation state"},
      {"1.2.840.10008.5.1.4.1.1.481.", LeftOut::other_object, "a radiotherapy object"},
  };
  const bool is_scan = modality == "CT" || modality == "MR";
  const std::string said = is_scan ? "" : fmt::format("modality '{}', not CT or MR", printable(modality, 16));
  for (const Kind& kind : kinds) {
    if (sop_class.starts_with(kind.prefix))
      return LeftOutReason{kind.kind, is_scan ? kind.text : fmt::format("{}: {}", said, kind.text)};
  }
  if (is_scan) return std::nullopt;
  const bool is_report = modality == "SR" || modality == "KO";
  const LeftOut kind = is_report           ? LeftOut::report
                       : modality == "DOC" ? LeftOut::document
                                           : LeftOut::other_object;
  return LeftOutReason{kind, said};
}

void read_position(DcmItem* item, PlaneHeader& header) {
  if (item == nullptr) return;
  DicomPlane& plane = header.plane;
  AttributeReader read(*item, plane.fault, &header.oddity);
  const auto values = read.numbers(DCM_ImagePositionPatient, 3);
  if (!values) return;
  plane.position = {(*values)[0], (*values)[1], (*values)[2]};
  for (double value : *values) {
    if (std::abs(value) > farthest_mm)
      read.add_fault(fmt::format("{} has {} mm", tag_name(DCM_ImagePositionPatient), value));
  }
}

void read_orientation(DcmItem* item, PlaneHeader& header) {
  if (item == nullptr) return;
  DicomPlane& plane = header.plane;
  AttributeReader read(*item, plane.fault, &header.oddity);
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

bool read_measures(DcmItem* item, PlaneHeader& header) {
  if (item == nullptr) return false;
  DicomPlane& plane = header.plane;
  AttributeReader read(*item, plane.fault, &header.oddity);
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

void read_rescale(DcmItem* item, PlaneHeader& header) {
  header.has_rescale = false;
  if (item == nullptr) return;
  DicomPlane& plane = header.plane;
  AttributeReader read(*item, plane.fault, &header.oddity);
  const auto slope = read.number(DCM_RescaleSlope);
  const auto intercept = read.number(DCM_RescaleIntercept);
  plane.rescale_slope = slope.value_or(1);
  plane.rescale_intercept = intercept.value_or(0);
  if (plane.rescale_slope == 0) read.add_fault(tag_name(DCM_RescaleSlope) + " is 0");
  if (std::max(std::abs(plane.rescale_slope), std::abs(plane.rescale_intercept)) > largest_rescale) {
    read.add_fault(
        fmt::format("rescale slope {} and intercept {}", plane.rescale_slope, plane.rescale_intercept));
  }
  header.has_rescale = slope.has_value() || intercept.has_value();
  header.rescale_type = as_utf8(read.text(DCM_RescaleType));
}

std::optional<FileHeader> read_dicom_header(const std::filesystem::path& path) {
  const auto structure = examine_dicom(path);
  if (!structure) return std::nullopt;
  DcmFileFormat file;
  open_dicom(file, path, *structure, false);
  DcmDataset& dataset = *file.getDataset();
  FileHeader header;
  header.left_out = no_image(dataset, *structure);
  if (header.left_out) return header;
  header.identity = read_identity(dataset, path);
  PlaneHeader image = read_image(dataset, path, *structure);

  std::string frames_fault;
  const std::int64_t frames = AttributeReader(dataset, frames_fault).integer(DCM_NumberOfFrames).value_or(1);
  if (dataset.tagExists(DCM_PerFrameFunctionalGroupsSequence) && !image.left_out) {
    header.planes = enhanced_planes(dataset, image);
  } else {
    if (frames != 1) frames_fault = fmt::format("{} frames without per-frame functional groups", frames);
    AttributeReader(dataset, image.plane.fault).add_fault(frames_fault);
    PlaneHeader plane = single_plane(dataset, std::move(image));
    if (is_mosaic(plane) && !plane.left_out) {
      header.planes = mosaic_planes(dataset, std::move(plane));
    } else {
      header.planes.push_back(std::move(plane));
    }
  }
  return header;
}

}  // namespace pillar

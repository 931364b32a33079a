#include "pillar/image/dicom_write.h"

#include "pillar/core/fail.h"

#include "image/dicom/dicom_put.h"
#include "image/dicom/dicom_runtime.h"
#include "image/dicom/dicom_uid.h"
#include "image/dicom/dicom_write_parts.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <system_error>

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

void check_text(const char* name, const std::string& text, std::size_t limit) {
  const bool clean = std::none_of(text.begin(), text.end(),
                                  [](unsigned char c) { return c < 0x20 || c == 0x7f || c == '\\'; });
  if (!clean || text.size() > limit) {
    fail(ErrorCategory::usage, "DICOM {} '{}': at most {} characters, no backslash, no control characters",
         name, text, limit);
  }
}

void check_options(const Volume& volume, const DicomWriteOptions& options) {
  check_text("accession number", options.accession, 16);
  check_text("patient id", options.patient_id, 64);
  check_text("patient name", options.patient_name, 64);
  check_text("series description", options.series_description, 64);
  for (const std::string& uid : {options.study_uid, options.series_uid}) {
    if (!uid.empty() && !is_dicom_uid(uid)) fail(ErrorCategory::usage, "'{}' is not a DICOM UID", uid);
  }
  if (std::abs(options.series_number) > std::numeric_limits<std::int32_t>::max()) {
    fail(ErrorCategory::usage, "series number {} does not fit DICOM's 32 bits", options.series_number);
  }
  if (!std::isfinite(options.rescale_slope) || options.rescale_slope == 0 ||
      !std::isfinite(options.rescale_intercept)) {
    fail(ErrorCategory::usage, "rescale slope {} and intercept {}: both must be finite, the slope not zero",
         options.rescale_slope, options.rescale_intercept);
  }
  const auto finite = [](double value) { return std::isfinite(value); };
  const auto positive = [](double value) { return std::isfinite(value) && value > 0; };
  const Geometry& geometry = volume.geometry;
  if (!std::all_of(geometry.spacing_xyz_mm.begin(), geometry.spacing_xyz_mm.end(), positive) ||
      !std::all_of(geometry.origin_xyz_mm.begin(), geometry.origin_xyz_mm.end(), finite) ||
      !std::all_of(geometry.direction.begin(), geometry.direction.end(), finite)) {
    fail(ErrorCategory::usage, "a volume whose geometry is not finite cannot be written as DICOM");
  }
}

// What DICOM stores for one voxel value.
struct Quantizer {
  double slope;
  double intercept;

  std::int32_t operator()(std::int32_t value) const {
    const double stored = std::nearbyint((value - intercept) / slope);
    if (std::abs(stored) > 65535 || slope * stored + intercept != value) {
      fail(ErrorCategory::usage, "value {} is not {} times a whole 16-bit number plus {}", value, slope,
           intercept);
    }
    return static_cast<std::int32_t>(stored);
  }
};

template <typename Voxel>
StoredPixels store(const at::Tensor& voxels, const DicomWriteOptions& options) {
  const Voxel* begin = static_cast<const Voxel*>(voxels.const_data_ptr());
  const std::size_t count = static_cast<std::size_t>(voxels.numel());
  const Quantizer quantize{options.rescale_slope, options.rescale_intercept};
  StoredPixels stored;
  stored.slope = options.rescale_slope;
  stored.intercept = options.rescale_intercept;
  const auto [least, most] = std::minmax_element(begin, begin + count);
  std::int32_t low = quantize(*least);
  std::int32_t high = quantize(*most);
  if (low > high) std::swap(low, high);
  stored.is_signed = low < 0;
  if (stored.is_signed ? (low < -32768 || high > 32767) : high > 65535) {
    fail(ErrorCategory::usage, "stored values {}..{} do not fit 16 bits", low, high);
  }
  if (options.rescale_slope == 1 && options.rescale_intercept == 0) {
    stored.words = reinterpret_cast<const std::uint16_t*>(begin);  // the bits are the same, signed or not
    return stored;
  }
  stored.owned.resize(count);
  std::transform(begin, begin + count, stored.owned.begin(),
                 [&](Voxel value) { return static_cast<std::uint16_t>(quantize(value)); });
  stored.words = stored.owned.data();
  return stored;
}

StoredPixels store_any(const at::Tensor& voxels, const DicomWriteOptions& options) {
  if (voxels.scalar_type() == at::kShort) return store<std::int16_t>(voxels, options);
  if (voxels.scalar_type() == at::kUInt16) return store<std::uint16_t>(voxels, options);
  fail(ErrorCategory::usage, "DICOM is written from int16 or uint16 voxels, not {}",
       at::toString(voxels.scalar_type()));
}

void put_common(DcmItem& dataset, const SeriesIdentity& identity, const Volume& volume,
                const DicomWriteOptions& options, const StoredPixels& stored) {
  const SizeDhw size = size_dhw(volume.voxels_dhw);
  put(dataset, DCM_SpecificCharacterSet, "ISO_IR 192");
  put(dataset, DCM_StudyDate, "");
  put(dataset, DCM_StudyTime, "");
  put(dataset, DCM_AccessionNumber, options.accession);
  put(dataset, DCM_Modality, to_string(volume.modality));
  put(dataset, DCM_Manufacturer, "");
  put(dataset, DCM_ReferringPhysicianName, "");
  put(dataset, DCM_SeriesDescription, options.series_description);
  put(dataset, DCM_PatientName, options.patient_name);
  put(dataset, DCM_PatientID, options.patient_id);
  put(dataset, DCM_PatientBirthDate, "");
  put(dataset, DCM_PatientSex, "");
  put(dataset, DCM_StudyInstanceUID, identity.study_uid);
  put(dataset, DCM_SeriesInstanceUID, identity.series_uid);
  put(dataset, DCM_StudyID, "");
  put(dataset, DCM_SeriesNumber, fmt::format("{}", options.series_number));
  put(dataset, DCM_FrameOfReferenceUID, identity.frame_of_reference_uid);
  put(dataset, DCM_PositionReferenceIndicator, "");
  put_u16(dataset, DCM_SamplesPerPixel, 1);
  put(dataset, DCM_PhotometricInterpretation, "MONOCHROME2");
  put_u16(dataset, DCM_Rows, static_cast<int>(size[1]));
  put_u16(dataset, DCM_Columns, static_cast<int>(size[2]));
  put_u16(dataset, DCM_BitsAllocated, 16);
  put_u16(dataset, DCM_BitsStored, 16);
  put_u16(dataset, DCM_HighBit, 15);
  put_u16(dataset, DCM_PixelRepresentation, stored.is_signed ? 1 : 0);
}

}  // namespace

void save_dicom(DcmFileFormat& file, const fs::path& path) {
  const OFCondition saved =
      file.saveFile(OFFilename(path.c_str()), EXS_LittleEndianExplicit, EET_ExplicitLength);
  if (saved.good()) return;
  std::error_code ignored;
  fs::remove(path, ignored);
  fail(ErrorCategory::io, "{}: cannot write: {}", path, saved.text());
}

void write_dicom_series(const fs::path& folder, const Volume& volume, const DicomWriteOptions& options) {
  init_dicom_libraries();
  const SizeDhw size = size_dhw(volume.voxels_dhw);
  if (volume.voxels_dhw.numel() == 0 || std::max(size[1], size[2]) > 65535) {
    fail(ErrorCategory::usage, "a volume of {}x{}x{} cannot be written as DICOM", size[0], size[1], size[2]);
  }
  check_options(volume, options);
  const at::Tensor voxels = volume.voxels_dhw.contiguous();
  const StoredPixels stored = store_any(voxels, options);

  SeriesIdentity identity;
  identity.study_uid = options.study_uid.empty() ? dicom_uid(options.uid_seed + "/study") : options.study_uid;
  identity.series_uid = options.series_uid.empty()
                            ? dicom_uid(fmt::format("{}/series/{}", options.uid_seed, options.series_number))
                            : options.series_uid;
  identity.frame_of_reference_uid = dicom_uid(identity.study_uid + "/frame of reference");

  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail(ErrorCategory::io, "{}: cannot make the folder: {}", folder, error.message());
  DcmFileFormat file;
  put_common(*file.getDataset(), identity, volume, options, stored);
  if (options.enhanced) {
    write_enhanced(file, folder / "series.dcm", identity, volume, stored);
  } else {
    write_slices(file, folder, identity, volume, stored);
  }
}

}  // namespace pillar

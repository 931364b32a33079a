#include "pillar/core/fail.h"

#include "image/dicom/dicom_put.h"
#include "image/dicom/dicom_uid.h"
#include "image/dicom/dicom_write_parts.h"

#include <cstddef>
#include <limits>

#include <fmt/format.h>

namespace pillar {
namespace {

constexpr const char* image_type = "DERIVED\\PRIMARY\\VOLUME\\NONE";
constexpr const char* fixed_date =
    "20000101";  // type 1 in the standard; a true one would make files irreproducible

void put_modality(DcmItem& dataset, Modality modality) {
  const bool ct = modality == Modality::ct;
  put(dataset, DCM_SOPClassUID, ct ? UID_EnhancedCTImageStorage : UID_EnhancedMRImageStorage);
  put(dataset, DCM_ImageType, image_type);
  put(dataset, DCM_ContentDate, fixed_date);
  put(dataset, DCM_ContentTime, "000000");
  put(dataset, DCM_AcquisitionDateTime, std::string(fixed_date) + "000000");
  put(dataset, DCM_PixelPresentation, "MONOCHROME");
  put(dataset, DCM_VolumetricProperties, "VOLUME");
  put(dataset, DCM_VolumeBasedCalculationTechnique, "NONE");
  put(dataset, DCM_BurnedInAnnotation, "NO");
  put(dataset, DCM_LossyImageCompression, "00");
  put(dataset, DCM_PresentationLUTShape, "IDENTITY");
}

void put_dimensions(DcmItem& dataset, const SeriesIdentity& identity) {
  const std::string organization = dicom_uid(identity.series_uid + "/dimension organization");
  put(put_item(dataset, DCM_DimensionOrganizationSequence), DCM_DimensionOrganizationUID, organization);
  const DcmTagKey pointers[] = {DCM_StackID, DCM_InStackPositionNumber};
  for (long i = 0; i < 2; ++i) {
    DcmItem& index = put_item(dataset, DCM_DimensionIndexSequence, i);
    put(index, DCM_DimensionOrganizationUID, organization);
    put_tag(index, DCM_DimensionIndexPointer, pointers[i]);
    put_tag(index, DCM_FunctionalGroupPointer, DCM_FrameContentSequence);
  }
}

void put_shared_groups(DcmItem& shared, const Volume& volume, const StoredPixels& stored) {
  const Geometry& geometry = volume.geometry;
  const auto row = geometry.axis(0);
  const auto column = geometry.axis(1);
  const bool ct = volume.modality == Modality::ct;
  DcmItem& frame_type = put_item(shared, ct ? DCM_CTImageFrameTypeSequence : DCM_MRImageFrameTypeSequence);
  put(frame_type, DCM_FrameType, image_type);
  put(frame_type, DCM_PixelPresentation, "MONOCHROME");
  put(frame_type, DCM_VolumetricProperties, "VOLUME");
  put(frame_type, DCM_VolumeBasedCalculationTechnique, "NONE");
  put_numbers(put_item(shared, DCM_PlaneOrientationSequence), DCM_ImageOrientationPatient,
              {row[0], row[1], row[2], column[0], column[1], column[2]});
  DcmItem& measures = put_item(shared, DCM_PixelMeasuresSequence);
  put_numbers(measures, DCM_SliceThickness, {geometry.spacing_xyz_mm[2]});
  put_numbers(measures, DCM_SpacingBetweenSlices, {geometry.spacing_xyz_mm[2]});
  put_numbers(measures, DCM_PixelSpacing, {geometry.spacing_xyz_mm[1], geometry.spacing_xyz_mm[0]});
  DcmItem& values = put_item(shared, DCM_PixelValueTransformationSequence);
  put_numbers(values, DCM_RescaleIntercept, {stored.intercept});
  put_numbers(values, DCM_RescaleSlope, {stored.slope});
  put(values, DCM_RescaleType, ct ? "HU" : "US");
}

// Items are made and appended by hand: a search by index from the front would make many frames slow.
void put_frame_groups(DcmItem& dataset, const Volume& volume, std::int64_t frames) {
  auto sequence = std::make_unique<DcmSequenceOfItems>(DCM_PerFrameFunctionalGroupsSequence);
  for (std::int64_t k = 0; k < frames; ++k) {
    auto groups = std::make_unique<DcmItem>();
    const std::uint32_t place = static_cast<std::uint32_t>(k + 1);
    DcmItem& content = put_item(*groups, DCM_FrameContentSequence);
    put(content, DCM_StackID, "1");
    put_u32s(content, DCM_InStackPositionNumber, {place});
    put_u32s(content, DCM_DimensionIndexValues, {1, place});
    const auto position = volume.geometry.point({0, 0, static_cast<double>(k)});
    put_numbers(put_item(*groups, DCM_PlanePositionSequence), DCM_ImagePositionPatient,
                {position[0], position[1], position[2]});
    if (sequence->append(groups.get()).bad()) fail(ErrorCategory::io, "no memory for {} frames", frames);
    groups.release();  // the sequence owns it now
  }
  if (dataset.insert(sequence.get(), OFTrue).bad())
    fail(ErrorCategory::io, "no memory for {} frames", frames);
  sequence.release();
}

}  // namespace

void write_enhanced(DcmFileFormat& file, const std::filesystem::path& path, const SeriesIdentity& identity,
                    const Volume& volume, const StoredPixels& stored) {
  DcmDataset& dataset = *file.getDataset();
  const SizeDhw size = size_dhw(volume.voxels_dhw);
  const std::uint64_t count = static_cast<std::uint64_t>(volume.voxels_dhw.numel());
  if (count * 2 > std::numeric_limits<std::uint32_t>::max() - 1) {
    fail(ErrorCategory::usage, "{}: {} voxels do not fit one DICOM file (4 GB)", path, count);
  }
  put_modality(dataset, volume.modality);
  put(dataset, DCM_SOPInstanceUID, dicom_uid(identity.series_uid + "/instance/1"));
  put(dataset, DCM_InstanceNumber, "1");
  put(dataset, DCM_NumberOfFrames, fmt::format("{}", size[0]));
  put_dimensions(dataset, identity);
  put_shared_groups(put_item(dataset, DCM_SharedFunctionalGroupsSequence), volume, stored);
  put_frame_groups(dataset, volume, size[0]);
  const OFCondition pixels = dataset.putAndInsertUint16Array(DcmTag(DCM_PixelData, EVR_OW), stored.words,
                                                             static_cast<unsigned long>(count));
  if (pixels.bad()) fail(ErrorCategory::io, "{}: no memory for the pixels: {}", path, pixels.text());
  save_dicom(file, path);
}

}  // namespace pillar

#include "pillar/core/fail.h"

#include "image/dicom/dicom_put.h"
#include "image/dicom/dicom_uid.h"
#include "image/dicom/dicom_write_parts.h"

#include <cstddef>

#include <fmt/format.h>

namespace pillar {
namespace {

void put_modality(DcmItem& dataset, Modality modality, const StoredPixels& stored) {
  const bool ct = modality == Modality::ct;
  put(dataset, DCM_SOPClassUID, ct ? UID_CTImageStorage : UID_MRImageStorage);
  put(dataset, DCM_ImageType, ct ? "DERIVED\\SECONDARY\\AXIAL" : "DERIVED\\SECONDARY\\OTHER");
  put(dataset, DCM_AcquisitionNumber, "");
  if (ct) {
    put(dataset, DCM_KVP, "");
  } else {
    put(dataset, DCM_ScanningSequence, "RM");
    put(dataset, DCM_SequenceVariant, "NONE");
    put(dataset, DCM_ScanOptions, "");
    put(dataset, DCM_MRAcquisitionType, "3D");
    put(dataset, DCM_RepetitionTime, "");
    put(dataset, DCM_EchoTime, "");
    put(dataset, DCM_EchoTrainLength, "");
  }
  // MR Image Storage has no rescale of its own, so it is written only where it says something.
  if (ct || stored.slope != 1 || stored.intercept != 0) {
    put_numbers(dataset, DCM_RescaleIntercept, {stored.intercept});
    put_numbers(dataset, DCM_RescaleSlope, {stored.slope});
    put(dataset, DCM_RescaleType, ct ? "HU" : "US");
  }
}

}  // namespace

void write_slices(DcmFileFormat& file, const std::filesystem::path& folder, const SeriesIdentity& identity,
                  const Volume& volume, const StoredPixels& stored) {
  DcmDataset& dataset = *file.getDataset();
  const SizeDhw size = size_dhw(volume.voxels_dhw);
  const Geometry& geometry = volume.geometry;
  const auto row = geometry.axis(0);
  const auto column = geometry.axis(1);
  put_modality(dataset, volume.modality, stored);
  put_numbers(dataset, DCM_SliceThickness, {geometry.spacing_xyz_mm[2]});
  put_numbers(dataset, DCM_PixelSpacing, {geometry.spacing_xyz_mm[1], geometry.spacing_xyz_mm[0]});
  put_numbers(dataset, DCM_ImageOrientationPatient,
              {row[0], row[1], row[2], column[0], column[1], column[2]});
  put(dataset, DCM_PatientPosition, "HFS");

  const std::size_t plane_size = static_cast<std::size_t>(size[1] * size[2]);
  for (std::int64_t k = 0; k < size[0]; ++k) {
    const auto position = geometry.point({0, 0, static_cast<double>(k)});
    put(dataset, DCM_SOPInstanceUID, dicom_uid(fmt::format("{}/instance/{}", identity.series_uid, k + 1)));
    put(dataset, DCM_InstanceNumber, fmt::format("{}", k + 1));
    put_numbers(dataset, DCM_ImagePositionPatient, {position[0], position[1], position[2]});
    const OFCondition pixels = dataset.putAndInsertUint16Array(
        DcmTag(DCM_PixelData, EVR_OW), stored.words + static_cast<std::size_t>(k) * plane_size,
        static_cast<unsigned long>(plane_size));
    if (pixels.bad()) fail(ErrorCategory::io, "{}: no memory for a plane: {}", folder, pixels.text());
    save_dicom(file, folder / fmt::format("im{:04}.dcm", k));
  }
}

}  // namespace pillar

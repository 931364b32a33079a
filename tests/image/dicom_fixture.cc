#include "image/dicom_fixture.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

namespace pillar::test {

Volume counting_volume(std::int64_t d, std::int64_t h, std::int64_t w, std::int64_t low) {
  Volume volume;
  const auto axis = [](std::int64_t n) { return at::arange(n, at::kInt); };
  volume.voxels_dhw =
      (100 * axis(d).view({d, 1, 1}) + 10 * axis(h).view({1, h, 1}) + axis(w).view({1, 1, w}) + low)
          .to(at::kShort)
          .contiguous();
  volume.geometry.spacing_xyz_mm = {0.5, 0.75, 2.5};
  volume.geometry.origin_xyz_mm = {-10, 20.25, 30};
  return volume;
}

void edit_dicom(const std::filesystem::path& file, const std::function<void(DcmDataset&)>& edit,
                E_TransferSyntax syntax) {
  DcmFileFormat format;
  ASSERT_TRUE(format.loadFile(file.c_str()).good()) << file;
  ASSERT_TRUE(format.loadAllDataIntoMemory().good());
  edit(*format.getDataset());
  ASSERT_TRUE(format.saveFile(file.c_str(), syntax).good()) << file;
}

void set_text(DcmItem& item, const DcmTagKey& tag, const std::string& text) {
  ASSERT_TRUE(item.putAndInsertString(tag, text.c_str()).good()) << tag.toString();
}

std::filesystem::path slice_file(const std::filesystem::path& folder, int slice) {
  return folder / fmt::format("im{:04}.dcm", slice);
}

void write_edited_series(const std::filesystem::path& folder, const Volume& volume,
                         const std::function<void(DcmDataset& dataset, int slice)>& edit,
                         const DicomWriteOptions& options) {
  write_dicom_series(folder, volume, options);
  for (int slice = 0; slice < volume.voxels_dhw.size(0); ++slice)
    edit_dicom(slice_file(folder, slice), [&](DcmDataset& dataset) { edit(dataset, slice); });
}

Loaded load_only_series(const std::filesystem::path& folder, const DicomLoadOptions& options) {
  const DicomScan scan = scan_dicom(folder);
  EXPECT_EQ(scan.series.size(), 1u);
  Loaded loaded;
  loaded.series = scan.series.front();
  loaded.volume = load_series(loaded.series, options, loaded.report);
  return loaded;
}

}  // namespace pillar::test

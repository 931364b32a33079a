#include "image/dicom_fixture.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <string>

#include <ATen/ATen.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::counting_volume;
using test::edit_dicom;
using test::load_only_series;
using test::set_text;
using test::slice_file;
using test::TempDir;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// One entry of a CSA header.
std::string csa_entry(std::string name, const std::vector<std::string>& values) {
  const auto number = [](std::uint32_t value) {
    std::string bytes;
    for (int i = 0; i < 4; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xff);
    return bytes;
  };
  name.resize(64, '\0');
  std::string entry = name + number(1) + number(0) + number(0) +
                      number(static_cast<std::uint32_t>(values.size())) + number(77);
  for (const std::string& value : values) {
    const auto length = static_cast<std::uint32_t>(value.size() + 1);
    entry += number(77) + number(length) + number(77) + number(length) + value;
    entry.append(1 + (4 - length % 4) % 4, '\0');
  }
  return entry;
}

// A picture of 2 x 2 tiles of 3 x 4 pixels, the last of them empty.
class DicomMosaic : public ::testing::Test {
 protected:
  void SetUp() override {
    Volume picture = counting_volume(1, 6, 8);
    picture.modality = Modality::mr;
    write_dicom_series(dir.path(), picture, {});
    edit_dicom(file, [](DcmDataset& dataset) {
      set_text(dataset, DCM_ImageType, "ORIGINAL\\PRIMARY\\M\\ND\\MOSAIC");
      set_text(dataset, DCM_SpacingBetweenSlices, "2.5");
    });
  }
  void say(const std::vector<std::string>& normal) {
    edit_dicom(file, [&](DcmDataset& dataset) {
      const std::string header = std::string("SV10\4\3\2\1", 8) + std::string("\2\0\0\0M\0\0\0", 8) +
                                 csa_entry("SliceNormalVector", normal) +
                                 csa_entry("NumberOfImagesInMosaic", {"3"});
      set_text(dataset, DcmTag(0x0029, 0x0010, EVR_LO), "SIEMENS CSA HEADER");
      dataset.putAndInsertUint8Array(DcmTag(0x0029, 0x1010, EVR_OB),
                                     reinterpret_cast<const Uint8*>(header.data()),
                                     static_cast<unsigned long>(header.size()));
    });
  }

  TempDir dir;
  fs::path file = slice_file(dir.path(), 0);
};

TEST_F(DicomMosaic, IsUnpackedToWhereItsSlicesLie) {
  for (double direction : {1.0, -1.0}) {
    SetUp();
    say({"0.0", "0.0", direction > 0 ? "1.0" : "-1.0", "", ""});
    const auto loaded = load_only_series(dir.path());
    const at::Tensor picture = counting_volume(1, 6, 8).voxels_dhw[0];
    ASSERT_EQ(loaded.volume.voxels_dhw.sizes(), (at::IntArrayRef{3, 3, 4}));
    EXPECT_TRUE(at::equal(loaded.volume.voxels_dhw[0], picture.slice(0, 0, 3).slice(1, 0, 4)));
    EXPECT_TRUE(at::equal(loaded.volume.voxels_dhw[1], picture.slice(0, 0, 3).slice(1, 4, 8)));
    EXPECT_TRUE(at::equal(loaded.volume.voxels_dhw[2], picture.slice(0, 3, 6).slice(1, 0, 4)));
    // Half of what the picture is larger than a tile: 2 columns of 0.5 mm, 1.5 rows of 0.75 mm.
    const auto& origin = loaded.volume.geometry.origin_xyz_mm;
    EXPECT_DOUBLE_EQ(origin[0], -10 + 2 * 0.5);
    EXPECT_DOUBLE_EQ(origin[1], 20.25 + 1.5 * 0.75);
    EXPECT_DOUBLE_EQ(origin[2], 30);
    EXPECT_DOUBLE_EQ(loaded.volume.geometry.spacing_xyz_mm[2], 2.5);
    EXPECT_DOUBLE_EQ(loaded.volume.geometry.axis(2)[2], direction);
  }
}

TEST_F(DicomMosaic, OfSeveralTimesIsAsManyVolumes) {
  say({"0", "0", "1"});
  fs::copy_file(file, dir / "later.dcm");
  edit_dicom(dir / "later.dcm", [](DcmDataset& dataset) {
    set_text(dataset, DCM_SOPInstanceUID, "1.2.3.4");
    set_text(dataset, DCM_InstanceNumber, "2");
  });
  const DicomScan scan = scan_dicom(dir.path());
  ASSERT_THAT(scan.series, SizeIs(2));
  EXPECT_THAT(scan.series[1].planes, SizeIs(3));
  EXPECT_EQ(scan.series[1].planes.front().file.filename(), "later.dcm");
}

TEST_F(DicomMosaic, IsNeverOneFlatPicture) {
  EXPECT_PILLAR_ERROR(load_only_series(dir.path()), ErrorCategory::input,
                      HasSubstr("a Siemens mosaic that does not say how many images are in it"));
  edit_dicom(file, [](DcmDataset& dataset) {
    set_text(dataset, DcmTag(0x0019, 0x0010, EVR_LO), "SIEMENS MR HEADER");
    dataset.putAndInsertUint16(DcmTag(0x0019, 0x100a, EVR_US), 3);
  });
  EXPECT_EQ(load_only_series(dir.path()).volume.voxels_dhw.size(0), 3);
}

}  // namespace
}  // namespace pillar

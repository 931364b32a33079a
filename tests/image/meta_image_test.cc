// MetaImage files: .mha and .mhd.
#include "pillar/core/file.h"
#include "pillar/image/volume_file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string meta(const std::string& lines, const std::string& voxels = std::string(24, '\1')) {
  return "ObjectType = Image\nNDims = 3\nDimSize = 4 3 2\n" + lines +
         "ElementType = MET_UCHAR\nElementDataFile = LOCAL\n" + voxels;
}

const char* const kMetaGeometry =
    "TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 1 2 3\nElementSpacing = 1 1 2\n";

TEST(MetaImage, IsRead) {
  TempDir dir;
  write_file_atomic(dir / "a.mha", meta(kMetaGeometry));
  Notes notes;
  const Volume volume = read_volume_file(dir / "a.mha", {}, notes);
  EXPECT_THAT(size_dhw(volume.voxels_dhw), ElementsAre(2, 3, 4));
  EXPECT_THAT(volume.geometry.spacing_xyz_mm, ElementsAre(1, 1, 2));
  EXPECT_THAT(volume.geometry.origin_xyz_mm, ElementsAre(1, 2, 3));
  EXPECT_THAT(notes, IsEmpty());
}

TEST(MetaImage, AbsentGeometryIsReported) {
  TempDir dir;
  write_file_atomic(dir / "a.mha", meta(""));
  Notes notes;
  read_volume_file(dir / "a.mha", {}, notes);
  EXPECT_THAT(notes,
              ElementsAre(HasSubstr("no spacing"), HasSubstr("no orientation"), HasSubstr("no origin")));
}

TEST(MetaImage, VoxelsMayLieInAnotherFile) {
  TempDir dir;
  std::string header = meta(kMetaGeometry, "");
  header.replace(header.find("LOCAL"), 5, "a b.raw");
  write_file_atomic(dir / "a.mhd", header);
  Notes notes;
  EXPECT_PILLAR_ERROR(read_volume_file(dir / "a.mhd", {}, notes), ErrorCategory::input, HasSubstr("a b.raw"));
  write_file_atomic(dir / "a b.raw", std::string(24, '\5'));
  EXPECT_EQ(read_volume_file(dir / "a.mhd", {}, notes).voxels_dhw.sum().item<int>(), 24 * 5);
  write_file_atomic(dir / "a b.raw", std::string(23, '\5'));
  EXPECT_PILLAR_ERROR(read_volume_file(dir / "a.mhd", {}, notes), ErrorCategory::input,
                      HasSubstr("truncated"));
  header.replace(header.find("a b.raw"), 7, "a%d.raw 1 2 1");
  write_file_atomic(dir / "a.mhd", header);
  EXPECT_PILLAR_ERROR(read_volume_file(dir / "a.mhd", {}, notes), ErrorCategory::unsupported,
                      HasSubstr("several files"));
}

TEST(MetaImage, CompressedVoxelsMustBeWhole) {
  TempDir dir;
  const Volume volume{at::zeros({2, 3, 4}, at::kShort), Geometry()};
  write_volume_file(dir / "a.mha", volume);
  std::string text = read_text_file(dir / "a.mha");
  text.replace(text.find("DimSize = 4 3 2"), 15, "DimSize = 4 3 3");
  write_file_atomic(dir / "a.mha", text);
  Notes notes;
  EXPECT_PILLAR_ERROR(read_volume_file(dir / "a.mha", {}, notes), ErrorCategory::input,
                      HasSubstr("truncated: 48 of 72"));
  text.replace(text.find("DimSize = 4 3 3"), 15, "DimSize = 4 3 1");
  write_file_atomic(dir / "a.mha", text);
  read_volume_file(dir / "a.mha", {}, notes);
  EXPECT_THAT(notes, Contains(HasSubstr("after the last voxel")));
}

TEST(MetaImage, OtherByteOrderIsTurned) {
  TempDir dir;
  std::string text = meta(std::string("BinaryDataByteOrderMSB = True\n") + kMetaGeometry,
                          std::string("\1\2", 2) + std::string(46, '\0'));
  text.replace(text.find("MET_UCHAR"), 9, "MET_SHORT");
  write_file_atomic(dir / "a.mha", text);
  Notes notes;
  EXPECT_EQ(read_volume_file(dir / "a.mha", {}, notes).voxels_dhw[0][0][0].item<int>(), 258);
}

TEST(MetaImage, RefusesClaimsThatCannotBe) {
  TempDir dir;
  const auto expect_refused = [&](std::string text, const char* from, const std::string& to,
                                  const char* word) {
    text.replace(text.find(from), std::string(from).size(), to);
    write_file_atomic(dir / "a.mha", text);
    Notes notes;
    EXPECT_PILLAR_ERROR(read_volume_file(dir / "a.mha", {}, notes), ErrorCategory::input,
                        AllOf(HasSubstr("a.mha"), HasSubstr(word)));
  };
  const std::string good = meta(kMetaGeometry);
  expect_refused(good, "4 3 2", "400000 300000 200000", "can hold");
  expect_refused(good, "4 3 2", "4 0 2", "axis 2");
  expect_refused(good, "4 3 2", "4 -3 2", "a.mha");
  expect_refused(good, "NDims = 3", "NDims = 300", "300 axes");
  expect_refused(good, "NDims = 3", "NDims = 2", "one image is no volume");
  expect_refused(good, "ElementSpacing = 1 1 2", "ElementSpacing = 1 0 2", "spacing of 0");
  expect_refused(good, "ElementSpacing = 1 1 2", "ElementSpacing = 1 -1 2", "spacing of -1");
  expect_refused(good, "ElementSpacing = 1 1 2", "ElementSpacing = 1 nan 2", "a.mha");
  expect_refused(good, "1 0 0 0 1 0 0 0 1", "1 0 0 1 0 0 0 0 1", "direction");
  expect_refused(good, "1 0 0 0 1 0 0 0 1", "0 0 0 0 0 0 0 0 0", "direction");
  expect_refused(good, "ElementType", "ElementNumberOfChannels = 3\nElementType", "a.mha");
  expect_refused(good, "ElementType", "CompressedData = True\nCompressedDataSize = 999999999999\nElementType",
                 "compressed size");
  expect_refused(good, "ElementType", "CompressedData = True\nElementType", "a.mha");
  expect_refused(good, "ElementType", "Comment = " + std::string(5000, 'x') + "\nElementType", "header line");
  expect_refused(good, "MET_UCHAR", "MET_STRING", "a.mha");
}

}  // namespace
}  // namespace pillar

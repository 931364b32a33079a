#include "pillar/image/volume_file.h"

#include "pillar/core/file.h"

#include "support/cases.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/volumes.h"

#include <cmath>

#include <ATen/ops/zeros.h>
#include <fmt/format.h>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

void expect_near(const Geometry& a, const Geometry& b, double tolerance) {
  for (int i = 0; i < 3; ++i)
    EXPECT_NEAR(a.spacing_xyz_mm[i], b.spacing_xyz_mm[i], tolerance * b.spacing_xyz_mm[i]);
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(a.origin_xyz_mm[i], b.origin_xyz_mm[i], tolerance * 300);
  for (int i = 0; i < 9; ++i) EXPECT_NEAR(a.direction[i], b.direction[i], tolerance * 3);
}

TEST(VolumeFile, ComesBackAsItWasWritten) {
  TempDir dir;
  std::mt19937_64 random(1);
  for (const auto& [name, tolerance] :
       {std::pair{"a b.nii", 2e-7}, {"a.NII.GZ", 2e-7}, {"a.nrrd", 1e-15}, {"a.mha", 1e-9}}) {
    for (at::ScalarType type : {at::kByte, at::kShort, at::kUInt16, at::kInt, at::kFloat, at::kDouble}) {
      for (bool mirrored : {false, true}) {
        const Volume volume{test::any_voxels({3, 5, 7}, type, random),
                            test::oblique({0.7031251, 0.8, 2.5}, {-210.3, 188.7, -33.1}, mirrored),
                            Modality::mr};
        write_volume_file(dir / name, volume);
        Notes notes;
        const Volume back = read_volume_file(dir / name, {Modality::mr, {}}, notes);
        EXPECT_TRUE(test::same_voxels(back.voxels_dhw, volume.voxels_dhw))
            << name << " " << c10::toString(type);
        expect_near(back.geometry, volume.geometry, tolerance);
        EXPECT_EQ(read_volume_grid(dir / name), grid_of(back)) << name;
        EXPECT_EQ(back.modality, Modality::mr);
        EXPECT_THAT(notes, IsEmpty()) << name;
      }
    }
  }
  EXPECT_EQ(
      std::distance(std::filesystem::directory_iterator(dir.path()), std::filesystem::directory_iterator()),
      4);
}

TEST(VolumeFile, CompressesWhereTheFormatCan) {
  TempDir dir;
  const Volume volume{at::zeros({20, 50, 50}, at::kShort), Geometry()};
  for (const char* name : {"a.nii.gz", "a.nrrd", "a.mha"}) {
    write_volume_file(dir / name, volume);
    EXPECT_LT(std::filesystem::file_size(dir / name), 5000u) << name;
  }
}

TEST(VolumeFile, AGridIsReadOfAHeaderThatHoldsTogether) {
  TempDir dir;
  for (const char* name : {"a.nii", "a.nrrd", "a.mha"}) {
    EXPECT_PILLAR_ERROR(read_volume_grid(dir / name), ErrorCategory::io, HasSubstr(name));
    write_file_atomic(dir / name, "no header of any volume");
    EXPECT_PILLAR_ERROR(read_volume_grid(dir / name), ErrorCategory::input, HasSubstr(name));
  }
  EXPECT_PILLAR_ERROR(read_volume_grid(dir / "a.png"), ErrorCategory::unsupported, HasSubstr("a.png"));
}

TEST(VolumeFile, NamesTellTheFormat) {
  for (const char* name : {"a.nii", "a.nii.gz", "b/A.NRRD", "a.nhdr", "a.mha", "a.mhd", "a.hdr"})
    EXPECT_TRUE(is_volume_file(name)) << name;
  for (const char* name : {"a.dcm", "nii", "a.gz", "a.img"}) EXPECT_FALSE(is_volume_file(name)) << name;
  Notes notes;
  EXPECT_PILLAR_ERROR(read_volume_file("/x/a.dcm", {}, notes), ErrorCategory::unsupported,
                      HasSubstr("a.dcm"));
  for (const char* name : {"/x/a.hdr", "/x/a.img"}) {
    EXPECT_PILLAR_ERROR(read_volume_file(name, {}, notes), ErrorCategory::unsupported,
                        AllOf(HasSubstr(name), HasSubstr("Analyze"), HasSubstr("one .nii file")));
  }
}

TEST(VolumeFile, MissingFilesAreNamed) {
  Notes notes;
  for (const char* name : {"/no/such a.nii.gz", "/no/such a.nrrd", "/no/such a.mha"}) {
    EXPECT_PILLAR_ERROR(read_volume_file(name, {}, notes), ErrorCategory::io,
                        AllOf(HasSubstr(name), HasSubstr("no such file")));
  }
}

TEST(VolumeFile, WritesNeitherPairsNorOddTypes) {
  TempDir dir;
  const Volume volume{at::zeros({1, 2, 2}, at::kShort), Geometry()};
  EXPECT_PILLAR_ERROR(write_volume_file(dir / "a.mhd", volume), ErrorCategory::unsupported,
                      HasSubstr(".mha"));
  EXPECT_PILLAR_ERROR(write_volume_file(dir / "a.nhdr", volume), ErrorCategory::unsupported,
                      HasSubstr(".nrrd"));
  EXPECT_PILLAR_ERROR(write_volume_file(dir / "a.nii", {at::zeros({1, 2, 2}, at::kLong), Geometry()}),
                      ErrorCategory::usage, HasSubstr("Long"));
  EXPECT_PILLAR_ERROR(write_volume_file(dir / "a.nii", {at::zeros({1, 1, 40000}, at::kByte), Geometry()}),
                      ErrorCategory::io, AllOf(HasSubstr("a.nii"), HasSubstr("40000")));
  EXPECT_PILLAR_ERROR(write_volume_file(dir / "no folder/a.nii", volume), ErrorCategory::io,
                      HasSubstr("a.nii"));
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

TEST(VolumeFile, NonFiniteVoxelsAreRefusedWithTheirPlace) {
  TempDir dir;
  at::Tensor voxels = at::zeros({2, 3, 4}, at::kFloat);
  for (const char* name : {"a.nii", "a.nrrd", "a.mha"}) {
    voxels[1][2][3] = 1.0;
    write_volume_file(dir / name, {voxels, Geometry()});
    voxels[1][2][3] = std::nan("");
    EXPECT_PILLAR_ERROR(write_volume_file(dir / name, {voxels, Geometry()}), ErrorCategory::input,
                        HasSubstr("nan"));
  }
  // Uncompressed, so that the last voxel can be changed in place.
  const std::string mha = "NDims = 3\nDimSize = 4 3 2\nElementType = MET_FLOAT\nElementDataFile = LOCAL\n";
  const std::string nrrd =
      "NRRD0005\ntype: float\ndimension: 3\nsizes: 4 3 2\nencoding: raw\nendian: little\n\n";
  const std::string nan_bytes("\x00\x00\xc0\x7f", 4);
  write_file_atomic(dir / "a.mha", mha + std::string(92, '\0') + nan_bytes);
  write_file_atomic(dir / "a.nrrd", nrrd + std::string(92, '\0') + nan_bytes);
  std::string nifti = read_text_file(dir / "a.nii");
  write_file_atomic(dir / "a.nii", nifti.replace(nifti.size() - 4, 4, nan_bytes));
  for (const char* name : {"a.nii", "a.nrrd", "a.mha"}) {
    Notes notes;
    EXPECT_PILLAR_ERROR(read_volume_file(dir / name, {}, notes), ErrorCategory::input,
                        AllOf(HasSubstr(name), HasSubstr("1 voxels are NaN"), HasSubstr("--nan air"),
                              HasSubstr("nan at column 3, row 2, slice 1")));
  }
  for (const auto& [modality, air] : {std::pair{Modality::ct, -1024.0}, {Modality::mr, 0.0}}) {
    Notes notes;
    const Volume volume = read_volume_file(dir / "a.nii", {modality, {}, NanPolicy::air}, notes);
    EXPECT_EQ(volume.voxels_dhw[1][2][3].item<double>(), air);
    EXPECT_EQ(volume.voxels_dhw.sum().item<double>(), air);
    EXPECT_THAT(notes, Contains(HasSubstr("1 voxels are NaN; taken for air")));
  }
}

TEST(VolumeFile, InfinityIsNoAir) {
  TempDir dir;
  const std::string header =
      "NRRD0005\ntype: float\ndimension: 3\nsizes: 2 1 1\nencoding: raw\nendian: little\n\n";
  write_file_atomic(dir / "a.nrrd", header + std::string("\x00\x00\xc0\x7f\x00\x00\x80\x7f", 8));
  Notes notes;
  EXPECT_PILLAR_ERROR(read_volume_file(dir / "a.nrrd", {Modality::ct, {}, NanPolicy::air}, notes),
                      ErrorCategory::input, HasSubstr("1 voxels are NaN and 1 infinite"));
}

TEST(VolumeFile, TruncatedFilesAreRefused) {
  TempDir dir;
  std::mt19937_64 random(2);
  const Volume volume{test::any_voxels({4, 9, 11}, at::kShort, random), Geometry()};
  for (const char* name : {"a.nii", "a.nii.gz", "a.nrrd", "a.mha"}) {
    write_volume_file(dir / name, volume);
    const std::string whole = read_text_file(dir / name);
    for (std::size_t length : {whole.size() - 1, whole.size() - 20, whole.size() / 2, std::size_t(360),
                               std::size_t(20), std::size_t(0)}) {
      SCOPED_TRACE(std::string(name) + " " + std::to_string(length));
      write_file_atomic(dir / name, whole.substr(0, length));
      Notes notes;
      EXPECT_PILLAR_ERROR(read_volume_file(dir / name, {}, notes), ErrorCategory::input,
                          AllOf(HasSubstr(name), Not(HasSubstr("\n"))));
    }
  }
}

TEST(VolumeFile, OtherContentIsRefused) {
  TempDir dir;
  std::string noise(2000, '\x5a');
  noise.append("\nDimSize = 2\n");
  for (const char* name : {"a.nii", "a.nii.gz", "a.nrrd", "a.nhdr", "a.mha", "a.mhd"}) {
    write_file_atomic(dir / name, noise);
    Notes notes;
    EXPECT_PILLAR_ERROR(read_volume_file(dir / name, {}, notes), ErrorCategory::input, HasSubstr(name));
  }
}

TEST(VolumeFileCases, UnitsAndSpacesAreThoseOfTheScan) {
  PILLAR_NEEDS_CASE("nrrd_cm");
  Notes notes;
  for (const char* name : {"nifti_micron/in.nii.gz", "nrrd_cm/in.nrrd"}) {
    const std::filesystem::path file = test::scan_case(name);
    const Volume volume = read_volume_file(file, {}, notes);
    const Volume right = read_volume_file(file.parent_path() / "right.nii.gz", {}, notes);
    expect_near(volume.geometry, right.geometry, 1e-6);
    EXPECT_TRUE(test::same_voxels(volume.voxels_dhw, right.voxels_dhw)) << name;
  }
  const Geometry las = read_volume_file(test::scan_case("nrrd_las/in.nrrd"), {}, notes).geometry;
  EXPECT_THAT(las.origin_xyz_mm, ElementsAre(-12, 20, 50));
  EXPECT_THAT(las.direction, ElementsAre(1, 0, 0, 0, -1, 0, 0, 0, 1));
}

}  // namespace
}  // namespace pillar

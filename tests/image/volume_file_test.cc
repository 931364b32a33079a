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

void write_text(const std::filesystem::path& path, const std::string& text) {
  write_file_atomic(path, std::string_view(text));
}

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
    write_text(dir / name, "no header of any volume");
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
  write_text(dir / "a.mha", mha + std::string(92, '\0') + nan_bytes);
  write_text(dir / "a.nrrd", nrrd + std::string(92, '\0') + nan_bytes);
  std::string nifti = read_text_file(dir / "a.nii");
  write_text(dir / "a.nii", nifti.replace(nifti.size() - 4, 4, nan_bytes));
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
  write_text(dir / "a.nrrd", header + std::string("\x00\x00\xc0\x7f\x00\x00\x80\x7f", 8));
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
      write_text(dir / name, whole.substr(0, length));
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
    write_text(dir / name, noise);
    Notes notes;
    EXPECT_PILLAR_ERROR(read_volume_file(dir / name, {}, notes), ErrorCategory::input, HasSubstr(name));
  }
}

std::string meta(const std::string& lines, const std::string& voxels = std::string(24, '\1')) {
  return "ObjectType = Image\nNDims = 3\nDimSize = 4 3 2\n" + lines +
         "ElementType = MET_UCHAR\nElementDataFile = LOCAL\n" + voxels;
}

const char* const kMetaGeometry =
    "TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 1 2 3\nElementSpacing = 1 1 2\n";

TEST(MetaImage, IsRead) {
  TempDir dir;
  write_text(dir / "a.mha", meta(kMetaGeometry));
  Notes notes;
  const Volume volume = read_volume_file(dir / "a.mha", {}, notes);
  EXPECT_THAT(size_dhw(volume.voxels_dhw), ElementsAre(2, 3, 4));
  EXPECT_THAT(volume.geometry.spacing_xyz_mm, ElementsAre(1, 1, 2));
  EXPECT_THAT(volume.geometry.origin_xyz_mm, ElementsAre(1, 2, 3));
  EXPECT_THAT(notes, IsEmpty());
}

TEST(MetaImage, AbsentGeometryIsReported) {
  TempDir dir;
  write_text(dir / "a.mha", meta(""));
  Notes notes;
  read_volume_file(dir / "a.mha", {}, notes);
  EXPECT_THAT(notes,
              ElementsAre(HasSubstr("no spacing"), HasSubstr("no orientation"), HasSubstr("no origin")));
}

TEST(MetaImage, VoxelsMayLieInAnotherFile) {
  TempDir dir;
  std::string header = meta(kMetaGeometry, "");
  header.replace(header.find("LOCAL"), 5, "a b.raw");
  write_text(dir / "a.mhd", header);
  Notes notes;
  EXPECT_PILLAR_ERROR(read_volume_file(dir / "a.mhd", {}, notes), ErrorCategory::input, HasSubstr("a b.raw"));
  write_text(dir / "a b.raw", std::string(24, '\5'));
  EXPECT_EQ(read_volume_file(dir / "a.mhd", {}, notes).voxels_dhw.sum().item<int>(), 24 * 5);
  write_text(dir / "a b.raw", std::string(23, '\5'));
  EXPECT_PILLAR_ERROR(read_volume_file(dir / "a.mhd", {}, notes), ErrorCategory::input,
                      HasSubstr("truncated"));
  header.replace(header.find("a b.raw"), 7, "a%d.raw 1 2 1");
  write_text(dir / "a.mhd", header);
  EXPECT_PILLAR_ERROR(read_volume_file(dir / "a.mhd", {}, notes), ErrorCategory::unsupported,
                      HasSubstr("several files"));
}

TEST(MetaImage, CompressedVoxelsMustBeWhole) {
  TempDir dir;
  const Volume volume{at::zeros({2, 3, 4}, at::kShort), Geometry()};
  write_volume_file(dir / "a.mha", volume);
  std::string text = read_text_file(dir / "a.mha");
  text.replace(text.find("DimSize = 4 3 2"), 15, "DimSize = 4 3 3");
  write_text(dir / "a.mha", text);
  Notes notes;
  EXPECT_PILLAR_ERROR(read_volume_file(dir / "a.mha", {}, notes), ErrorCategory::input,
                      HasSubstr("truncated: 48 of 72"));
  text.replace(text.find("DimSize = 4 3 3"), 15, "DimSize = 4 3 1");
  write_text(dir / "a.mha", text);
  read_volume_file(dir / "a.mha", {}, notes);
  EXPECT_THAT(notes, Contains(HasSubstr("after the last voxel")));
}

TEST(MetaImage, OtherByteOrderIsTurned) {
  TempDir dir;
  std::string text = meta(std::string("BinaryDataByteOrderMSB = True\n") + kMetaGeometry,
                          std::string("\1\2", 2) + std::string(46, '\0'));
  text.replace(text.find("MET_UCHAR"), 9, "MET_SHORT");
  write_text(dir / "a.mha", text);
  Notes notes;
  EXPECT_EQ(read_volume_file(dir / "a.mha", {}, notes).voxels_dhw[0][0][0].item<int>(), 258);
}

TEST(MetaImage, RefusesClaimsThatCannotBe) {
  TempDir dir;
  const auto expect_refused = [&](std::string text, const char* from, const std::string& to,
                                  const char* word) {
    text.replace(text.find(from), std::string(from).size(), to);
    write_text(dir / "a.mha", text);
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

std::string nrrd(const std::string& lines, const std::string& voxels = std::string(24, '\1')) {
  return "NRRD0005\n# a comment\ntype: unsigned char\ndimension: 3\nsizes: 4 3 2\nencoding: raw\n" + lines +
         "\n" + voxels;
}

const char* const kNrrdGeometry =
    "space: right-anterior-superior\nspace directions: (1,0,0) (0,1,0) (0,0,2)\nspace origin: (1,2,3)\n";

TEST(Nrrd, IsReadInLps) {
  TempDir dir;
  write_text(dir / "a.nrrd", nrrd(kNrrdGeometry));
  Notes notes;
  const Volume volume = read_volume_file(dir / "a.nrrd", {}, notes);
  EXPECT_THAT(volume.geometry.spacing_xyz_mm, ElementsAre(1, 1, 2));
  EXPECT_THAT(volume.geometry.origin_xyz_mm, ElementsAre(-1, -2, 3));
  EXPECT_EQ(volume.geometry.axis(0)[0], -1);
  EXPECT_THAT(notes, IsEmpty());
}

TEST(Nrrd, AbsentGeometryIsReported) {
  TempDir dir;
  write_text(dir / "a.nrrd", nrrd(""));
  Notes notes;
  read_volume_file(dir / "a.nrrd", {}, notes);
  EXPECT_THAT(notes,
              ElementsAre(HasSubstr("no spacing"), HasSubstr("no orientation"), HasSubstr("no origin")));
}

TEST(Nrrd, SpacesThatAreNotThePatientsAreReported) {
  TempDir dir;
  std::string text = nrrd(kNrrdGeometry);
  text.replace(text.find("right-anterior-superior"), 23, "scanner-xyz");
  write_text(dir / "a.nrrd", text);
  Notes notes;
  read_volume_file(dir / "a.nrrd", {}, notes);
  EXPECT_THAT(notes, ElementsAre(HasSubstr("scanner-xyz")));
}

// The origin and the LPS direction of the first axis of a header in this space: steps of 1 along its first
// component, origin (1,2,3).
std::pair<std::array<double, 3>, std::array<double, 3>> placed_in(const TempDir& dir,
                                                                  const std::string& space) {
  write_text(dir / "a.nrrd", nrrd("space: " + space +
                                  "\nspace directions: (1,0,0) (0,1,0) (0,0,2)\nspace origin: (1,2,3)\n"));
  Notes notes;
  const Geometry geometry = read_volume_file(dir / "a.nrrd", {}, notes).geometry;
  return {geometry.origin_xyz_mm, geometry.axis(0)};
}

TEST(Nrrd, EverySpaceOfThePatientIsBroughtToLps) {
  TempDir dir;
  for (const char* ras : {"right-anterior-superior", "RAS", "Right-Anterior-Superior-Time", "RAST"}) {
    const auto [origin, axis] = placed_in(dir, ras);
    EXPECT_THAT(origin, ElementsAre(-1, -2, 3)) << ras;
    EXPECT_THAT(axis, ElementsAre(-1, 0, 0)) << ras;
  }
  for (const char* las : {"left-anterior-superior", "las", "LAST"})
    EXPECT_THAT(placed_in(dir, las).first, ElementsAre(1, -2, 3)) << las;
  for (const char* lps :
       {"left-posterior-superior", "lps", "LPST", "scanner-xyz", "3D-right-handed", "3D-left-handed-time"})
    EXPECT_THAT(placed_in(dir, lps).first, ElementsAre(1, 2, 3)) << lps;
  // Not in the format's list, but what they mean is plain.
  const auto [origin, axis] = placed_in(dir, "posterior-inferior-right");
  EXPECT_THAT(origin, ElementsAre(-3, 1, -2));
  EXPECT_THAT(axis, ElementsAre(0, 1, 0));
  for (const char* unknown : {"left-left-superior", "lap", "somewhere"}) {
    EXPECT_PILLAR_ERROR(placed_in(dir, unknown), ErrorCategory::input,
                        AllOf(HasSubstr("a.nrrd"), HasSubstr(unknown)));
  }
}

TEST(Nrrd, UnitsAreBroughtToMillimetres) {
  TempDir dir;
  const auto geometry_of = [&](const std::string& lines) {
    write_text(dir / "a.nrrd", nrrd(lines));
    Notes notes;
    return read_volume_file(dir / "a.nrrd", {}, notes).geometry;
  };
  const std::string space = "space: LPS\nspace directions: (1,0,0) (0,1,0) (0,0,2)\nspace origin: (1,2,3)\n";
  for (const auto& [unit, mm] : {std::pair{"mm", 1.0},
                                 {"cm", 10},
                                 {"m", 1000},
                                 {"um", 0.001},
                                 {"micron", 0.001},
                                 {"\u00b5m", 0.001},
                                 {"", 1}}) {
    const Geometry geometry =
        geometry_of(space + fmt::format("space units: \"{0}\" \"{0}\" \"{0}\"\n", unit));
    EXPECT_DOUBLE_EQ(geometry.spacing_xyz_mm[2], 2 * mm) << unit;
    EXPECT_DOUBLE_EQ(geometry.origin_xyz_mm[1], 2 * mm) << unit;
  }
  EXPECT_DOUBLE_EQ(geometry_of("spacings: 1 1 2\nunits: \"cm\" \"cm\" \"cm\"\n").spacing_xyz_mm[2], 20);
  EXPECT_PILLAR_ERROR(geometry_of(space + "space units: \"s\" \"mm\" \"mm\"\n"), ErrorCategory::input,
                      AllOf(HasSubstr("spaceunits 's'"), HasSubstr("a.nrrd")));
}

TEST(Nrrd, AWritersOwnKeysAreNoFields) {
  TempDir dir;
  write_text(dir / "a.nrrd", nrrd("space:=left-anterior-superior\n" + std::string(kNrrdGeometry)));
  Notes notes;
  EXPECT_THAT(read_volume_file(dir / "a.nrrd", {}, notes).geometry.origin_xyz_mm, ElementsAre(-1, -2, 3));
}

TEST(Nrrd, AxisMinsAreEdgesOfCellsOrNodes) {
  TempDir dir;
  for (const auto& [centers, x] : {std::pair{"", 10.5}, {"centers: node node node\n", 10.0}}) {
    write_text(dir / "a.nrrd", nrrd(std::string("spacings: 1 1 2\naxis mins: 10 20 30\n") + centers));
    Notes notes;
    EXPECT_EQ(read_volume_file(dir / "a.nrrd", {}, notes).geometry.origin_xyz_mm[0], x);
  }
}

TEST(Nrrd, ASlightShearIsReadAsTheNearestRigidFrame) {
  TempDir dir;
  std::string text = nrrd(kNrrdGeometry);
  write_text(dir / "a.nrrd", text.replace(text.find("(0,1,0)"), 7, "(0.05,1,0)"));
  Notes notes;
  const Geometry geometry = read_volume_file(dir / "a.nrrd", {}, notes).geometry;
  EXPECT_THAT(notes, ElementsAre(HasSubstr("nearest rigid frame")));
  EXPECT_EQ(geometry.spacing_xyz_mm[0], 1);
  for (int a = 0; a < 3; ++a) {
    for (int b = 0; b < 3; ++b) {
      const auto u = geometry.axis(a), v = geometry.axis(b);
      EXPECT_NEAR(u[0] * v[0] + u[1] * v[1] + u[2] * v[2], a == b ? 1 : 0, 1e-12);
    }
  }
  // Each of the two axes turns by half of the shear.
  EXPECT_NEAR(std::asin(geometry.axis(0)[1]), std::atan(0.05) / 2, 1e-9);
}

TEST(Nrrd, ColoursAndVectorsAreNoVolumes) {
  TempDir dir;
  for (const char* kind : {"RGB-color", "vector", "list", "complex"}) {
    write_text(dir / "a.nrrd", nrrd(std::string(kNrrdGeometry) + "kinds: " + kind + " domain domain\n"));
    Notes notes;
    EXPECT_PILLAR_ERROR(read_volume_file(dir / "a.nrrd", {}, notes), ErrorCategory::input, HasSubstr(kind));
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

TEST(Nrrd, FourthAxisHoldsVolumes) {
  TempDir dir;
  const std::string header =
      "NRRD0005\ntype: unsigned char\ndimension: 4\nsizes: 2 1 1 3\nencoding: raw\nspacings: 1 1 2 1\n\n";
  write_text(dir / "a.nrrd", header + std::string("\1\2\3\4\5\6"));
  Notes notes;
  EXPECT_EQ(read_volume_file(dir / "a.nrrd", {Modality::mr, 2}, notes).voxels_dhw.sum().item<int>(), 11);
  notes.clear();
  EXPECT_EQ(read_volume_file(dir / "a.nrrd", {}, notes).voxels_dhw.sum().item<int>(), 3);
  EXPECT_THAT(notes, Contains(HasSubstr("first of 3")));
  EXPECT_PILLAR_ERROR(read_volume_file(dir / "a.nrrd", {Modality::mr, 3}, notes), ErrorCategory::usage,
                      HasSubstr("no volume 3"));
}

TEST(Nrrd, OtherByteOrderIsTurned) {
  TempDir dir;
  std::string text =
      nrrd(std::string("endian: big\n") + kNrrdGeometry, std::string("\1\2", 2) + std::string(46, '\0'));
  text.replace(text.find("unsigned char"), 13, "short");
  write_text(dir / "a.nrrd", text);
  Notes notes;
  EXPECT_EQ(read_volume_file(dir / "a.nrrd", {}, notes).voxels_dhw[0][0][0].item<int>(), 258);
}

TEST(Nrrd, OtherEncodingsAreNamed) {
  TempDir dir;
  std::string text = nrrd(kNrrdGeometry);
  write_text(dir / "a.nrrd", text.replace(text.find("raw"), 3, "hex"));
  Notes notes;
  EXPECT_PILLAR_ERROR(read_volume_file(dir / "a.nrrd", {}, notes), ErrorCategory::unsupported,
                      HasSubstr("encoding 'hex'"));
}

TEST(Nrrd, RefusesClaimsThatCannotBe) {
  TempDir dir;
  const auto expect_refused = [&](std::string text, const char* from, const std::string& to,
                                  const char* word) {
    text.replace(text.find(from), std::string(from).size(), to);
    write_text(dir / "a.nrrd", text);
    Notes notes;
    EXPECT_PILLAR_ERROR(read_volume_file(dir / "a.nrrd", {}, notes), ErrorCategory::input,
                        AllOf(HasSubstr("a.nrrd"), HasSubstr(word)));
  };
  const std::string good = nrrd(kNrrdGeometry);
  expect_refused(good, "4 3 2", "400000 300000 200000", "can hold");
  expect_refused(good, "4 3 2", "4 3 99999999999999999999999", "a.nrrd");
  expect_refused(good, "4 3 2", "4 0 2", "a.nrrd");
  expect_refused(good, "dimension: 3", "dimension: 30", "30 axes");
  expect_refused(good, "(0,0,2)", "(0,0,0)", "a.nrrd");
  expect_refused(good, "(0,0,2)", "(0,1,0)", "direction");
  expect_refused(good, "(0,0,2)", "(0,nan,0)", "a.nrrd");
  expect_refused(good, "(1,2,3)", "(1,inf,3)", "a.nrrd");
  expect_refused(good, "unsigned char", "block", "a.nrrd");
  expect_refused(good, "encoding: raw", "encoding: gzip", "a.nrrd");
  expect_refused(good, "space directions: (1,0,0) (0,1,0) (0,0,2)", "kinds: vector domain domain", "a.nrrd");
  expect_refused(nrrd("spacings: 1 1 2\n"), "1 1 2", "1 -1 2", "spacing of -1");
}

}  // namespace
}  // namespace pillar

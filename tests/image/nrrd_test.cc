// NRRD files: .nrrd and .nhdr.
#include "pillar/core/file.h"
#include "pillar/image/volume_file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/volumes.h"

#include <cmath>

#include <fmt/format.h>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string nrrd(const std::string& lines, const std::string& voxels = std::string(24, '\1')) {
  return "NRRD0005\n# a comment\ntype: unsigned char\ndimension: 3\nsizes: 4 3 2\nencoding: raw\n" + lines +
         "\n" + voxels;
}

const char* const kNrrdGeometry =
    "space: right-anterior-superior\nspace directions: (1,0,0) (0,1,0) (0,0,2)\nspace origin: (1,2,3)\n";

TEST(Nrrd, IsReadInLps) {
  TempDir dir;
  write_file_atomic(dir / "a.nrrd", nrrd(kNrrdGeometry));
  Notes notes;
  const Volume volume = read_volume_file(dir / "a.nrrd", {}, notes);
  EXPECT_THAT(volume.geometry.spacing_xyz_mm, ElementsAre(1, 1, 2));
  EXPECT_THAT(volume.geometry.origin_xyz_mm, ElementsAre(-1, -2, 3));
  EXPECT_EQ(volume.geometry.axis(0)[0], -1);
  EXPECT_THAT(notes, IsEmpty());
}

TEST(Nrrd, AbsentGeometryIsReported) {
  TempDir dir;
  write_file_atomic(dir / "a.nrrd", nrrd(""));
  Notes notes;
  read_volume_file(dir / "a.nrrd", {}, notes);
  EXPECT_THAT(notes,
              ElementsAre(HasSubstr("no spacing"), HasSubstr("no orientation"), HasSubstr("no origin")));
}

TEST(Nrrd, SpacesThatAreNotThePatientsAreReported) {
  TempDir dir;
  std::string text = nrrd(kNrrdGeometry);
  text.replace(text.find("right-anterior-superior"), 23, "scanner-xyz");
  write_file_atomic(dir / "a.nrrd", text);
  Notes notes;
  read_volume_file(dir / "a.nrrd", {}, notes);
  EXPECT_THAT(notes, ElementsAre(HasSubstr("scanner-xyz")));
}

// The origin and the LPS direction of the first axis of a header in this space: steps of 1 along its first
// component, origin (1,2,3).
std::pair<std::array<double, 3>, std::array<double, 3>> placed_in(const TempDir& dir,
                                                                  const std::string& space) {
  write_file_atomic(
      dir / "a.nrrd",
      nrrd("space: " + space + "\nspace directions: (1,0,0) (0,1,0) (0,0,2)\nspace origin: (1,2,3)\n"));
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
    write_file_atomic(dir / "a.nrrd", nrrd(lines));
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
  write_file_atomic(dir / "a.nrrd", nrrd("space:=left-anterior-superior\n" + std::string(kNrrdGeometry)));
  Notes notes;
  EXPECT_THAT(read_volume_file(dir / "a.nrrd", {}, notes).geometry.origin_xyz_mm, ElementsAre(-1, -2, 3));
}

TEST(Nrrd, AxisMinsAreEdgesOfCellsOrNodes) {
  TempDir dir;
  for (const auto& [centers, x] : {std::pair{"", 10.5}, {"centers: node node node\n", 10.0}}) {
    write_file_atomic(dir / "a.nrrd", nrrd(std::string("spacings: 1 1 2\naxis mins: 10 20 30\n") + centers));
    Notes notes;
    EXPECT_EQ(read_volume_file(dir / "a.nrrd", {}, notes).geometry.origin_xyz_mm[0], x);
  }
}

TEST(Nrrd, ASlightShearIsReadAsTheNearestRigidFrame) {
  TempDir dir;
  std::string text = nrrd(kNrrdGeometry);
  write_file_atomic(dir / "a.nrrd", text.replace(text.find("(0,1,0)"), 7, "(0.05,1,0)"));
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
    write_file_atomic(dir / "a.nrrd",
                      nrrd(std::string(kNrrdGeometry) + "kinds: " + kind + " domain domain\n"));
    Notes notes;
    EXPECT_PILLAR_ERROR(read_volume_file(dir / "a.nrrd", {}, notes), ErrorCategory::input, HasSubstr(kind));
  }
}

TEST(Nrrd, FourthAxisHoldsVolumes) {
  TempDir dir;
  const std::string header =
      "NRRD0005\ntype: unsigned char\ndimension: 4\nsizes: 2 1 1 3\nencoding: raw\nspacings: 1 1 2 1\n\n";
  write_file_atomic(dir / "a.nrrd", header + std::string("\1\2\3\4\5\6"));
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
  write_file_atomic(dir / "a.nrrd", text);
  Notes notes;
  EXPECT_EQ(read_volume_file(dir / "a.nrrd", {}, notes).voxels_dhw[0][0][0].item<int>(), 258);
}

TEST(Nrrd, OtherEncodingsAreNamed) {
  TempDir dir;
  std::string text = nrrd(kNrrdGeometry);
  write_file_atomic(dir / "a.nrrd", text.replace(text.find("raw"), 3, "hex"));
  Notes notes;
  EXPECT_PILLAR_ERROR(read_volume_file(dir / "a.nrrd", {}, notes), ErrorCategory::unsupported,
                      HasSubstr("encoding 'hex'"));
}

TEST(Nrrd, RefusesClaimsThatCannotBe) {
  TempDir dir;
  const auto expect_refused = [&](std::string text, const char* from, const std::string& to,
                                  const char* word) {
    text.replace(text.find(from), std::string(from).size(), to);
    write_file_atomic(dir / "a.nrrd", text);
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

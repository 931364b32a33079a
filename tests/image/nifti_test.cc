// NIfTI: what is read must be what ITK reads, and what ITK repairs without a word must be said.
#include "pillar/core/file.h"
#include "pillar/image/volume_file.h"

#include "image/nifti_bytes.h"
#include "support/expect_error.h"
#include "support/goldens.h"
#include "support/temp_dir.h"
#include "support/volumes.h"

#include <cmath>
#include <limits>

#include <ATen/ops/empty_like.h>
#include <itkNiftiImageIO.h>
#include <zlib.h>

namespace pillar {
namespace {

using test::NiftiBytes;
using test::TempDir;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::filesystem::path write(const TempDir& dir, NiftiBytes& nifti) {
  write_file_atomic(dir / "a b.nii", std::string_view(nifti.bytes()));
  return dir / "a b.nii";
}

std::filesystem::path write_gzip(const TempDir& dir, const std::string& bytes) {
  gzFile file = gzopen((dir / "a.nii.gz").c_str(), "wb");
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
  return dir / "a.nii.gz";
}

Volume read(const std::filesystem::path& path, Notes* notes = nullptr,
            std::optional<std::int64_t> volume = {}) {
  Notes ours;
  const Volume result = read_volume_file(path, {Modality::mr, volume}, notes != nullptr ? *notes : ours);
  return result;
}

void expect_read_as_itk(const std::filesystem::path& path) {
  const Volume ours = read(path);
  auto io = itk::NiftiImageIO::New();
  io->SetFileName(path.string());
  io->ReadImageInformation();
  itk::ImageIORegion region(3);
  for (unsigned axis = 0; axis < 3; ++axis) {
    region.SetSize(axis, io->GetDimensions(axis));
    EXPECT_EQ(ours.geometry.spacing_xyz_mm[axis], io->GetSpacing(axis));
    EXPECT_EQ(ours.geometry.origin_xyz_mm[axis], io->GetOrigin(axis));
    EXPECT_THAT(io->GetDirection(axis),
                ::testing::ElementsAreArray(ours.geometry.axis(static_cast<int>(axis))));
  }
  io->SetIORegion(region);
  at::Tensor theirs = at::empty_like(ours.voxels_dhw);
  ASSERT_EQ(static_cast<std::size_t>(io->GetImageSizeInBytes()), theirs.nbytes());
  io->Read(theirs.data_ptr());
  EXPECT_TRUE(test::same_voxels(ours.voxels_dhw, theirs));
}

TEST(Nifti, ReadsWhatItkReads) {
  TempDir dir;
  NiftiBytes plain;
  expect_read_as_itk(write(dir, plain));
  expect_read_as_itk(write_gzip(dir, plain.bytes()));

  NiftiBytes swapped;
  swapped.swap();
  expect_read_as_itk(write(dir, swapped));

  NiftiBytes turned;
  for (std::size_t i = 0; i < 6; ++i) turned.put<float>(256 + 4 * i, 0.1F * static_cast<float>(i + 1));
  turned.put<float>(76, -1);
  expect_read_as_itk(write(dir, turned));
}

void put_sform(NiftiBytes& nifti, const std::array<float, 12>& rows) {
  nifti.put<std::int16_t>(254, 1);
  for (std::size_t i = 0; i < 12; ++i) nifti.put<float>(280 + 4 * i, rows[i]);
}

// The same file in millimetres and in another unit lies in the same place.
TEST(Nifti, AllOfTheGeometryIsInTheFilesUnit) {
  TempDir dir;
  for (const auto& [code, in_file] : {std::pair<char, float>{1, 0.001F}, {3, 1000.0F}}) {
    for (bool by_sform : {false, true}) {
      NiftiBytes nifti;
      for (std::size_t i = 0; i < 3; ++i)
        nifti.put<float>(80 + 4 * i, in_file * (i == 0 ? 0.5F : (i == 1 ? 0.6F : 2.0F)));
      nifti.bytes()[123] = code;
      for (std::size_t i = 0; i < 3; ++i)
        nifti.put<float>(268 + 4 * i, in_file * (10.0F + static_cast<float>(i)));
      if (by_sform) {
        nifti.put<std::int16_t>(252, 0);
        put_sform(nifti, {0.5F * in_file, 0, 0, 10 * in_file, 0, 0.6F * in_file, 0, 11 * in_file, 0, 0,
                          2 * in_file, 12 * in_file});
      }
      Notes notes;
      const Geometry geometry = read(write(dir, nifti), &notes).geometry;
      EXPECT_THAT(notes, IsEmpty());
      EXPECT_NEAR(geometry.spacing_xyz_mm[0], 0.5, 1e-6);
      EXPECT_NEAR(geometry.spacing_xyz_mm[2], 2, 1e-6);
      EXPECT_NEAR(geometry.origin_xyz_mm[0], -10, 1e-5);
      EXPECT_NEAR(geometry.origin_xyz_mm[1], -11, 1e-5);
      EXPECT_NEAR(geometry.origin_xyz_mm[2], 12, 1e-5);
      EXPECT_THAT(geometry.axis(0), ElementsAre(-1, 0, 0));
    }
  }
}

void expect_same_geometry(const Geometry& a, const Geometry& b) {
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(a.spacing_xyz_mm[i], b.spacing_xyz_mm[i], 1e-6);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(a.origin_xyz_mm[i], b.origin_xyz_mm[i], 1e-6);
  for (std::size_t i = 0; i < 9; ++i) EXPECT_NEAR(a.direction[i], b.direction[i], 1e-6);
}

TEST(Nifti, Version2IsReadAsVersion1Is) {
  TempDir dir;
  for (bool mirrored : {false, true}) {
    NiftiBytes nifti;
    for (std::size_t i = 0; i < 6; ++i) nifti.put<float>(256 + 4 * i, 0.1F * static_cast<float>(i + 1));
    nifti.put<float>(76, mirrored ? -1 : 1);
    nifti.put<float>(112, 0.5F);
    nifti.put<float>(116, -7);
    const Volume first = read(write(dir, nifti));
    Notes notes;
    const Volume second = read(write_gzip(dir, nifti.as_version_2()), &notes);
    EXPECT_THAT(notes, IsEmpty());
    EXPECT_TRUE(test::same_voxels(first.voxels_dhw, second.voxels_dhw));
    expect_same_geometry(first.geometry, second.geometry);
    EXPECT_EQ(read_volume_grid(dir / "a.nii.gz"), grid_of(second));
  }
}

TEST(Nifti, Version2IsRefusedWhereItIsWrong) {
  TempDir dir;
  const auto expect_wrong = [&](std::size_t offset, auto value, const char* word) {
    std::string bytes = NiftiBytes().as_version_2();
    std::memcpy(bytes.data() + offset, &value, sizeof(value));
    EXPECT_PILLAR_ERROR(read(write_gzip(dir, bytes)), ErrorCategory::input, HasSubstr(word));
  };
  expect_wrong(24, std::int64_t{1} << 40, "voxels along axis 1");
  expect_wrong(24, std::int64_t{1} << 20, "can hold");
  expect_wrong(24, std::int64_t{-4}, "voxels along axis 1");
  expect_wrong(168, std::int64_t{540}, "544 or later");
  expect_wrong(112, std::nan(""), "spacing");
  expect_wrong(4, 'x', "magic");
  EXPECT_PILLAR_ERROR(read(write_gzip(dir, NiftiBytes().as_version_2().substr(0, 400))), ErrorCategory::input,
                      HasSubstr("540"));
}

TEST(Nifti, ScalesAsItkScales) {
  TempDir dir;
  NiftiBytes integers;
  integers.put<float>(112, 0.37F);
  integers.put<float>(116, -1024.5F);
  expect_read_as_itk(write(dir, integers));
  EXPECT_EQ(read(dir / "a b.nii").voxels_dhw.scalar_type(), at::kFloat);

  for (std::int16_t bits : {std::int16_t(32), std::int16_t(64)}) {
    NiftiBytes floats = integers;
    floats.set_type(bits == 32 ? 16 : 64, bits);
    floats.clear_voxels();
    for (int i = 0; i < 24; ++i) {
      if (bits == 32)
        floats.append(0.1F * static_cast<float>(i));
      else
        floats.append(0.1 * i);
    }
    expect_read_as_itk(write(dir, floats));
  }
}

TEST(Nifti, NanScaleMeansNone) {
  TempDir dir;
  NiftiBytes nifti;
  nifti.put<float>(112, std::nanf(""));
  nifti.put<float>(116, std::nanf(""));
  EXPECT_EQ(read(write(dir, nifti)).voxels_dhw.scalar_type(), at::kShort);
}

TEST(Nifti, WideIntegersAreNarrowedIfTheyFit) {
  TempDir dir;
  NiftiBytes nifti;
  nifti.set_type(1024, 64);
  nifti.clear_voxels();
  for (std::int64_t i = 0; i < 24; ++i) nifti.append(i - 5);
  const Volume volume = read(write(dir, nifti));
  EXPECT_EQ(volume.voxels_dhw.scalar_type(), at::kInt);
  EXPECT_EQ(volume.voxels_dhw[0][0][0].item<int>(), -5);
  const std::int64_t large = std::int64_t(1) << 40;
  std::memcpy(nifti.bytes().data() + 352, &large, 8);
  EXPECT_PILLAR_ERROR(read(write(dir, nifti)), ErrorCategory::input, HasSubstr("1099511627776"));

  NiftiBytes bytes;
  bytes.set_type(256, 8);
  bytes.clear_voxels();
  for (int i = 0; i < 24; ++i) bytes.append(static_cast<std::int8_t>(-i));
  EXPECT_EQ(read(write(dir, bytes)).voxels_dhw.scalar_type(), at::kShort);
}

TEST(Nifti, FourthAxisHoldsVolumes) {
  TempDir dir;
  NiftiBytes nifti;
  nifti.set_sizes({4, 3, 1, 2});
  for (const auto& path : {write(dir, nifti), write_gzip(dir, nifti.bytes())}) {
    Notes notes;
    EXPECT_EQ(read(path, &notes).voxels_dhw[0][0][0].item<int>(), 0);
    EXPECT_THAT(notes, ElementsAre(AllOf(HasSubstr(path.string()), HasSubstr("first of 2"))));
    notes.clear();
    EXPECT_EQ(read(path, &notes, 1).voxels_dhw[0][0][0].item<int>(), 12);
    EXPECT_THAT(notes, IsEmpty());
    EXPECT_PILLAR_ERROR(read(path, nullptr, 2), ErrorCategory::usage, HasSubstr("no volume 2"));
  }
}

// One field of a good file changed.
template <typename T>
void expect_refused(std::size_t offset, T value, const char* word,
                    ErrorCategory category = ErrorCategory::input) {
  TempDir dir;
  NiftiBytes nifti;
  nifti.put<T>(offset, value);
  EXPECT_PILLAR_ERROR(read(write(dir, nifti)), category, AllOf(HasSubstr("a b.nii"), HasSubstr(word)));
}

TEST(Nifti, RefusesHeadersThatMakeNoSense) {
  const float nan = std::nanf("");
  expect_refused<std::int32_t>(0, 347, "not a NIfTI");
  expect_refused<std::int32_t>(0, 540, "magic");
  expect_refused<std::int32_t>(344, 0, "Analyze");
  expect_refused<char>(345, 'i', "pair");
  for (std::int16_t axes : {-1, 0, 2, 8}) expect_refused<std::int16_t>(40, axes, "axes");
  expect_refused<std::int16_t>(40, 2, "one image is no volume");
  expect_refused<std::int16_t>(44, 0, "0 voxels along axis 2");
  expect_refused<std::int16_t>(44, -3, "-3 voxels along axis 2");
  expect_refused<std::int16_t>(44, 30000, "truncated");
  expect_refused<std::int16_t>(70, 128, "colours");
  expect_refused<std::int16_t>(70, 77, "unknown datatype");
  expect_refused<std::int16_t>(72, 8, "bits");
  for (float spacing : {0.0F, -0.5F, nan, std::numeric_limits<float>::infinity()})
    expect_refused<float>(84, spacing, "spacing");
  for (float offset : {0.0F, 351.0F, 352.5F, nan, -1.0F, 1e30F})
    expect_refused<float>(108, offset, "voxels at byte");
  expect_refused<float>(108, 1000.0F, "truncated");
  expect_refused<char>(123, 7, "unit");
  expect_refused<float>(256, nan, "nan in the qform");
  expect_refused<float>(268, nan, "nan in the qform");
}

TEST(Nifti, RefusesVoxelsThatAreNotScalars) {
  TempDir dir;
  for (const auto& [code, bits] :
       {std::pair<std::int16_t, std::int16_t>{128, 24}, {2304, 32}, {32, 64}, {1792, 128}}) {
    NiftiBytes nifti;
    nifti.set_type(code, bits);
    EXPECT_PILLAR_ERROR(read(write(dir, nifti)), ErrorCategory::input, HasSubstr("scalar"));
  }
  NiftiBytes vectors;
  vectors.set_sizes({4, 3, 1, 1, 2});
  EXPECT_PILLAR_ERROR(read(write(dir, vectors)), ErrorCategory::input, HasSubstr("scalar"));
}

TEST(Nifti, ClaimsAreCheckedBeforeMemoryIsTaken) {
  TempDir dir;
  NiftiBytes nifti;
  nifti.set_sizes({32767, 32767, 32767});
  EXPECT_PILLAR_ERROR(read(write_gzip(dir, nifti.bytes())), ErrorCategory::input, HasSubstr("can hold"));
  nifti.set_sizes({40, 30, 20});  // a gzip file of this size could hold them
  EXPECT_PILLAR_ERROR(read(write_gzip(dir, nifti.bytes())), ErrorCategory::input,
                      HasSubstr("truncated: 48 of 48000"));
}

TEST(Nifti, DamagedGzipIsRefused) {
  TempDir dir;
  NiftiBytes nifti;
  const auto path = write_gzip(dir, nifti.bytes());
  std::string bytes = read_text_file(path);
  bytes[bytes.size() - 6] ^= 1;  // its checksum
  write_file_atomic(path, std::string_view(bytes));
  EXPECT_PILLAR_ERROR(read(path), ErrorCategory::input, AllOf(HasSubstr("a.nii.gz"), HasSubstr("gzip")));
}

TEST(Nifti, SaysWhatItTookForGranted) {
  TempDir dir;
  const auto warnings_of = [&](NiftiBytes& nifti) {
    Notes notes;
    read(write(dir, nifti), &notes);
    return notes;
  };
  NiftiBytes good;
  EXPECT_THAT(warnings_of(good), IsEmpty());

  NiftiBytes without_unit;
  without_unit.bytes()[123] = 0;
  EXPECT_THAT(warnings_of(without_unit), ElementsAre(HasSubstr("unit")));

  NiftiBytes without_orientation;
  without_orientation.put<std::int16_t>(252, 0);
  EXPECT_THAT(warnings_of(without_orientation), ElementsAre(HasSubstr("no orientation")));

  NiftiBytes longer;
  longer.append('x');
  EXPECT_THAT(warnings_of(longer), ElementsAre(HasSubstr("1 bytes after")));

  NiftiBytes intercept_only;
  intercept_only.put<float>(112, 0);
  intercept_only.put<float>(116, -1024);
  EXPECT_THAT(warnings_of(intercept_only), ElementsAre(HasSubstr("scl_inter -1024")));
}

TEST(Nifti, SaysWhereTheTwoOrientationsDiffer) {
  TempDir dir;
  NiftiBytes agreeing;
  put_sform(agreeing, {0.5F, 0, 0, 0, 0, 0.6F, 0, 0, 0, 0, 2, 0});
  Notes notes;
  read(write(dir, agreeing), &notes);
  EXPECT_THAT(notes, IsEmpty());

  NiftiBytes shifted;
  put_sform(shifted, {0.5F, 0, 0, 30, 0, 0.6F, 0, 40, 0, 0, 2, 0});
  const Volume volume = read(write(dir, shifted), &notes);
  EXPECT_THAT(notes, ElementsAre(AllOf(HasSubstr("50 mm apart"), HasSubstr("sform is used"))));
  EXPECT_EQ(volume.geometry.origin_xyz_mm[0], -30);
}

TEST(Nifti, SaysWhereSizesContradictTheMatrix) {
  TempDir dir;
  NiftiBytes nifti;
  nifti.set_sizes({1, 1, 300});
  nifti.clear_voxels();
  for (std::int16_t i = 0; i < 300; ++i) nifti.append(i);
  nifti.put<std::int16_t>(252, 0);
  put_sform(nifti, {0.5F, 0, 0, 0, 0, 0.6F, 0, 0, 0, 0, 2.0009F, 0});  // pixdim says 2
  Notes notes;
  const Volume volume = read(write(dir, nifti), &notes);
  EXPECT_THAT(notes, ElementsAre(HasSubstr("contradict")));
  EXPECT_EQ(volume.geometry.spacing_xyz_mm[2], 2);

  put_sform(nifti, {0.5F, 0, 0, 0, 0, 0.6F, 0, 0, 0, 0, 4, 0});
  EXPECT_PILLAR_ERROR(read(write(dir, nifti)), ErrorCategory::input,
                      AllOf(HasSubstr("a b.nii"), HasSubstr("2 apart by pixdim and 4")));
}

// What a registration leaves in an sform.
TEST(Nifti, ASlightlyShearedOrScaledSformIsReadAsItsNearestRigidFrame) {
  TempDir dir;
  NiftiBytes nifti;
  nifti.put<std::int16_t>(252, 0);
  put_sform(nifti, {0.51F, 0.012F, 0, 10, 0, 0.59F, 0.05F, 20, 0, 0, 2.06F, 30});
  Notes notes;
  const Geometry geometry = read(write(dir, nifti), &notes).geometry;
  EXPECT_THAT(notes, Contains(HasSubstr("nearest rigid frame")));
  EXPECT_THAT(notes, Contains(HasSubstr("contradict")));
  EXPECT_THAT(geometry.origin_xyz_mm, ElementsAre(-10, -20, 30));
  EXPECT_FLOAT_EQ(static_cast<float>(geometry.spacing_xyz_mm[1]), 0.6F);
  EXPECT_NEAR(geometry.axis(0)[0], -1, 1e-3);
  EXPECT_NEAR(geometry.axis(1)[1], -1, 1e-3);
  EXPECT_NEAR(geometry.axis(2)[2], 1, 1e-3);
}

TEST(Nifti, ShearedMatricesAreRefused) {
  TempDir dir;
  NiftiBytes nifti;
  nifti.put<std::int16_t>(252, 0);
  put_sform(nifti, {0.5F, 0, 0, 0, 0.3F, 0.6F, 0, 0, 0, 0, 2, 0});
  EXPECT_PILLAR_ERROR(read(write(dir, nifti)), ErrorCategory::input,
                      AllOf(HasSubstr("a b.nii"), Not(HasSubstr("0x"))));
}

TEST(Nifti, GoldenGeometry) {
  PILLAR_NEEDS_GOLDEN("rave/brain_mr");
  Notes notes;
  const Volume volume = read(test::golden("rave/brain_mr/input.nii.gz"), &notes);
  EXPECT_THAT(size_dhw(volume.voxels_dhw), ElementsAre(40, 80, 72));
  EXPECT_THAT(volume.geometry.origin_xyz_mm, ElementsAre(40, 65, -11));
  EXPECT_THAT(volume.geometry.direction, ElementsAre(-1, 0, 0, 0, -1, 0, 0, 0, 1));
  EXPECT_THAT(notes, IsEmpty());
  expect_read_as_itk(test::golden("rave/brain_mr/input.nii.gz"));
}

}  // namespace
}  // namespace pillar

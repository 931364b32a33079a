#include "pillar/core/safetensors.h"
#include "pillar/core/sha256.h"

#include "image/dicom_fixture.h"
#include "support/expect_error.h"
#include "support/goldens.h"
#include "support/temp_dir.h"

#include <cmath>
#include <fstream>
#include <thread>

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using test::counting_volume;
using test::edit_dicom;
using test::load_only_series;
using test::Loaded;
using test::set_text;
using test::slice_file;
using test::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DicomGolden : public ::testing::TestWithParam<const char*> {};

TEST_P(DicomGolden, LoadsBitForBit) {
  const std::string name = std::string("rave/") + GetParam();
  PILLAR_NEEDS_GOLDEN(name);
  const auto expected = nlohmann::json::parse(std::ifstream(test::golden(name + "/expected.json")));
  const Loaded loaded = load_only_series(test::golden(name + "/dicom"));

  std::vector<std::string> files;
  for (const DicomPlane& plane : loaded.series.planes) files.push_back(plane.file.filename());
  EXPECT_EQ(files, expected["files_used"].get<std::vector<std::string>>());

  const auto& geometry = expected["loaded"];
  const auto doubles = [&](const char* key) { return geometry[key].get<std::vector<double>>(); };
  const Geometry& got = loaded.volume.geometry;
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(got.spacing_xyz_mm[i], doubles("spacing_xyz_mm")[i]);
    EXPECT_EQ(got.origin_xyz_mm[i], doubles("origin_mm")[i]);
  }
  for (std::size_t i = 0; i < 9; ++i) {
    EXPECT_EQ(got.direction[i], doubles("direction")[i]) << i;
    EXPECT_EQ(std::signbit(got.direction[i]), std::signbit(doubles("direction")[i])) << i;
  }

  const SafetensorsFile tensors(test::golden(name + "/expected.safetensors"));
  const at::Tensor& voxels = loaded.volume.voxels_dhw;
  ASSERT_EQ(voxels.scalar_type(), at::kShort);
  EXPECT_TRUE(at::equal(voxels, tensors.tensor("loaded")));
  const ByteView bytes(static_cast<const std::uint8_t*>(voxels.const_data_ptr()), voxels.nbytes());
  EXPECT_EQ(sha256_hex(bytes), geometry["sha256_le"].get<std::string>());
}

INSTANTIATE_TEST_SUITE_P(Rave, DicomGolden, ::testing::Values("head_ct", "oblique", "descending_with_scout"),
                         [](const auto& golden_case) { return std::string(golden_case.param); });

// One series of two slices that holds `low` and `high`.
at::Tensor loaded_values(std::int64_t low, std::int64_t high, const DicomWriteOptions& options) {
  TempDir dir;
  Volume volume = counting_volume(2, 2, 2);
  volume.voxels_dhw = at::full({2, 2, 2}, low, at::kInt);
  volume.voxels_dhw.select(0, 1).fill_(high);
  volume.voxels_dhw = volume.voxels_dhw.to(low < 0 ? at::kShort : at::kUInt16);
  write_dicom_series(dir.path(), volume, options);
  const at::Tensor loaded = load_only_series(dir.path()).volume.voxels_dhw;
  EXPECT_TRUE(at::equal(loaded.to(at::kDouble), volume.voxels_dhw.to(at::kDouble)));
  return loaded;
}

TEST(LoadSeries, TakesTheNarrowestTypeThatHoldsTheValues) {
  EXPECT_EQ(loaded_values(-1024, 3071, {}).scalar_type(), at::kShort);
  EXPECT_EQ(loaded_values(0, 32767, {}).scalar_type(), at::kShort);
  EXPECT_EQ(loaded_values(7, 65535, {}).scalar_type(), at::kUInt16);
  DicomWriteOptions options;
  options.rescale_intercept = -32768;
  EXPECT_EQ(loaded_values(-32768, 32767, options).scalar_type(), at::kShort);
  options.rescale_intercept = 0;
  options.rescale_slope = 0.25;
  EXPECT_EQ(loaded_values(0, 1000, options).scalar_type(), at::kDouble);
}

TEST(LoadSeries, RescaleIsPerSlice) {
  TempDir dir;
  write_dicom_series(dir.path(), counting_volume(3, 2, 2), {});
  const auto rescale = [&](int slice, const char* slope, const char* intercept) {
    edit_dicom(slice_file(dir.path(), slice), [&](DcmDataset& dataset) {
      set_text(dataset, DCM_RescaleSlope, slope);
      set_text(dataset, DCM_RescaleIntercept, intercept);
    });
  };
  const auto first_voxels = [&] {
    const at::Tensor voxels =
        load_only_series(dir.path()).volume.voxels_dhw.select(2, 0).select(1, 0).to(at::kDouble).contiguous();
    return std::vector<double>(voxels.data_ptr<double>(), voxels.data_ptr<double>() + 3);
  };
  rescale(1, "2", "-7");
  EXPECT_THAT(first_voxels(), ElementsAre(0, 193, 200));
  rescale(2, "1000", "-60000");  // needs more than 16 bits, and has a negative beside it
  rescale(0, "1", "-1");
  EXPECT_THAT(first_voxels(), ElementsAre(-1, 193, 140000));
  rescale(1, "0.1", "0.5");
  EXPECT_THAT(first_voxels(), ElementsAre(-1, 0.1 * 100 + 0.5, 140000));
}

TEST(LoadSeries, ManyThreadsAtOnce) {
  constexpr int count = 8;
  TempDir dir;
  std::vector<Volume> volumes;
  for (int i = 0; i < count; ++i) {
    volumes.push_back(counting_volume(6, 32, 32, -100 * i));
    DicomWriteOptions options;
    options.enhanced = i % 2 == 1;
    write_dicom_series(dir / std::to_string(i), volumes.back(), options);
  }
  std::vector<std::thread> threads;
  std::vector<char> is_equal(count, 0);
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      const auto index = static_cast<std::size_t>(i);
      is_equal[index] =
          at::equal(load_only_series(dir / std::to_string(i)).volume.voxels_dhw, volumes[index].voxels_dhw);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(is_equal, ::testing::Each(1));
}

TEST(LoadSeries, ReportsWhatItReadAndLeftOut) {
  const std::string name = "rave/descending_with_scout";
  PILLAR_NEEDS_GOLDEN(name);
  const DicomScan scan = scan_dicom(test::golden(name + "/dicom"));
  EXPECT_EQ(scan.non_dicom.size(), 2u);  // README.txt and an empty DICOMDIR
  LoadReport report;
  load_series(scan.series.front(), {}, report);
  EXPECT_EQ(report.source_slice_count, 12);
  EXPECT_EQ(report.excluded_slice_count, 1);
  EXPECT_THAT(report.filled_positions_mm, IsEmpty());
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("another matrix than 64x80")));
}

}  // namespace
}  // namespace pillar

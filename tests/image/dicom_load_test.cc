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
using ::testing::Contains;
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

}  // namespace
}  // namespace pillar

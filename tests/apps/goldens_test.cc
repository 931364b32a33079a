// Every case of goldens/rave through the programs, as the public engine's users would run it.
#include "support/goldens.h"

#include "pillar/core/file.h"
#include "pillar/core/npy.h"
#include "pillar/core/safetensors.h"
#include "pillar/core/sha256.h"

#include "support/program.h"
#include "support/temp_dir.h"
#include "support/volumes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::run_program;
using test::TempDir;

// Folders with a configuration and expected volumes.
std::vector<fs::path> cases() {
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(test::golden("rave"))) {
    if (fs::exists(entry.path() / "expected.safetensors")) folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

// A configuration as the public engine's users write it.
std::string public_yaml(const nlohmann::json& config) {
  return fmt::format(
      "modality: {}\nanatomy: {}\nexporter_config: video_hevc\nprocessing:\n"
      "  resampling:\n    target_spacing: [{}]\n  crop_pad:\n    size: [{}]\n"
      "  slice_selection:\n    enabled: true\n    slices: {}\n",
      config["modality"].get<std::string>(), config["anatomy"].get<std::string>(),
      fmt::join(config["target_spacing_xyz_mm"].get<std::vector<double>>(), ", "),
      fmt::join(config["crop_pad_hw"].get<std::vector<int>>(), ", "), config["slices"].get<int>());
}

std::string only_sample(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".csv") return entry.path().string();
  }
  return "no sample";
}

void expect_golden(const fs::path& folder) {
  TempDir dir;
  const auto expected = nlohmann::json::parse(read_text_file(folder / "expected.json"));
  write_file_atomic(dir / "public.yaml", public_yaml(expected["config"]));
  const fs::path dicom = folder / "dicom";
  const std::string input = fs::exists(dicom) ? dicom.string() : (folder / "input.nii.gz").string();
  for (const char* mode : {"lossless", "rave10"}) {
    const fs::path out = dir / mode;
    const auto encoded = run_program({"pillar-rave", "encode", input, "--out", out.string(), "--config",
                                      (dir / "public.yaml").string(), "--mode", mode, "--series", "first"});
    ASSERT_EQ(encoded.exit_code, 0) << encoded.err;
    const std::string npy = (dir / fmt::format("{}.npy", mode)).string();
    const auto decoded = run_program({"pillar-rave", "decode", only_sample(out), "--out", npy});
    ASSERT_EQ(decoded.exit_code, 0) << decoded.err;
    EXPECT_EQ(run_program({"pillar-rave", "verify", out.string()}).exit_code, 0);
  }
  const at::Tensor truth = SafetensorsFile(folder / "expected.safetensors").tensor("final").contiguous();
  EXPECT_TRUE(test::same_voxels(read_npy(dir / "lossless.npy"), truth));
  const at::Tensor published = read_npy(dir / "rave10.npy");
  EXPECT_EQ(published.sizes(), truth.sizes());
  EXPECT_EQ(published.scalar_type(), truth.scalar_type());
  if (expected.value("is_mask", false)) {
    EXPECT_TRUE(test::same_voxels(published, truth)) << "masks are exact";
  }
}

TEST(Goldens, EveryCaseThroughThePrograms) {
  PILLAR_NEEDS_GOLDEN("rave");
  ASSERT_FALSE(cases().empty());
  for (const fs::path& folder : cases()) {
    SCOPED_TRACE(folder.filename().string());
    expect_golden(folder);
  }
}

TEST(Goldens, PublishedChestThroughThePrograms) {
  PILLAR_NEEDS_GOLDEN("rave/published_chest");
  TempDir dir;
  const std::string sample = test::golden("rave/published_chest").string();
  const std::string npy = (dir / "chest.npy").string();
  ASSERT_EQ(run_program({"pillar-rave", "decode", sample, "--out", npy}).exit_code, 0);
  const at::Tensor voxels = read_npy(npy);
  const auto expected =
      nlohmann::json::parse(read_text_file(test::golden("rave/published_chest/expected.json")));
  EXPECT_EQ(voxels.sizes(), expected["decoded_hu"]["shape"].get<std::vector<std::int64_t>>());
  const ByteView bytes(static_cast<const std::uint8_t*>(voxels.const_data_ptr()), voxels.nbytes());
  EXPECT_EQ(sha256_hex(bytes), expected["decoded_hu"]["sha256_le"].get<std::string>());
}

}  // namespace
}  // namespace pillar

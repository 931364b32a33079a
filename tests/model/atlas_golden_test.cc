// Every Atlas golden through pillar_parity, the program that outside comparisons use.
#include "pillar/core/config.h"
#include "pillar/core/safetensors.h"

#include "support/goldens.h"
#include "support/program.h"
#include "support/temp_dir.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/max.h>
#include <gtest/gtest.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

double worst(const at::Tensor& a, const at::Tensor& b) {
  return at::abs(a - b).max().item<double>();
}

void run_parity(const std::string& kind, const fs::path& folder, const fs::path& out) {
  const test::ProgramResult run = test::run_program({PILLAR_PARITY, kind, folder.string(), out.string()});
  ASSERT_EQ(run.exit_code, 0) << run.err;
}

TEST(AtlasGoldens, EveryTensorOfTheForwardPass) {
  PILLAR_NEEDS_GOLDEN("atlas");
  const test::TempDir dir;
  int folders = 0;
  for (const auto& entry : fs::directory_iterator(test::golden("atlas"))) {
    if (!entry.is_directory()) continue;
    ++folders;
    SCOPED_TRACE(entry.path().filename().string());
    run_parity("atlas", entry.path(), dir / "out.safetensors");
    const SafetensorsFile expected(entry.path() / "io.safetensors"), ours(dir / "out.safetensors");
    const Config errors =
        Config::load(entry.path() / "config.json").get("golden").get("max_abs_err_fp32_vs_fp64");
    for (const auto& [name, info] : expected.entries()) {
      if (name == "image") continue;
      ASSERT_TRUE(ours.contains(name)) << name;
      ASSERT_EQ(ours.tensor(name).sizes(), expected.tensor(name).sizes()) << name;
      // A few times what rounding to float32 alone costs; the stated tolerance is 1e-4.
      const double tolerance = std::min(1e-4, 4 * errors.get(name).as_double(2e-5));
      EXPECT_LE(worst(ours.tensor(name), expected.tensor(name)), tolerance) << name;
    }
  }
  EXPECT_GE(folders, 5);
}

TEST(AtlasGoldens, Gradients) {
  PILLAR_NEEDS_GOLDEN("atlas");
  const test::TempDir dir;
  int folders = 0;
  for (const auto& entry : fs::directory_iterator(test::golden("atlas"))) {
    if (!fs::exists(entry.path() / "grads.safetensors")) continue;
    ++folders;
    SCOPED_TRACE(entry.path().filename().string());
    run_parity("atlas-grads", entry.path(), dir / "out.safetensors");
    const SafetensorsFile expected(entry.path() / "grads.safetensors"), ours(dir / "out.safetensors");
    for (const auto& [name, info] : expected.entries()) {
      if (name == "readout_cotangent") continue;
      ASSERT_TRUE(ours.contains(name)) << name;
      const at::Tensor reference = expected.tensor(name);
      const double scale = at::abs(reference).max().item<double>();
      EXPECT_LE(worst(ours.tensor(name), reference), 1e-5 * scale + 1e-7) << name;
    }
  }
  EXPECT_GE(folders, 1);
}

}  // namespace
}  // namespace pillar

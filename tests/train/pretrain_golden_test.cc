// Every pretraining golden through pillar_parity, the program that outside comparisons use.
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

void compare(const fs::path& golden, const SafetensorsFile& ours) {
  const Config expected = Config::load(golden / "case.json");
  const auto steps = static_cast<std::size_t>(expected.get("steps").as_int());
  const std::vector<double> losses = expected.get("losses").as_doubles(steps);
  const std::vector<double> scales = expected.get("logit_scale").as_doubles(steps);
  for (std::size_t i = 0; i < steps; ++i) {
    const auto at = static_cast<std::int64_t>(i);
    EXPECT_NEAR(ours.tensor("losses")[at].item<double>(), losses[i], 1e-5 * losses[i]) << "step " << i;
    EXPECT_NEAR(ours.tensor("logit_scale")[at].item<double>(), scales[i], 1e-5) << "step " << i;
  }
  const SafetensorsFile io(golden / "io.safetensors");
  for (const auto& [name, info] : io.entries()) {
    if (name.starts_with("in.") || name.starts_with("init.")) continue;
    ASSERT_TRUE(ours.contains(name)) << name;
    const at::Tensor reference = io.tensor(name);
    const double scale = name.starts_with("grad.") ? at::abs(reference).max().item<double>() : 1;
    EXPECT_LE(worst(ours.tensor(name), reference), 1e-5 * scale) << name;
  }
}

TEST(PretrainGoldens, LossesGradientsAndFinalWeights) {
  PILLAR_NEEDS_GOLDEN("pretrain");
  const test::TempDir dir;
  int folders = 0;
  for (const auto& entry : fs::directory_iterator(test::golden("pretrain"))) {
    if (!entry.is_directory()) continue;
    ++folders;
    SCOPED_TRACE(entry.path().filename().string());
    const test::ProgramResult run = test::run_program(
        {PILLAR_PARITY, "pretrain", entry.path().string(), (dir / "out.safetensors").string()});
    ASSERT_EQ(run.exit_code, 0) << run.err;
    compare(entry.path(), SafetensorsFile(dir / "out.safetensors"));
  }
  EXPECT_GE(folders, 3);
}

}  // namespace
}  // namespace pillar

#include "pillar/model/encoder.h"

#include "pillar/core/file.h"
#include "pillar/model/atlas.h"
#include "pillar/windows/windowed_volume.h"

#include "support/atlas_configs.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

namespace pillar {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class EncoderTest : public ::testing::Test {
 protected:
  void SetUp() override { write_checkpoint(folder, format_atlas_config(config), weights); }
  Encoder load(const std::string& dtype = "fp32") const {
    EncoderOptions options;
    options.dtype = dtype;
    options.device = "cpu";
    return Encoder::load(folder, options);
  }

  test::TempDir dir;
  std::filesystem::path folder = dir / "a model";
  AtlasConfig config = test::small_config();
  WeightMap weights = random_weights(config, 21);
  std::vector<Window> windows = parse_windows("lung,bone", WindowFamily::ct);
  at::Tensor voxels =
      at::randint(-1000, 1500, {2, 1, 48, 48, 48}, at::detail::createCPUGenerator(8), at::kShort);
};

TEST_F(EncoderTest, EqualsTheTrainableModel) {
  const at::NoGradGuard no_gradients;
  const at::Tensor image = WindowedVolume(voxels, windows).all_bcdhw(at::kFloat);
  const at::Tensor expected = Atlas(config, "", weights, "random").forward(image, AtlasPass()).readout;
  const at::Tensor readout = load().readout(voxels, windows);
  EXPECT_EQ(readout.scalar_type(), at::kFloat);
  EXPECT_TRUE(at::allclose(readout, expected, 1e-5, 1e-5));
}

TEST_F(EncoderTest, SameBitsTwiceAndWithAnyThreads) {
  const Encoder encoder = load();
  const at::Tensor first = encoder.readout(voxels, windows);
  EXPECT_TRUE(at::equal(encoder.readout(voxels, windows), first));
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  EXPECT_TRUE(at::allclose(encoder.readout(voxels, windows), first, 1e-5, 1e-5));
  at::set_num_threads(threads);
}

TEST_F(EncoderTest, ArithmeticHasAName) {
  EXPECT_EQ(load("fp32").dtype_name(), "fp32");
  EXPECT_EQ(load("bf16").dtype_name(), "bf16");
  EXPECT_PILLAR_ERROR(load("tf32"), ErrorCategory::usage, HasSubstr("tf32 is arithmetic of GPUs"));
  EXPECT_PILLAR_ERROR(load("fp8"), ErrorCategory::usage, HasSubstr("one of auto, fp32, tf32, bf16"));
  EXPECT_EQ(load().estimated_device_bytes(2), load().estimated_bytes(2));
}

TEST_F(EncoderTest, SaysWhereTheTimeWent) {
  ReadoutTimes times;
  const Encoder encoder = load();
  encoder.readout(voxels, windows, &times);
  const double windows_s = times.windows_s, stem_s = times.stem_s;
  EXPECT_GT(windows_s, 0);
  EXPECT_GT(stem_s, 0);
  ASSERT_EQ(times.stages_s.size(), 3u);
  for (const double stage : times.stages_s) EXPECT_GT(stage, 0);
  encoder.readout(voxels, windows, &times);
  EXPECT_GT(times.stem_s, stem_s);
}

TEST_F(EncoderTest, Bfloat16PointsTheSameWay) {
  const at::Tensor full = l2_normalize_rows(load().readout(voxels, windows));
  const at::Tensor half = l2_normalize_rows(load("bf16").readout(voxels, windows));
  for (std::int64_t b = 0; b < 2; ++b) EXPECT_GT((full[b] * half[b]).sum().item<double>(), 0.9995);
}

TEST_F(EncoderTest, AConstantVolumeHasAnEmbedding) {
  const at::Tensor flat = at::full({1, 1, 48, 48, 48}, -1024, at::kShort);
  const std::vector<Window> with_minmax = parse_windows("lung,minmax", WindowFamily::ct);
  EXPECT_TRUE(at::abs(load().readout(flat, with_minmax)).max().item<double>() < 1e6);
}

TEST_F(EncoderTest, WrongVolumesAreRefused) {
  const Encoder encoder = load();
  EXPECT_PILLAR_ERROR(encoder.readout(voxels.narrow(2, 0, 47), windows), ErrorCategory::input,
                      AllOf(HasSubstr("(B, C, 48, 48, 48)"), HasSubstr("(2, 1, 47, 48, 48)")));
  EXPECT_PILLAR_ERROR(encoder.readout(voxels, parse_windows("all", WindowFamily::ct)), ErrorCategory::input,
                      AllOf(HasSubstr("takes 2 channels"), HasSubstr("11 windows")));
  const at::Tensor nan = at::full({1, 1, 48, 48, 48}, std::nan(""), at::kFloat);
  EXPECT_PILLAR_ERROR(encoder.readout(nan, windows), ErrorCategory::input, HasSubstr("nan"));
}

TEST_F(EncoderTest, WrongRequestsAreRefused) {
  EXPECT_PILLAR_ERROR(load("fp64"), ErrorCategory::usage, HasSubstr("'fp64'"));
  EncoderOptions options;
  options.modality = "abdomen_mr";
  EXPECT_PILLAR_ERROR(Encoder::load(folder, options), ErrorCategory::usage,
                      AllOf(HasSubstr("'abdomen_mr'"), HasSubstr("did you mean 'abdomen_ct'"),
                            HasSubstr("it has: abdomen_ct")));
  options = {};
  options.device = "tpu";
  EXPECT_PILLAR_ERROR(Encoder::load(folder, options), ErrorCategory::usage, HasSubstr("'tpu'"));
}

TEST_F(EncoderTest, AFolderWithoutAConfigIsRefused) {
  std::filesystem::remove(folder / "config.json");
  EXPECT_PILLAR_ERROR(load(), ErrorCategory::input, AllOf(HasSubstr("a model"), HasSubstr("config.json")));
}

TEST_F(EncoderTest, EveryFaultOfTheWeightsIsListedAtOnce) {
  WeightMap bad = weights;
  bad.erase("visual.atlas_models.0.blocks.0.blocks.0.norm2.weight");
  bad["visual.atlas_models.2.blocks.1.blocks.0.attn.q.bias"] = at::zeros({7});
  bad["visual.patch_embeds.abdomen_ct.extra"] = at::zeros({1});
  write_checkpoint(dir / "bad", format_atlas_config(config), bad);
  EXPECT_PILLAR_ERROR(
      Encoder::load(dir / "bad"), ErrorCategory::input,
      AllOf(HasSubstr("norm2.weight"), HasSubstr("attn.q.bias"), HasSubstr("abdomen_ct.extra")));
}

TEST_F(EncoderTest, TheEstimateGrowsWithTheBatch) {
  const Encoder encoder = load();
  EXPECT_GT(encoder.estimated_bytes(1), std::uint64_t{1} << 20);
  EXPECT_GT(encoder.estimated_bytes(64), encoder.estimated_bytes(1));
}

}  // namespace
}  // namespace pillar

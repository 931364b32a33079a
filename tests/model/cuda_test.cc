// What runs on a GPU against its twin on the CPU. Skipped, and says so, where there is none.
#include "pillar/core/config.h"
#include "pillar/model/encoder.h"
#include "pillar/model/weights.h"

#include "device/shared/cuda_module.h"
#include "model/atlas/token_maximum.h"
#include "nn/shared/attention.h"
#include "support/atlas_configs.h"
#include "support/temp_dir.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#define PILLAR_NEEDS_GPU() \
  if (!cuda_available()) GTEST_SKIP() << "no CUDA device can be used here"

namespace pillar {
namespace {

TEST(CudaTwins, AttentionAndItsGradients) {
  PILLAR_NEEDS_GPU();
  std::vector<std::vector<at::Tensor>> results;
  for (const at::Device device : {at::Device(at::kCPU), at::Device(at::kCUDA, 0)}) {
    std::uint64_t seed = 1;
    const auto random = [&](at::IntArrayRef shape) {
      return at::randn(shape, at::detail::createCPUGenerator(seed++), at::kFloat)
          .to(device)
          .requires_grad_(true);
    };
    const at::Tensor query = random({12, 10, 3, 16});
    const std::vector<KeyValuePart> parts = {{random({12, 10, 3, 16}), random({12, 10, 3, 16})},
                                             {random({3, 33, 3, 16}), random({3, 33, 3, 16})}};
    const at::Tensor out = merged_attention(query, parts, {device, at::kFloat, true});
    std::vector<at::Tensor> all = torch::autograd::grad(
        {out.pow(2).sum()}, {query, parts[0].key, parts[0].value, parts[1].key, parts[1].value});
    all.push_back(out.detach());
    for (at::Tensor& t : all) t = t.to(at::kCPU);
    results.push_back(all);
  }
  for (std::size_t i = 0; i < results[0].size(); ++i) {
    EXPECT_TRUE(at::allclose(results[0][i], results[1][i], 1e-3, 1e-3)) << i;
  }
}

at::Tensor volumes_of(const AtlasConfig& config, std::int64_t count) {
  const auto size = config.towers.front().image_size_hwd;
  return at::randint(-1000, 1500, {count, 1, size[2], size[0], size[1]}, at::detail::createCPUGenerator(8),
                     at::kShort);
}

// One model on the CPU in float32, then on a GPU by each arithmetic.
struct EncoderTwins {
  explicit EncoderTwins(const AtlasConfig& tower) : config(tower), voxels(volumes_of(config, 1)) {
    write_checkpoint(dir / "model", format_atlas_config(config), random_weights(config, 21));
  }
  at::Tensor readout(const std::string& device, const std::string& dtype) const {
    EncoderOptions options;
    options.device = device;
    options.dtype = dtype;
    return Encoder::load(dir / "model", options).readout(voxels, windows).to(at::kDouble);
  }

  test::TempDir dir;
  AtlasConfig config;
  std::vector<Window> windows =
      parse_windows(config.towers.front().in_chans == 2 ? "lung,bone" : "all", WindowFamily::ct);
  at::Tensor voxels;
};

double norm_of_error(const at::Tensor& found, const at::Tensor& expected) {
  return (at::linalg_vector_norm(found - expected) / at::linalg_vector_norm(expected)).item<double>();
}

double cosine(const at::Tensor& a, const at::Tensor& b) {
  return ((a * b).sum() / (at::linalg_vector_norm(a) * at::linalg_vector_norm(b))).item<double>();
}

TEST(CudaTwins, TheEncoder) {
  PILLAR_NEEDS_GPU();
  const EncoderTwins twins(test::small_config());
  const at::Tensor expected = twins.readout("cpu", "fp32"), exact = twins.readout("cuda:0", "fp32");
  EXPECT_LE(at::abs(exact - expected).max().item<double>(), 1e-3);
  EXPECT_LE(norm_of_error(exact, expected), 1e-5) << "fp32 rounds as if it were TF32";
  const double rounded = norm_of_error(twins.readout("cuda:0", "tf32"), expected);
  EXPECT_LE(rounded, 1e-2);
  EXPECT_GT(rounded, norm_of_error(exact, expected)) << "tf32 is fp32";
}

TEST(CudaTwins, AReleasedTowerAtItsFullSize) {
  PILLAR_NEEDS_GPU();
  const auto configs =
      std::filesystem::read_symlink("/proc/self/exe").parent_path() / "../share/pillar/configs";
  const EncoderTwins twins(load_atlas_config(configs / "atlas-small-abdomen-ct.json"));
  const at::Tensor expected = twins.readout("cpu", "fp32"), exact = twins.readout("cuda:0", "fp32");
  EXPECT_LE(at::abs(exact - expected).max().item<double>(), 1e-3);
  EXPECT_GT(cosine(twins.readout("cuda:0", "bf16"), exact), 0.99999);
  EXPECT_GT(cosine(twins.readout("cuda:0", "tf32"), exact), 0.99999);
}

TEST(CudaTwins, PlacesOfMaxima) {
  PILLAR_NEEDS_GPU();
  // Few whole numbers, so that there are many ties.
  const at::Tensor tokens = at::randint(-3, 4, {2, 5000, 7}, at::detail::createCPUGenerator(3), at::kFloat);
  const TokenMaximum expected = token_maximum(tokens), found = token_maximum(tokens.to(at::kCUDA));
  EXPECT_TRUE(at::equal(found.value_bc.cpu(), expected.value_bc));
  EXPECT_TRUE(at::equal(found.token_bc.cpu(), expected.token_bc));
}

}  // namespace
}  // namespace pillar

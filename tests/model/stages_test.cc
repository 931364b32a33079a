// Attention stages by our kernels and in pieces, against LibTorch's operators.
#include "model/atlas/stages.h"

#include "pillar/model/weights.h"

#include "model/atlas/patch_embed_table.h"
#include "support/atlas_configs.h"
#include "support/kernel_places.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

namespace pillar {
namespace {

struct StagesProblem {
  AtlasConfig config = test::small_config();
  Size3 tokens_dhw = embedded_tokens_dhw(PatchEmbedKind::volume_666, config.towers.front().size_dhw());
  at::Tensor grid_bdhwc;

  StagesProblem() {
    grid_bdhwc = at::randn({2, tokens_dhw[0], tokens_dhw[1], tokens_dhw[2], config.dim},
                           at::detail::createCPUGenerator(4), at::kFloat);
  }
  Stages stages(at::ScalarType compute, const at::Device& device) const {
    WeightMap weights = random_weights(config, 12);
    for (auto& [name, tensor] : weights) tensor = tensor.to(device);
    Stages made(Scope(weights, "visual"), config, config.towers.front(), tokens_dhw);
    made.freeze(compute);
    return made;
  }
  at::Tensor readout(const Execution& execution) const {
    const at::NoGradGuard no_gradients;
    AtlasPass pass;
    pass.execution = execution;
    return stages(execution.compute, execution.device)(
               grid_bdhwc.to(execution.device, at::kFloat, false, true), pass)
        .readout.cpu();
  }
};

double apart(const at::Tensor& a, const at::Tensor& b) {
  return at::linalg_vector_norm(a - b).item<double>() / at::linalg_vector_norm(b).item<double>();
}

TEST(Stages, PiecesChangeNothing) {
  const StagesProblem problem;
  Execution execution;
  execution.tokens_at_once = std::int64_t{1} << 40;
  const at::Tensor all = problem.readout(execution);
  for (const std::int64_t tokens : {0, 1, 64, 500}) {
    execution.tokens_at_once = tokens;
    EXPECT_LE(apart(problem.readout(execution), all), 1e-6) << tokens;
  }
}

TEST(Stages, KernelsGiveTheSame) {
  const test::PoisonedMemory poisoned;
  const StagesProblem problem;
  const at::Tensor expected = problem.readout({});
  for (const test::KernelPlace& place : test::kernel_places()) {
    Execution execution;
    execution.device = place.device, execution.kernels = place.kernels;
    EXPECT_LE(apart(problem.readout(execution), expected), 1e-6) << place.device;
    execution.compute = at::kBFloat16;
    EXPECT_LE(apart(problem.readout(execution), expected), 1e-2) << place.device;
    Execution plain = execution;
    plain.kernels = nullptr;
    EXPECT_LE(apart(problem.readout(execution), problem.readout(plain)), 5e-3) << place.device;
  }
}

}  // namespace
}  // namespace pillar

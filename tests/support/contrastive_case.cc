#include "support/contrastive_case.h"

#include "pillar/model/clip_model.h"
#include "pillar/train/contrastive.h"

#include "support/atlas_configs.h"

#include <array>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>

namespace pillar::test {
namespace {

constexpr std::int64_t kStudies = 12, kTextWidth = 24;
constexpr std::array<std::int64_t, kStudies> kReports = {0, 1, 0, 3, 4, 1, -1, 0, 8, 8, -1, 1};

}  // namespace

std::map<std::string, at::Tensor> contrastive_case(const World& world, std::int64_t micro_batches,
                                                   bool batch_statistics, const ContrastiveOptions& options) {
  const AtlasConfig config = small_config();
  const std::string modality = config.towers.front().modality;
  WeightMap weights = initial_clip_weights(config, TextProjectionKind::linear, kTextWidth, 3);
  if (options.kind == ContrastiveKind::siglip) weights.emplace("logit_bias", at::tensor(-3.0F).squeeze());
  ClipModel model(config, {modality}, weights, at::kCPU);
  const at::Tensor images = at::rand({kStudies, 2, 48, 48, 48}, at::detail::createCPUGenerator(1));
  const at::Tensor texts = at::randn({kStudies, kTextWidth}, at::detail::createCPUGenerator(2));
  const std::int64_t own = kStudies / world.size(), micro = own / micro_batches, first = world.rank() * own;
  GradientReducer reducer(world, model.parameters_of(0));
  ContrastivePart part;
  part.micro_batches = micro_batches;
  part.width = model.readout_width();
  part.image_embeddings = [&](std::int64_t i, bool with_gradients) {
    AtlasPass pass;
    pass.execution.gradients = with_gradients;
    pass.train = batch_statistics;
    pass.update_statistics = with_gradients;
    if (batch_statistics)
      pass.sum_over_processes = [&](const at::Tensor& sums) { return world.all_reduce_sum_autograd(sums); };
    return model.image_embeddings(modality, images.narrow(0, first + i * micro, micro), pass);
  };
  part.text_embeddings = [&] { return model.text_embeddings(texts.narrow(0, first, own), at::kFloat); };
  part.reports.assign(kReports.begin() + first, kReports.begin() + first + own);
  part.before_last_backward = [&] { reducer.expect_backward(); };
  const ContrastiveStep step =
      add_contrastive_gradients({part}, model.logit_scale(), world, 1, options, model.logit_bias());
  reducer.require_reduced();
  std::map<std::string, at::Tensor> results = {{"loss", at::stack(step.losses).to(at::kDouble)}};
  for (const auto& [name, parameter] : model.parameters().of_kind(ParameterKind::trainable))
    results.emplace(name, parameter.grad());
  for (const auto& [name, statistic] : model.parameters().of_kind(ParameterKind::buffer)) {
    if (statistic.is_floating_point()) results.emplace(name, statistic);
  }
  return results;
}

}  // namespace pillar::test

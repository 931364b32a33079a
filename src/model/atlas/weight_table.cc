// Which tensors a tower has, under their public names.
#include "pillar/core/fail.h"
#include "pillar/model/weights.h"

#include "model/atlas/patch_embed_table.h"
#include "model/atlas/scale_layout.h"

#include <cmath>

#include <fmt/format.h>

namespace pillar {
namespace {

constexpr std::int64_t kKernel = 3, kPositionWidth = 512;

using Shape = std::vector<std::int64_t>;

class Table {
 public:
  void add(const std::string& name, Shape shape, WeightInit init,
           ParameterKind kind = ParameterKind::trainable) {
    specs_.push_back({name, std::move(shape), init, used_, kind});
  }
  void convolution(const std::string& name, std::int64_t in, std::int64_t out) {
    add(fmt::format("{}.weight", name), {out, in, kKernel, kKernel, kKernel}, WeightInit::convolution);
  }
  void linear(const std::string& name, std::int64_t in, std::int64_t out, bool bias) {
    add(fmt::format("{}.weight", name), {out, in}, WeightInit::linear);
    if (bias) add(fmt::format("{}.bias", name), {out}, WeightInit::zeros);
  }
  void layer_norm(const std::string& name, std::int64_t width) {
    add(fmt::format("{}.weight", name), {width}, WeightInit::ones);
    add(fmt::format("{}.bias", name), {width}, WeightInit::zeros);
  }
  void batch_norm(const std::string& name, std::int64_t width) {
    layer_norm(name, width);
    add(fmt::format("{}.running_mean", name), {width}, WeightInit::zeros, ParameterKind::buffer);
    add(fmt::format("{}.running_var", name), {width}, WeightInit::ones, ParameterKind::buffer);
    add(fmt::format("{}.num_batches_tracked", name), {}, WeightInit::step_count, ParameterKind::buffer);
  }
  void used(bool value) { used_ = value; }  // of what is added from now on
  std::vector<WeightSpec> take() { return std::move(specs_); }

 private:
  std::vector<WeightSpec> specs_;
  bool used_ = true;
};

void add_patch_embed(Table& table, const AtlasConfig& config, const TowerConfig& tower, PatchEmbedKind kind) {
  const std::string prefix = fmt::format("visual.patch_embeds.{}", tower.modality);
  const PatchEmbedTable& steps = patch_embed_table(kind);
  const std::int64_t width = tower.num_features;
  std::int64_t in = tower.in_chans;
  for (std::size_t i = 0; i < steps.conv_down.size(); ++i) {  // a triple: convolution, BatchNorm, ReLU
    const std::int64_t out = i == 0 ? kFirstStemWidth : width;
    table.convolution(fmt::format("{}.conv_down.{}", prefix, 3 * i), in, out);
    table.batch_norm(fmt::format("{}.conv_down.{}", prefix, 3 * i + 1), out);
    in = out;
  }
  for (std::int64_t i = 0; i < kStemResidualBlocks; ++i) {
    for (const int half : {1, 2}) {
      const std::string conv = fmt::format("{}.conv1.{}.conv{}", prefix, i, half);
      table.convolution(conv, width, width);
      table.add(fmt::format("{}.bias", conv), {width}, WeightInit::zeros);
      table.batch_norm(fmt::format("{}.conv1.{}.norm{}", prefix, i, half), width);
    }
  }
  table.layer_norm(fmt::format("{}.ds1.norm", prefix), width);
  table.convolution(fmt::format("{}.ds1.reduction.0", prefix), width, config.dim);
  if (steps.views > 1) {
    table.add(fmt::format("{}.pos_embed", prefix), {1, steps.views, config.dim}, WeightInit::linear);
  }
}

void add_scale(Table& table, const AtlasConfig& config, const std::string& block, std::size_t scale) {
  const std::string prefix = fmt::format("{}.blocks.{}", block, scale);
  const std::int64_t dim = config.dim;
  const auto hidden = static_cast<std::int64_t>(static_cast<double>(dim) * config.mlp_ratio);
  table.layer_norm(fmt::format("{}.norm1_q", prefix), dim);
  table.layer_norm(fmt::format("{}.norm1_kv", prefix), dim);
  table.linear(fmt::format("{}.attn.q", prefix), dim, dim, config.qkv_bias);
  table.linear(fmt::format("{}.attn.kv", prefix), dim, 2 * dim, config.qkv_bias);
  table.linear(fmt::format("{}.attn.proj", prefix), dim, dim, true);
  table.layer_norm(fmt::format("{}.norm2", prefix), dim);
  table.linear(fmt::format("{}.mlp.fc1", prefix), dim, hidden, true);
  table.linear(fmt::format("{}.mlp.fc2", prefix), hidden, dim, true);
  const std::string position = fmt::format("{}.posemb.{}.cpb_mlp", block, scale);
  table.add(fmt::format("{}.0.weight", position), {kPositionWidth, 3}, WeightInit::uniform_fan_in);
  table.add(fmt::format("{}.0.bias", position), {kPositionWidth}, WeightInit::uniform_fan_in);
  table.add(fmt::format("{}.2.weight", position), {dim, kPositionWidth}, WeightInit::uniform_fan_in);
}

}  // namespace

std::vector<WeightSpec> expected_weights(const AtlasConfig& config, const TowerConfig& tower,
                                         PatchEmbedKind kind) {
  Table table;
  add_patch_embed(table, config, tower, kind);
  const std::size_t scales = scale_layout(tower, embedded_tokens_dhw(kind, tower.size_dhw())).size();
  // Every stage holds every scale, also those that it no longer computes.
  for (std::size_t stage = 0; stage < config.stages.size(); ++stage) {
    for (std::int64_t i = 0; i < config.stages[stage]; ++i) {
      const std::string block = fmt::format("visual.atlas_models.{}.blocks.{}", stage, i);
      for (std::size_t scale = 0; scale < scales; ++scale) {
        table.used(scale + stage < scales);
        add_scale(table, config, block, scale);
      }
    }
  }
  return table.take();
}

}  // namespace pillar

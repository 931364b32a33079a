#include "pillar/train/layer_decay.h"

#include "pillar/core/fail.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>

namespace pillar {
namespace {

std::int64_t last_layer(const std::vector<std::int64_t>& stages) {
  return std::accumulate(stages.begin(), stages.end(), std::int64_t{0}) + 1;
}

// Takes "<number>." off the front of `text`; -1 where it does not stand there.
std::int64_t take_index(std::string_view& text) {
  std::int64_t index = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  const auto digits = static_cast<std::size_t>(end - text.data());
  if (error != std::errc() || digits == text.size() || text[digits] != '.') return -1;
  text.remove_prefix(digits + 1);
  return index;
}

struct BlockPlace {
  std::int64_t stage, block;
};

// Of names with "atlas_models.S.blocks.I."; what stands elsewhere in a stage (its last norm) is in no block.
std::optional<BlockPlace> block_place(std::string_view name) {
  constexpr std::string_view kStage = "atlas_models.", kBlock = "blocks.";
  const std::size_t at = name.find(kStage);
  if (at == std::string_view::npos) return std::nullopt;
  name.remove_prefix(at + kStage.size());
  const std::int64_t stage = take_index(name);
  if (stage < 0 || !name.starts_with(kBlock)) return std::nullopt;
  name.remove_prefix(kBlock.size());
  const std::int64_t block = take_index(name);
  if (block < 0) return std::nullopt;
  return BlockPlace{stage, block};
}

bool is_input_layer(std::string_view name) {
  return std::ranges::any_of(
      std::initializer_list<std::string_view>{"patch_embed", "pos_embed", "cls_token", "logit_scale"},
      [&](std::string_view part) { return name.find(part) != std::string_view::npos; });
}

}  // namespace

std::int64_t layer_id(std::string_view name, const std::vector<std::int64_t>& stages) {
  if (is_input_layer(name)) return 0;
  const std::optional<BlockPlace> place = block_place(name);
  if (!place) return last_layer(stages);
  if (place->stage >= std::ssize(stages) || place->block >= stages[place->stage])
    fail(ErrorCategory::usage, "{}: the stages have no such block", name);
  return std::accumulate(stages.begin(), stages.begin() + place->stage, std::int64_t{0}) + place->block;
}

ParameterOptions layer_options(std::string_view name, std::int64_t axes, const LayerDecayOptions& options) {
  const auto below = static_cast<double>(last_layer(options.stages) - layer_id(name, options.stages));
  const bool decays = axes > 1 || (axes == 0 && options.public_scalar_decay);
  return {std::pow(options.decay, below), decays ? options.weight_decay : 0};
}

std::map<std::string, ParameterOptions> layer_decay(const Parameters& parameters,
                                                    const LayerDecayOptions& options) {
  if (!(options.decay > 0 && options.decay <= 1))
    fail(ErrorCategory::usage, "layer decay {} is not in (0, 1]", options.decay);
  std::map<std::string, ParameterOptions> by_name;
  for (const Parameter& parameter : parameters) {
    if (parameter.kind != ParameterKind::trainable) continue;
    by_name.emplace(parameter.name, layer_options(parameter.name, parameter.tensor.dim(), options));
  }
  return by_name;
}

std::vector<LayerGroup> layer_groups(const std::vector<std::pair<std::string, ParameterOptions>>& options) {
  std::vector<LayerGroup> groups;
  for (const auto& [name, own] : options) {
    auto group = std::ranges::find_if(groups, [&own = own](const LayerGroup& each) {
      return each.options.lr_factor == own.lr_factor && each.options.weight_decay == own.weight_decay;
    });
    if (group == groups.end()) group = groups.insert(group, {own, {}});
    group->names.push_back(name);
  }
  return groups;
}

}  // namespace pillar

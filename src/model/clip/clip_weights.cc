// How a model that is to be pretrained starts.
#include "pillar/core/fail.h"
#include "pillar/model/clip_model.h"

#include <fmt/format.h>

namespace pillar {
namespace {

// "visual.patch_embeds.abdomen_ct", "visual.atlas_models.0", "text.proj".
std::string part_of(const std::string& name) {
  std::size_t end = 0;
  const int dots = name.starts_with("visual.") ? 3 : 2;
  for (int i = 0; i < dots && end != std::string::npos; ++i) end = name.find('.', end + (i > 0 ? 1 : 0));
  return name.substr(0, end);
}

std::string shortened(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 8;
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < kShown; ++i) text += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > kShown) text += fmt::format(" and {} more", names.size() - kShown);
  return text;
}

}  // namespace

WeightMap initial_clip_weights(const AtlasConfig& config, TextProjectionKind kind, std::int64_t text_width,
                               std::uint64_t seed) {
  WeightMap weights = random_weights(config, seed);
  const std::int64_t width = config.readout_width();
  std::vector<WeightSpec> projection;
  if (kind == TextProjectionKind::linear) {
    projection = {{"text.proj.weight", {width, text_width}, WeightInit::uniform_fan_in}};
  } else {
    projection = {{"text.proj.fc1.weight", {width, text_width}, WeightInit::uniform_fan_in},
                  {"text.proj.fc1.bias", {width}, WeightInit::zeros},
                  {"text.proj.fc2.weight", {width, width}, WeightInit::uniform_fan_in}};
  }
  for (const WeightSpec& spec : projection) weights.emplace(spec.name, random_weight(spec, seed));
  return weights;
}

void check_logit_scale(const at::Tensor& logit_scale, const std::string& source) {
  constexpr double kMost = 10;
  if (logit_scale.numel() != 1) fail(ErrorCategory::input, "{}: logit_scale is not one number", source);
  const auto value = logit_scale.item<double>();
  if (value >= -kMost && value <= kMost) return;
  fail(ErrorCategory::input,
       "{}: a logit_scale of {}, outside of {} to {}: cosines are multiplied by its exponential, which "
       "training "
       "keeps from 1 to 100 (0 to 4.6)",
       source, value, -kMost, kMost);
}

InitReport take_fitting_weights(WeightMap& weights, const std::filesystem::path& checkpoint) {
  const WeightMap offered = load_weights(checkpoint);
  InitReport report;
  for (auto& [name, tensor] : weights) {
    const auto found = offered.find(name);
    if (found == offered.end()) {
      report.not_there.push_back(name);
    } else if (found->second.sizes() != tensor.sizes() ||
               found->second.scalar_type() != tensor.scalar_type()) {
      report.other_shape.push_back(name);
    } else {
      tensor = found->second.clone();
      report.taken.push_back(name);
    }
  }
  for (const auto& [name, tensor] : offered) {
    if (weights.count(name) == 0) report.unused.push_back(name);
  }
  if (report.taken.empty()) {
    fail(ErrorCategory::input,
         "{}: nothing in it fits this model: none of its {} tensors has a name and shape of ours", checkpoint,
         offered.size());
  }
  return report;
}

std::string InitReport::table() const {
  struct Counts {
    std::size_t taken = 0, all = 0;
  };
  std::map<std::string, Counts> parts;
  for (const std::string& name : taken) ++parts[part_of(name)].taken;
  for (const auto* names : {&taken, &other_shape, &not_there}) {
    for (const std::string& name : *names) ++parts[part_of(name)].all;
  }
  std::string text = fmt::format("{:<44} {:>8} {:>8}\n", "part", "taken", "tensors");
  for (const auto& [part, counts] : parts)
    text += fmt::format("{:<44} {:>8} {:>8}\n", part, counts.taken, counts.all);
  if (!other_shape.empty()) text += fmt::format("of another shape: {}\n", shortened(other_shape));
  if (!not_there.empty()) text += fmt::format("not in the checkpoint: {}\n", shortened(not_there));
  if (!unused.empty()) text += fmt::format("in the checkpoint, not in the model: {}\n", shortened(unused));
  return text;
}

}  // namespace pillar

#include "pillar/core/fail.h"
#include "pillar/model/weights.h"

#include "core/shared/joined.h"
#include "nn/shared/name_list.h"

#include <set>

namespace pillar {
namespace {

// "visual.patch_embeds.abdomen_ct." and "visual.atlas_models.", and both of the heads' where one of them is
// expected: what must hold nothing else.
std::set<std::string> own_prefixes(const std::vector<WeightSpec>& expected) {
  const std::string_view embeds = "visual.patch_embeds.", stages = "visual.atlas_models.";
  std::set<std::string> prefixes;
  for (const WeightSpec& spec : expected) {
    if (spec.name.starts_with(embeds))
      prefixes.insert(spec.name.substr(0, spec.name.find('.', embeds.size()) + 1));
    if (spec.name.starts_with(stages)) prefixes.emplace(stages);
    if (spec.name.starts_with("pool.") || spec.name.starts_with("head_models."))
      prefixes.insert({"pool.", "head_models."});
  }
  return prefixes;
}

std::string fault_of(const at::Tensor& tensor, const WeightSpec& spec) {
  const at::ScalarType dtype = spec.init == WeightInit::step_count ? at::kLong : at::kFloat;
  if (tensor.sizes() != at::IntArrayRef(spec.shape)) {
    return fmt::format("{} {} expected {}", spec.name, shape_text(tensor.sizes().vec()),
                       shape_text(spec.shape));
  }
  if (tensor.scalar_type() == dtype) return {};
  return fmt::format("{} {} expected {}", spec.name, at::toString(tensor.scalar_type()), at::toString(dtype));
}

void add_group(std::vector<std::string>& groups, const char* title, const std::vector<std::string>& names) {
  if (!names.empty()) groups.push_back(fmt::format("{} {}: {}", names.size(), title, name_list(names)));
}

}  // namespace

void check_weights(const WeightMap& weights, const std::vector<WeightSpec>& expected,
                   const std::string& source) {
  std::vector<std::string> missing, surplus, misshapen;
  std::set<std::string_view> known;
  for (const WeightSpec& spec : expected) {
    known.insert(spec.name);
    const auto found = weights.find(spec.name);
    if (found == weights.end()) {
      missing.push_back(spec.name);
    } else if (std::string fault = fault_of(found->second, spec); !fault.empty()) {
      misshapen.push_back(std::move(fault));
    }
  }
  for (const std::string& prefix : own_prefixes(expected)) {
    for (auto it = weights.lower_bound(prefix); it != weights.end() && it->first.starts_with(prefix); ++it) {
      if (known.count(it->first) == 0) surplus.push_back(printable(it->first));
    }
  }
  std::vector<std::string> groups;
  add_group(groups, "missing", missing);
  add_group(groups, "surplus", surplus);
  add_group(groups, "of the wrong shape", misshapen);
  if (!groups.empty()) {
    fail(ErrorCategory::input, "{}: not the weights of this configuration: {}", source, joined(groups, "; "));
  }
}

}  // namespace pillar

#include "model/atlas/weights_load.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/model/weights.h"

#include "core/shared/tensor_bytes.h"
#include "nn/shared/name_list.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include <ATen/ops/isfinite.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

constexpr const char* kTextProjection = "text.proj.weight";

[[noreturn]] void refuse(const std::filesystem::path& model, const char* fault,
                         const std::vector<std::string>& names) {
  fail(ErrorCategory::input, "{}: {}: {}", model, fault, name_list(names));
}

constexpr std::string_view kCounter = ".num_batches_tracked";

// How many batches BatchNorm has seen, int64 whatever it was stored as: only a BatchNorm without momentum
// would use it. A number that its type could not hold is 0.
at::Tensor as_counter(const at::Tensor& stored) {
  at::Tensor counter = at::zeros(stored.sizes(), at::kLong);
  if (stored.is_floating_point() && !at::isfinite(stored).all().item<bool>()) return counter;
  return counter.copy_(stored);
}

// Float32, contiguous; itself where it is that already. What no weight is stored as stays as it is: it is no
// weight, and where one is expected, its type is said to be wrong.
at::Tensor as_weight(const at::Tensor& stored) {
  switch (stored.scalar_type()) {
    case at::kHalf:
    case at::kBFloat16:
    case at::kDouble:
      return stored.contiguous().to(at::kFloat);
    default:
      return stored.contiguous();
  }
}

bool all_finite(const at::Tensor& tensor) {
  if (tensor.scalar_type() != at::kFloat) return true;
  constexpr std::uint32_t kExponent = 0x7F800000;
  const auto* values = tensor.const_data_ptr<float>();
  std::uint32_t bad = 0;
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    bad |= static_cast<std::uint32_t>((std::bit_cast<std::uint32_t>(values[i]) & kExponent) == kExponent);
  }
  return bad == 0;
}

bool same_bits(const at::Tensor& a, const at::Tensor& b) {
  if (a.scalar_type() != b.scalar_type() || a.sizes() != b.sizes()) return false;
  const ByteView x = tensor_bytes(a), y = tensor_bytes(b);
  return x.data() == y.data() || std::equal(x.begin(), x.end(), y.begin());
}

// Width of the readout, as far as the weights tell: stages x dim; 0 without a vision tower.
std::int64_t readout_width(const WeightMap& weights) {
  constexpr std::string_view kStages = "visual.atlas_models.";
  const auto norm = weights.find(fmt::format("{}0.blocks.0.blocks.0.norm1_q.weight", kStages));
  if (norm == weights.end() || norm->second.dim() != 1) return 0;
  std::int64_t stages = 0;
  while (weights.count(fmt::format("{}{}.blocks.0.blocks.0.norm1_q.weight", kStages, stages)) != 0) ++stages;
  return stages * norm->second.size(0);
}

// Weights of inference engines leave them out.
void add_counters(WeightMap& weights) {
  constexpr std::string_view kMean = ".running_mean";
  std::vector<std::string> counters;
  for (const auto& [name, tensor] : weights) {
    if (name.ends_with(kMean))
      counters.push_back(name.substr(0, name.size() - kMean.size()) + std::string(kCounter));
  }
  for (const std::string& name : counters) weights.emplace(name, at::zeros({}, at::kLong));
}

// The projection goes by several names. Heads of a finetuned model have matrices of that height, too.
void name_text_projection(WeightMap& weights) {
  const std::int64_t width = readout_width(weights);
  if (width == 0 || weights.count(kTextProjection) != 0) return;
  std::vector<std::string> found, named;
  for (const auto& [name, tensor] : weights) {
    if (tensor.dim() != 2 || tensor.size(0) != width) continue;
    if (name.starts_with("visual.") || name.starts_with("pool.") || name.starts_with("head_models.") ||
        name.starts_with("text.proj."))  // the latter: our two-layer projection
      continue;
    found.push_back(name);
    if (name.find("text") != std::string::npos) named.push_back(name);
  }
  const std::vector<std::string>& chosen = named.empty() ? found : named;
  if (chosen.size() != 1) return;
  auto node = weights.extract(chosen.front());
  node.key() = kTextProjection;
  weights.insert(std::move(node));
}

}  // namespace

WeightMap load_weights(const std::filesystem::path& model) {
  MappedFiles files;
  return load_weights(model, files);
}

WeightMap load_weights(const std::filesystem::path& model, MappedFiles& files) {
  WeightMap weights;
  std::vector<std::string> differing, not_finite;
  for (const auto& [name, stored] : read_weight_files(model, files)) {
    const at::Tensor tensor = name.ends_with(kCounter) ? as_counter(stored) : as_weight(stored);
    if (!all_finite(tensor)) not_finite.push_back(printable(name));
    const auto [place, is_new] = weights.emplace(canonical_name(name), tensor);
    if (!is_new && !same_bits(place->second, tensor)) differing.push_back(printable(name));
  }
  if (!not_finite.empty()) refuse(model, "weights that are NaN or infinite", not_finite);
  if (!differing.empty()) refuse(model, "there twice under different prefixes, and not equal", differing);
  name_text_projection(weights);
  add_counters(weights);
  // The checks have read everything; what a model does not use need not stay in memory.
  for (const auto& file : files) file->release_pages();
  return weights;
}

}  // namespace pillar

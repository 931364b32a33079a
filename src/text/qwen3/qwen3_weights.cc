#include "text/qwen3/qwen3_weights.h"

#include "pillar/core/fail.h"

#include "core/shared/joined.h"
#include "nn/shared/name_list.h"

#include <atomic>
#include <bit>
#include <set>

#include <ATen/Parallel.h>

namespace pillar {
namespace {

class TensorList {
 public:
  void add(const std::string& name, std::vector<std::int64_t> shape) {
    tensors_.push_back({name, std::move(shape)});
  }
  void linear(const std::string& name, std::int64_t in, std::int64_t out, bool bias) {
    add(name + ".weight", {out, in});
    if (bias) add(name + ".bias", {out});
  }
  std::vector<Qwen3Tensor> take() { return std::move(tensors_); }

 private:
  std::vector<Qwen3Tensor> tensors_;
};

void add_layer(TensorList& list, const Qwen3Config& config, const std::string& layer) {
  const std::string attention = layer + ".self_attn", mlp = layer + ".mlp";
  const std::int64_t queries = config.heads * config.head_width, keys = config.key_heads * config.head_width;
  list.add(layer + ".input_layernorm.weight", {config.width});
  list.linear(attention + ".q_proj", config.width, queries, config.attention_bias);
  list.linear(attention + ".k_proj", config.width, keys, config.attention_bias);
  list.linear(attention + ".v_proj", config.width, keys, config.attention_bias);
  list.linear(attention + ".o_proj", queries, config.width, config.attention_bias);
  list.add(attention + ".q_norm.weight", {config.head_width});
  list.add(attention + ".k_norm.weight", {config.head_width});
  list.add(layer + ".post_attention_layernorm.weight", {config.width});
  list.linear(mlp + ".gate_proj", config.width, config.inner_width, false);
  list.linear(mlp + ".up_proj", config.width, config.inner_width, false);
  list.linear(mlp + ".down_proj", config.inner_width, config.width, false);
}

bool is_float_weight(at::ScalarType type) {
  return type == at::kFloat || type == at::kBFloat16 || type == at::kHalf;
}

// A number is NaN or infinite where all bits of its exponent are set.
template <typename Bits>
bool has_full_exponent(const at::Tensor& tensor, Bits exponent) {
  constexpr std::int64_t kGrain = 1 << 16;
  const auto* words = static_cast<const Bits*>(tensor.const_data_ptr());
  std::atomic<bool> found = false;
  at::parallel_for(0, tensor.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    unsigned bad = 0;
    for (std::int64_t i = begin; i < end; ++i)
      bad |= static_cast<unsigned>((words[i] & exponent) == exponent);
    if (bad != 0) found = true;
  });
  return found;
}

bool is_finite(const at::Tensor& tensor) {
  if (tensor.scalar_type() == at::kFloat) return !has_full_exponent<std::uint32_t>(tensor, 0x7F800000);
  const bool brain = tensor.scalar_type() == at::kBFloat16;
  return !has_full_exponent<std::uint16_t>(tensor, brain ? 0x7F80 : 0x7C00);
}

// The faults of a whole model, told together.
class WeightFaults {
 public:
  void check(const Qwen3Tensor& wanted, const at::Tensor& stored) {
    if (!stored.defined()) {
      missing_.push_back(wanted.name);
    } else if (!is_float_weight(stored.scalar_type())) {
      mistyped_.push_back(fmt::format("{} {}", wanted.name, at::toString(stored.scalar_type())));
    } else if (stored.sizes() != at::IntArrayRef(wanted.shape)) {
      misshapen_.push_back(fmt::format("{} {} expected {}", wanted.name, shape_text(stored.sizes().vec()),
                                       shape_text(wanted.shape)));
    } else if (!is_finite(stored)) {
      not_finite_.push_back(wanted.name);
    }
  }
  void surplus(const std::string& name) { surplus_.push_back(printable(name)); }

  void refuse(const std::filesystem::path& model) const {
    std::vector<std::string> groups;
    const auto add = [&](const char* title, const std::vector<std::string>& names) {
      if (!names.empty()) groups.push_back(fmt::format("{} {}: {}", names.size(), title, name_list(names)));
    };
    add("missing", missing_);
    add("surplus", surplus_);
    add("of the wrong shape", misshapen_);
    add("of a type that no weight has", mistyped_);
    add("with NaN or infinite numbers", not_finite_);
    if (!groups.empty())
      fail(ErrorCategory::input, "{}: not the weights that config.json says: {}", model,
           joined(groups, "; "));
  }

 private:
  std::vector<std::string> missing_, surplus_, misshapen_, mistyped_, not_finite_;
};

void give_pages_back(const MappedFiles& files) {
  for (const auto& file : files) file->release_pages();
}

}  // namespace

std::vector<Qwen3Tensor> qwen3_tensors(const Qwen3Config& config) {
  TensorList list;
  list.add("embed_tokens.weight", {config.vocabulary, config.width});
  for (std::int64_t layer = 0; layer < config.layers; ++layer)
    add_layer(list, config, fmt::format("layers.{}", layer));
  list.add("norm.weight", {config.width});
  return list.take();
}

WeightMap load_qwen3_weights(const std::filesystem::path& model, const Qwen3Config& config,
                             MappedFiles& files) {
  WeightMap stored;
  for (const auto& [name, tensor] : read_weight_files(model, files)) {
    if (!stored.emplace(canonical_name(name), tensor).second)
      fail(ErrorCategory::input, "{}: holds {} twice, under different prefixes", model,
           printable(canonical_name(name)));
  }
  WeightFaults faults;
  WeightMap weights;
  for (const Qwen3Tensor& wanted : qwen3_tensors(config)) {
    const auto found = stored.find(wanted.name);
    const at::Tensor tensor = found == stored.end() ? at::Tensor() : found->second.contiguous();
    faults.check(wanted, tensor);
    if (tensor.defined()) weights.emplace(wanted.name, tensor);
    give_pages_back(files);
  }
  for (auto it = stored.lower_bound("layers."); it != stored.end() && it->first.starts_with("layers.");
       ++it) {
    if (weights.count(it->first) == 0) faults.surplus(it->first);
  }
  faults.refuse(model);
  return weights;
}

}  // namespace pillar

// What a network is made of: every tensor that its layers read, and what it is for.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

enum class ParameterKind {
  trainable,  // an optimiser moves it, by its gradient
  buffer      // the network itself keeps it up to date: BatchNorm's running statistics and counters
};

struct Parameter {
  std::string name;   // as checkpoints have it
  at::Tensor tensor;  // the one that the layer uses, not a copy
  ParameterKind kind = ParameterKind::trainable;
  // The part of the network that it belongs to ("patch_embed", "stage0", "text"); an optimiser may treat
  // groups differently.
  std::string group = {};
};

// A list in the order of names, whatever the order in which layers read them: checkpoints, buckets of
// gradients and states of optimisers depend on it.
class Parameters {
 public:
  Parameters() = default;
  Parameters(std::initializer_list<Parameter> parameters);

  // What is listed already stays: networks may share layers. Throws Error(usage) where one name stands for
  // two tensors.
  void add(const Parameter& parameter);
  void add(const Parameters& others);

  const Parameter* find(std::string_view name) const;  // null where there is none
  NamedTensors of_kind(ParameterKind kind) const;
  std::size_t size() const noexcept { return parameters_.size(); }
  auto begin() const noexcept { return parameters_.begin(); }
  auto end() const noexcept { return parameters_.end(); }

 private:
  std::vector<Parameter> parameters_;
};

}  // namespace pillar

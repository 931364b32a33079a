// Where a layer finds its weights: a weight map and the front part of the names.
#pragma once

#include "pillar/nn/weight_files.h"

#include "pillar/core/fail.h"

#include <string>
#include <string_view>

namespace pillar {

class Scope {
 public:
  explicit Scope(const WeightMap& weights, std::string prefix = {})
      : weights_(weights), prefix_(std::move(prefix)) {}
  Scope operator/(std::string_view part) const {
    return Scope(weights_, prefix_.empty() ? std::string(part) : fmt::format("{}.{}", prefix_, part));
  }
  Scope operator/(std::size_t index) const { return *this / std::to_string(index); }
  // Throws Error(input) where it is missing: a model is checked as a whole before its layers read it.
  at::Tensor tensor(std::string_view name) const {
    const at::Tensor found = optional(name);
    if (!found.defined()) fail(ErrorCategory::input, "the weights have no tensor {}.{}", prefix_, name);
    return found;
  }
  // Undefined where it is missing.
  at::Tensor optional(std::string_view name) const {
    const auto it = weights_.find(fmt::format("{}.{}", prefix_, name));
    return it == weights_.end() ? at::Tensor() : it->second;
  }

 private:
  const WeightMap& weights_;
  std::string prefix_;
};

}  // namespace pillar

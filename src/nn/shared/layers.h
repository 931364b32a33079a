// The small layers, each reading its own weights by name.
#pragma once

#include "pillar/nn/execution.h"

#include "nn/shared/scope.h"

#include <functional>
#include <optional>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>

namespace pillar {

// What a pass through the network is for.
struct PassOptions {
  Execution execution = {};
  bool train = false;      // dropout, drop-path, batch statistics
  std::uint64_t seed = 0;  // of every random draw when training
  bool update_statistics = true;
  std::function<at::Tensor(const at::Tensor&)> sum_over_processes = nullptr;
};

struct Linear {
  Linear() = default;
  explicit Linear(const Scope& scope);
  // x: (..., in) any float type; returns (..., out) in `compute`.
  at::Tensor operator()(const at::Tensor& x, at::ScalarType compute) const;
  at::Tensor weight, bias;
  // Frozen models keep the products' weights in the compute type, once.
  void freeze(at::ScalarType compute);
};

struct LayerNorm {
  LayerNorm() = default;
  LayerNorm(const Scope& scope, double epsilon);
  at::Tensor operator()(const at::Tensor& x) const;
  // The same in execution.compute, what the products after it take. x: float32 or of that type.
  at::Tensor operator()(const at::Tensor& x, const Execution& execution) const;
  // Of x + delta, where the sum is wanted, too. x: float32; delta: float32 or of execution.compute.
  struct OfSum {
    at::Tensor sum;     // float32
    at::Tensor normed;  // execution.compute
  };
  OfSum of_sum(const at::Tensor& x, const at::Tensor& delta, const Execution& execution) const;
  void freeze();  // as Linear's; copies, so that nothing holds on to a mapped file for their sake
  at::Tensor weight, bias;
  double epsilon = 1e-5;
};

// Zeroes with probability `rate` and scales what stays: every element on its own for dropout, whole rows of
// the first axis (windows) for drop-path.
// Without a generator (no training) they give their input back; seeded_generator() makes one.
at::Tensor dropout(const at::Tensor& x, double rate, const std::optional<at::Generator>& draws);
at::Tensor drop_path(const at::Tensor& rows, double rate, const std::optional<at::Generator>& draws);

}  // namespace pillar

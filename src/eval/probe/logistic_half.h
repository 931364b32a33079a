// Internal: the pass of logistic_pass.h with its products in bfloat16 pairs, summed in float32: what trains a
// probe twice as fast where the processor has instructions for them (AVX-512 BF16).
#pragma once

#include "eval/probe/logistic_half_kernel.h"
#include "eval/probe/logistic_pass.h"

#include <span>
#include <vector>

namespace pillar {

bool half_products_available();

// Embeddings less their columns' means, weights and derivatives by the logits are rounded to bfloat16 (to
// nearest, ties to even); the means and what they add to logits and gradients, bias, sigmoid and sums are
// not: columns far from zero lose nothing. The sums are added up in an order that depends on the number of
// rows alone: the same bits on any number of threads.
class HalfLogisticPass {
 public:
  // Keeps `data` by reference, and a copy of its embeddings in bfloat16. Throws Error(unsupported) where
  // half_products_available() says no.
  explicit HalfLogisticPass(const LogisticData& data);

  // weight_qd (Q,D) and bias_q (Q) float32, contiguous. The sums over `rows` (one at least, in any order),
  // without loss and curvature. The result lives until the next call.
  const LogisticSums& run(const at::Tensor& weight_qd, const at::Tensor& bias_q,
                          std::span<const std::int64_t> rows);

 private:
  // Gradients are in tiles, as the kernel writes them.
  struct Part {
    at::Tensor x, derivative, panel, gradient;
    std::vector<double> bias_gradient;
  };
  void set_embeddings();
  void set_weights(const at::Tensor& weight_qd, const at::Tensor& bias_q);
  void run_part(Part& part, std::span<const std::int64_t> rows) const;
  void add_up(std::int64_t parts);
  void add_tiles(std::int64_t parts, std::int64_t group);

  const LogisticData& data_;
  const HalfKernel* kernel_;
  HalfJob job_;
  at::Tensor x_nd_, mean_d_, weights_, bias_q_, positive_weight_q_;
  std::vector<Part> parts_;
  LogisticSums sums_;
};

}  // namespace pillar

// Internal: the one pass over the data that every probe is fitted by: logits, weighted cross entropy and its
// gradient for all questions at once, a block of rows at a time, so that no matrix of N x Q floats exists.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

struct LogisticData {
  at::Tensor x_nd;                        // (N,D) float32, contiguous
  at::Tensor answers_nq;                  // (N,Q) int8, contiguous: 1, 0, -1 left out
  std::vector<double> positive_weight_q;  // what a yes counts
};

// Sums over the rows, not means.
struct LogisticSums {
  at::Tensor gradient_qd;                               // of the dtype of the weights
  std::vector<double> gradient_q, curvature_q, loss_q;  // of the bias; second derivative by it; cross entropy
};

struct LogisticPassOptions {
  bool loss = true;  // otherwise loss_q and curvature_q stay empty: half of the transcendentals
};

// Buffers are kept from call to call. The sums are added up in an order that depends on the number of rows
// alone: the same bits on any number of threads.
class LogisticPass {
 public:
  explicit LogisticPass(const LogisticData& data) : data_(data) {}

  // weight_qd and bias_q float32 or float64, which is then what is computed in. `rows`: those to sum over, in
  // any order; empty: all. The result lives until the next call.
  const LogisticSums& run(const at::Tensor& weight_qd, const at::Tensor& bias_q,
                          std::span<const std::int64_t> rows, const LogisticPassOptions& options = {});

 private:
  const LogisticData& data_;
  std::vector<LogisticSums> parts_;
};

}  // namespace pillar

#include "eval/probe/logistic_pass.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>

namespace pillar {
namespace {

constexpr std::int64_t kBlockRows = 512;
constexpr std::int64_t kMostParts = 16;

struct Weights {
  at::Tensor weight_qd, bias_q;
  at::ScalarType type() const { return weight_qd.scalar_type(); }
};

// What the thread of one part works in.
struct Scratch {
  at::Tensor rows_md, logits_mq, small_mq, log_mq;
};

struct BlockRows {
  std::int64_t begin = 0, count = 0;  // of `rows` if there are any, else of the data
  std::span<const std::int64_t> rows;
  std::int64_t row(std::int64_t m) const {
    return rows.empty() ? begin + m : rows[static_cast<std::size_t>(begin + m)];
  }
};

at::Tensor gathered(const at::Tensor& from_nd, const BlockRows& block, Scratch& scratch) {
  if (block.rows.empty()) return from_nd.narrow(0, block.begin, block.count);
  const std::size_t row_bytes = static_cast<std::size_t>(from_nd.size(1)) * from_nd.element_size();
  const auto* from = static_cast<const std::uint8_t*>(from_nd.const_data_ptr());
  at::Tensor to = scratch.rows_md.narrow(0, 0, block.count);
  auto* out = static_cast<std::uint8_t*>(to.mutable_data_ptr());
  for (std::int64_t m = 0; m < block.count; ++m, out += row_bytes)
    std::memcpy(out, from + static_cast<std::size_t>(block.row(m)) * row_bytes, row_bytes);
  return to;
}

template <typename Scalar>
struct RowSums {
  std::vector<Scalar> gradient, curvature, loss;
  explicit RowSums(std::int64_t questions)
      : gradient(static_cast<std::size_t>(questions)), curvature(gradient), loss(gradient) {}
  void flush(LogisticSums& to, bool with_loss) {
    for (std::size_t q = 0; q < gradient.size(); ++q) {
      to.gradient_q[q] += static_cast<double>(gradient[q]);
      if (with_loss) to.curvature_q[q] += static_cast<double>(curvature[q]);
      if (with_loss) to.loss_q[q] += static_cast<double>(loss[q]);
    }
  }
};

template <typename Scalar>
Scalar answer_weight(std::int8_t answer, Scalar yes) {
  return answer > 0 ? yes : (answer == 0 ? Scalar{1} : Scalar{0});
}

// Probabilities, in place of which the derivatives of the loss by the logits are written.
template <typename Scalar>
void derive_from_probabilities(const LogisticData& data, const BlockRows& block,
                               const std::vector<Scalar>& yes_weight, Scalar* values, RowSums<Scalar>& sums) {
  const auto questions = static_cast<std::int64_t>(yes_weight.size());
  const auto* answers = data.answers_nq.const_data_ptr<std::int8_t>();
  Scalar* gradient = sums.gradient.data();
  for (std::int64_t m = 0; m < block.count; ++m, values += questions) {
    const std::int8_t* y = answers + block.row(m) * questions;
    for (std::int64_t q = 0; q < questions; ++q) {
      const Scalar weight = answer_weight(y[q], yes_weight[static_cast<std::size_t>(q)]);
      values[q] = weight * values[q] - (y[q] > 0 ? weight : Scalar{0});
      gradient[q] += values[q];
    }
  }
}

// The same from logits, with loss and curvature. With e = exp(-|z|): sigmoid(z) is 1/(1+e) or e/(1+e), and
// softplus(z) is max(z,0) + log1p(e).
template <typename Scalar>
void derive_from_logits(const LogisticData& data, const BlockRows& block,
                        const std::vector<Scalar>& yes_weight, Scalar* logits, const Scalar* small,
                        const Scalar* log, RowSums<Scalar>& sums) {
  const auto questions = static_cast<std::int64_t>(yes_weight.size());
  const auto* answers = data.answers_nq.const_data_ptr<std::int8_t>();
  Scalar* gradient = sums.gradient.data();
  Scalar* curvature = sums.curvature.data();
  Scalar* loss = sums.loss.data();
  for (std::int64_t m = 0; m < block.count; ++m) {
    const std::int8_t* y = answers + block.row(m) * questions;
    Scalar* z = logits + m * questions;
    const Scalar* e = small + m * questions;
    for (std::int64_t q = 0; q < questions; ++q) {
      const Scalar weight = answer_weight(y[q], yes_weight[static_cast<std::size_t>(q)]);
      const Scalar inverse = Scalar{1} / (Scalar{1} + e[q]);
      const Scalar probability = z[q] >= 0 ? inverse : e[q] * inverse;
      const Scalar wrong = y[q] > 0 ? -z[q] : z[q];
      loss[q] += weight * ((wrong > 0 ? wrong : Scalar{0}) + log[m * questions + q]);
      curvature[q] += weight * e[q] * inverse * inverse;
      z[q] = weight * probability - (y[q] > 0 ? weight : Scalar{0});
      gradient[q] += z[q];
    }
  }
}

template <typename Scalar>
void derive(const LogisticData& data, const BlockRows& block, const std::vector<Scalar>& yes_weight,
            Scratch& scratch, LogisticSums& sums, bool with_loss) {
  at::Tensor logits = scratch.logits_mq.narrow(0, 0, block.count);
  RowSums<Scalar> rows(logits.size(1));
  if (with_loss) {
    const at::Tensor small = scratch.small_mq.narrow(0, 0, block.count).copy_(logits).abs_().neg_().exp_();
    const at::Tensor log = scratch.log_mq.narrow(0, 0, block.count).copy_(small).log1p_();
    derive_from_logits<Scalar>(data, block, yes_weight, logits.mutable_data_ptr<Scalar>(),
                               small.const_data_ptr<Scalar>(), log.const_data_ptr<Scalar>(), rows);
  } else {
    derive_from_probabilities<Scalar>(data, block, yes_weight, logits.sigmoid_().mutable_data_ptr<Scalar>(),
                                      rows);
  }
  rows.flush(sums, with_loss);
}

template <typename Scalar>
void add_block(const LogisticData& data, const BlockRows& block, const Weights& weights,
               const std::vector<Scalar>& yes_weight, Scratch& scratch, LogisticSums& sums, bool with_loss) {
  at::Tensor logits = scratch.logits_mq.narrow(0, 0, block.count);
  const at::Tensor x_md = gathered(data.x_nd, block, scratch).to(weights.type());
  at::addmm_out(logits, weights.bias_q, x_md, weights.weight_qd.t());
  derive<Scalar>(data, block, yes_weight, scratch, sums, with_loss);
  sums.gradient_qd.addmm_(logits.t(), x_md);
}

template <typename Scalar>
void run_part(const LogisticData& data, BlockRows part, const Weights& weights, LogisticSums& sums,
              bool with_loss) {
  const std::int64_t questions = weights.bias_q.numel(), rows = std::min(kBlockRows, part.count);
  const auto options = weights.weight_qd.options();
  Scratch scratch;
  if (!part.rows.empty()) scratch.rows_md = at::empty({rows, data.x_nd.size(1)}, data.x_nd.options());
  scratch.logits_mq = at::empty({rows, questions}, options);
  if (with_loss) scratch.small_mq = at::empty({rows, questions}, options);
  if (with_loss) scratch.log_mq = at::empty({rows, questions}, options);
  const std::vector<Scalar> yes_weight(data.positive_weight_q.begin(), data.positive_weight_q.end());
  const std::int64_t end = part.begin + part.count;
  for (std::int64_t begin = part.begin; begin < end; begin += kBlockRows) {
    const BlockRows block{begin, std::min(kBlockRows, end - begin), part.rows};
    add_block<Scalar>(data, block, weights, yes_weight, scratch, sums, with_loss);
  }
}

void clear(LogisticSums& sums, const at::Tensor& weight_qd, bool with_loss) {
  if (!sums.gradient_qd.defined() || sums.gradient_qd.sizes() != weight_qd.sizes() ||
      sums.gradient_qd.scalar_type() != weight_qd.scalar_type())
    sums.gradient_qd = at::empty(weight_qd.sizes(), weight_qd.options());
  sums.gradient_qd.zero_();
  const auto questions = static_cast<std::size_t>(weight_qd.size(0));
  sums.gradient_q.assign(questions, 0);
  sums.curvature_q.assign(with_loss ? questions : 0, 0);
  sums.loss_q.assign(with_loss ? questions : 0, 0);
}

void add_to(LogisticSums& to, const LogisticSums& from) {
  const auto add = [](std::vector<double>& a, const std::vector<double>& b) {
    for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  };
  to.gradient_qd.add_(from.gradient_qd);
  add(to.gradient_q, from.gradient_q);
  add(to.curvature_q, from.curvature_q);
  add(to.loss_q, from.loss_q);
}

}  // namespace

const LogisticSums& LogisticPass::run(const at::Tensor& weight_qd, const at::Tensor& bias_q,
                                      std::span<const std::int64_t> rows,
                                      const LogisticPassOptions& options) {
  const at::NoGradGuard no_gradients;
  const std::int64_t count = rows.empty() ? data_.x_nd.size(0) : static_cast<std::int64_t>(rows.size());
  const std::int64_t parts = std::clamp<std::int64_t>(count / kBlockRows, 1, kMostParts);
  if (static_cast<std::int64_t>(parts_.size()) < parts) parts_.resize(static_cast<std::size_t>(parts));
  const Weights weights{weight_qd, bias_q};
  at::parallel_for(0, parts, 1, [&](std::int64_t first, std::int64_t last) {
    const at::NoGradGuard no_gradients_here;
    for (std::int64_t p = first; p < last; ++p) {
      LogisticSums& sums = parts_[static_cast<std::size_t>(p)];
      clear(sums, weight_qd, options.loss);
      const std::int64_t begin = count * p / parts, end = count * (p + 1) / parts;
      const BlockRows part{begin, end - begin, rows};
      if (weights.type() == at::kFloat)
        run_part<float>(data_, part, weights, sums, options.loss);
      else
        run_part<double>(data_, part, weights, sums, options.loss);
    }
  });
  for (std::int64_t p = 1; p < parts; ++p) add_to(parts_[0], parts_[static_cast<std::size_t>(p)]);
  return parts_[0];
}

}  // namespace pillar

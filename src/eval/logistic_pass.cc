#include "eval/logistic_pass.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

constexpr std::int64_t kBlockRows = 256;
constexpr std::int64_t kMostParts = 16;

// What the threads of one block work in; made once a part and call.
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

at::Tensor block_of(const LogisticData& data, const BlockRows& block, at::ScalarType type, Scratch& scratch) {
  if (block.rows.empty()) {
    const at::Tensor view = data.x_nd.narrow(0, block.begin, block.count);
    return type == at::kFloat ? view : view.to(type);
  }
  const std::int64_t width = data.x_nd.size(1);
  const auto* from = data.x_nd.const_data_ptr<float>();
  at::Tensor to = scratch.rows_md.narrow(0, 0, block.count);
  auto* out = to.mutable_data_ptr<float>();
  for (std::int64_t m = 0; m < block.count; ++m)
    std::memcpy(out + m * width, from + block.row(m) * width, static_cast<std::size_t>(width) * 4);
  return type == at::kFloat ? to : to.to(type);
}

// With e = exp(-|z|): sigmoid(z) is 1/(1+e) or e/(1+e), and softplus(z) is max(z,0) + log1p(e).
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

// Logits become the derivative of the loss by them.
template <typename Scalar>
void derive_rows(const LogisticData& data, const BlockRows& block, const std::vector<Scalar>& yes_weight,
                 Scalar* logits, const Scalar* small, const Scalar* log, RowSums<Scalar>& sums) {
  const auto questions = static_cast<std::int64_t>(yes_weight.size());
  const auto* answers = data.answers_nq.const_data_ptr<std::int8_t>();
  Scalar* gradient = sums.gradient.data();
  Scalar* curvature = sums.curvature.data();
  Scalar* loss = sums.loss.data();
  const Scalar* yes = yes_weight.data();
  for (std::int64_t m = 0; m < block.count; ++m) {
    const std::int8_t* y = answers + block.row(m) * questions;
    Scalar* z = logits + m * questions;
    const Scalar* e = small + m * questions;
    for (std::int64_t q = 0; q < questions; ++q) {
      const Scalar weight = y[q] > 0 ? yes[q] : (y[q] == 0 ? Scalar{1} : Scalar{0});
      const Scalar inverse = Scalar{1} / (Scalar{1} + e[q]);
      const Scalar probability = z[q] >= 0 ? inverse : e[q] * inverse;
      if (log != nullptr) {
        const Scalar wrong = y[q] > 0 ? -z[q] : z[q];
        loss[q] += weight * ((wrong > 0 ? wrong : Scalar{0}) + log[m * questions + q]);
        curvature[q] += weight * e[q] * inverse * inverse;
      }
      z[q] = weight * probability - (y[q] > 0 ? weight : Scalar{0});
      gradient[q] += z[q];
    }
  }
}

template <typename Scalar>
void add_block(const LogisticData& data, const BlockRows& block, const at::Tensor& weight_qd,
               const at::Tensor& bias_q, const std::vector<Scalar>& yes_weight, Scratch& scratch,
               LogisticSums& sums, bool with_loss) {
  const at::Tensor x_md = block_of(data, block, weight_qd.scalar_type(), scratch);
  at::Tensor logits = scratch.logits_mq.narrow(0, 0, block.count);
  at::Tensor small = scratch.small_mq.narrow(0, 0, block.count);
  at::addmm_out(logits, bias_q, x_md, weight_qd.t());
  small.copy_(logits).abs_().neg_().exp_();
  const Scalar* log = nullptr;
  if (with_loss) {
    at::Tensor log_mq = scratch.log_mq.narrow(0, 0, block.count);
    log = log_mq.copy_(small).log1p_().template const_data_ptr<Scalar>();
  }
  RowSums<Scalar> rows(bias_q.numel());
  derive_rows<Scalar>(data, block, yes_weight, logits.mutable_data_ptr<Scalar>(),
                      small.const_data_ptr<Scalar>(), log, rows);
  rows.flush(sums, with_loss);
  sums.gradient_qd.addmm_(logits.t(), x_md);
}

template <typename Scalar>
void run_part(const LogisticData& data, BlockRows part, const at::Tensor& weight_qd, const at::Tensor& bias_q,
              LogisticSums& sums, bool with_loss) {
  const std::int64_t questions = bias_q.numel();
  const auto options = weight_qd.options();
  Scratch scratch;
  if (!part.rows.empty()) scratch.rows_md = at::empty({kBlockRows, data.x_nd.size(1)}, at::kFloat);
  scratch.logits_mq = at::empty({kBlockRows, questions}, options);
  scratch.small_mq = at::empty({kBlockRows, questions}, options);
  if (with_loss) scratch.log_mq = at::empty({kBlockRows, questions}, options);
  const std::vector<Scalar> yes_weight(data.positive_weight_q.begin(), data.positive_weight_q.end());
  const std::int64_t end = part.begin + part.count;
  for (std::int64_t begin = part.begin; begin < end; begin += kBlockRows) {
    const BlockRows block{begin, std::min(kBlockRows, end - begin), part.rows};
    add_block<Scalar>(data, block, weight_qd, bias_q, yes_weight, scratch, sums, with_loss);
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
  at::parallel_for(0, parts, 1, [&](std::int64_t first, std::int64_t last) {
    const at::NoGradGuard no_gradients_here;
    for (std::int64_t p = first; p < last; ++p) {
      LogisticSums& sums = parts_[static_cast<std::size_t>(p)];
      clear(sums, weight_qd, options.loss);
      const std::int64_t begin = count * p / parts, end = count * (p + 1) / parts;
      if (weight_qd.scalar_type() == at::kFloat)
        run_part<float>(data_, {begin, end - begin, rows}, weight_qd, bias_q, sums, options.loss);
      else
        run_part<double>(data_, {begin, end - begin, rows}, weight_qd, bias_q, sums, options.loss);
    }
  });
  for (std::int64_t p = 1; p < parts; ++p) add_to(parts_[0], parts_[static_cast<std::size_t>(p)]);
  return parts_[0];
}

}  // namespace pillar

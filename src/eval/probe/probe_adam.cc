#include "pillar/core/fail.h"
#include "pillar/data/epoch_order.h"
#include "pillar/eval/probe.h"

#include "core/shared/joined.h"
#include "eval/probe/logistic_half.h"
#include "eval/probe/logistic_pass.h"
#include "eval/probe/probe_data.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include <ATen/Parallel.h>
#include <ATen/ops/zeros_like.h>

namespace pillar {
namespace {

constexpr float kBeta2 = 0.999F, kOneLessBeta1 = 0.1F, kOneLessBeta2 = 0.001F, kEps = 1e-8F;

struct Moments {
  at::Tensor first, second;
  explicit Moments(const at::Tensor& like) : first(at::zeros_like(like)), second(at::zeros_like(like)) {}
};

struct Step {
  float scale;  // of the sums, to a mean
  float weight_decay, step_size, root_correction;
};

// One value; the order of operations is LibTorch's Adam.
inline void update(float& value, float& first, float& second, float gradient, const Step& step) {
  gradient = gradient * step.scale + step.weight_decay * value;
  first += (gradient - first) * kOneLessBeta1;
  second = second * kBeta2 + kOneLessBeta2 * gradient * gradient;
  value -= step.step_size * first / (std::sqrt(second) / step.root_correction + kEps);
}

void update_all(LinearProbe& probe, Moments& weight, Moments& bias, const LogisticSums& sums,
                const Step& step) {
  auto* w = probe.weight_qd.mutable_data_ptr<float>();
  auto* first = weight.first.mutable_data_ptr<float>();
  auto* second = weight.second.mutable_data_ptr<float>();
  const auto* gradient = sums.gradient_qd.const_data_ptr<float>();
  at::parallel_for(0, probe.weight_qd.numel(), 1 << 14, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) update(w[i], first[i], second[i], gradient[i], step);
  });
  auto* b = probe.bias_q.mutable_data_ptr<float>();
  auto* bias_first = bias.first.mutable_data_ptr<float>();
  auto* bias_second = bias.second.mutable_data_ptr<float>();
  for (std::int64_t q = 0; q < probe.bias_q.numel(); ++q)
    update(b[q], bias_first[q], bias_second[q],
           static_cast<float>(sums.gradient_q[static_cast<std::size_t>(q)]), step);
}

void check(const LogisticData& data, const LinearProbe& start, const AdamProbeOptions& options) {
  if (options.epochs < 0 || options.batch_size < 1 || !(options.lr > 0) || !(options.weight_decay >= 0) ||
      !std::isfinite(options.lr) || !std::isfinite(options.weight_decay))
    fail(ErrorCategory::usage,
         "a probe needs epochs >= 0, a batch size >= 1, a learning rate above 0, weight decay >= 0");
  const std::int64_t questions = data.answers_nq.size(1), width = data.x_nd.size(1);
  if (start.weight_qd.dim() != 2 || start.weight_qd.size(0) != questions ||
      start.weight_qd.size(1) != width || start.bias_q.numel() != questions)
    fail(ErrorCategory::input, "the probe to start from has weights [{}], not ({}, {})",
         joined(start.weight_qd.sizes().begin(), start.weight_qd.sizes().end(), ","), questions, width);
}

// How many answers each row has.
std::vector<std::int32_t> known_answers(const LogisticData& data) {
  const std::int64_t questions = data.answers_nq.size(1);
  const auto* answers = data.answers_nq.const_data_ptr<std::int8_t>();
  std::vector<std::int32_t> known(static_cast<std::size_t>(data.answers_nq.size(0)));
  for (std::int32_t& count : known) {
    count = static_cast<std::int32_t>(
        std::count_if(answers, answers + questions, [](std::int8_t answer) { return answer >= 0; }));
    answers += questions;
  }
  return known;
}

// One of the two passes.
class BatchPass {
 public:
  BatchPass(const LogisticData& data, ProbePrecision precision) : count_(data.x_nd.size(0)) {
    if (precision == ProbePrecision::bf16)
      half_.emplace(data);
    else
      full_.emplace(data);
  }
  const LogisticSums& run(const LinearProbe& probe, std::span<const std::int64_t> rows) {
    if (half_) return half_->run(probe.weight_qd, probe.bias_q, rows);
    // One batch holds all rows in any order: then none needs to be gathered.
    const bool all = static_cast<std::int64_t>(rows.size()) == count_;
    return full_->run(probe.weight_qd, probe.bias_q, all ? std::span<const std::int64_t>() : rows, {false});
  }

 private:
  std::int64_t count_;
  std::optional<LogisticPass> full_;
  std::optional<HalfLogisticPass> half_;
};

}  // namespace

const char* to_string(ProbePrecision precision) noexcept {
  switch (precision) {
    case ProbePrecision::fp32:
      return "fp32";
    case ProbePrecision::bf16:
      return "bf16";
    default:
      return "auto";
  }
}

ProbePrecision precision_used(const AdamProbeOptions& options, std::int64_t studies) {
  if (options.precision == ProbePrecision::automatic)
    return half_products_available() && studies > options.batch_size ? ProbePrecision::bf16
                                                                     : ProbePrecision::fp32;
  if (options.precision == ProbePrecision::bf16 && !half_products_available())
    fail(ErrorCategory::unsupported,
         "a probe in bf16 needs a processor with AVX-512 BF16; fp32 works on all of them");
  return options.precision;
}

LinearProbe fit_probe_adam(const ProbeData& train, const LinearProbe& start, const AdamProbeOptions& options,
                           const ProbeProgress& progress) {
  const LogisticData data = logistic_data(train);
  check(data, start, options);
  LinearProbe probe{start.weight_qd.to(at::kFloat).contiguous().clone(), start.bias_q.to(at::kFloat).clone()};
  Moments weight(probe.weight_qd), bias(probe.bias_q);
  const std::int64_t count = data.x_nd.size(0);
  const std::vector<std::int32_t> known_n = known_answers(data);
  BatchPass pass(data, precision_used(options, count));
  std::int64_t step_number = 0;
  for (std::int64_t epoch = 0; epoch < options.epochs; ++epoch) {
    const std::vector<std::int64_t> order = epoch_permutation(count, options.seed, epoch);
    for (std::int64_t begin = 0; begin < count; begin += options.batch_size) {
      const std::int64_t size = std::min(options.batch_size, count - begin);
      const std::span<const std::int64_t> rows(order.data() + begin, static_cast<std::size_t>(size));
      const std::int64_t known =
          std::transform_reduce(rows.begin(), rows.end(), std::int64_t{0}, std::plus<>(),
                                [&](std::int64_t row) { return known_n[static_cast<std::size_t>(row)]; });
      if (known == 0) continue;
      const LogisticSums& sums = pass.run(probe, rows);
      ++step_number;
      const double correction1 = 1 - std::pow(0.9, static_cast<double>(step_number));
      const double correction2 = 1 - std::pow(0.999, static_cast<double>(step_number));
      update_all(
          probe, weight, bias, sums,
          {static_cast<float>(1.0 / static_cast<double>(known)), static_cast<float>(options.weight_decay),
           static_cast<float>(options.lr / correction1), static_cast<float>(std::sqrt(correction2))});
    }
    if (!std::isfinite(probe.bias_q.sum().item<float>() + probe.weight_qd.sum().item<float>()))
      fail(ErrorCategory::input, "the probe's weights are no longer finite after epoch {} (learning rate {})",
           epoch + 1, options.lr);
    if (progress) progress(epoch + 1);
  }
  return probe;
}

}  // namespace pillar

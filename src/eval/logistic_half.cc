#include "eval/logistic_half.h"

#include "core/fail.h"

#include <algorithm>
#include <bit>

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <c10/util/BFloat16.h>

namespace pillar {
namespace {

constexpr std::int64_t kLeastPartRows = 512;
constexpr std::int64_t kMostParts = 8;
constexpr std::int64_t kTile = kHalfRows * kHalfColumns;

std::int64_t whole(std::int64_t count, std::int64_t unit) {
  return (count + unit - 1) / unit;
}

const HalfKernel* available_kernel() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl"))
    return half_kernel_avx512();
#endif
  return nullptr;
}

std::uint16_t* half(const at::Tensor& tensor) {
  return reinterpret_cast<std::uint16_t*>(tensor.mutable_data_ptr<c10::BFloat16>());
}

HalfJob shape_of(const LogisticData& data) {
  constexpr std::int64_t kLine = 32;  // elements of a cache line
  HalfJob job;
  job.questions = data.answers_nq.size(1);
  job.width = data.x_nd.size(1);
  job.padded_questions = whole(job.questions, kHalfLanes) * kHalfLanes;
  job.pairs = whole(job.width, 2);
  // An odd number of cache lines: rows of a tile then fall into different cache sets.
  job.block_row_stride = (whole(whole(job.width, kHalfColumns) * kHalfColumns, kLine) | 1) * kLine;
  job.answers = data.answers_nq.const_data_ptr<std::int8_t>();
  return job;
}

// A power of two, which shares evenly among threads; each has gradients of its own to add up in the end.
std::int64_t parts_of(std::int64_t rows) {
  const auto most =
      static_cast<std::uint64_t>(std::clamp<std::int64_t>(rows / kLeastPartRows, 1, kMostParts));
  return static_cast<std::int64_t>(std::bit_floor(most));
}

}  // namespace

bool half_products_available() {
  return available_kernel() != nullptr;
}

HalfLogisticPass::HalfLogisticPass(const LogisticData& data)
    : data_(data), kernel_(available_kernel()), job_(shape_of(data)) {
  if (!kernel_)
    fail(ErrorCategory::unsupported, "products in bfloat16 need a processor with AVX-512 BF16: use fp32");
  const at::NoGradGuard no_gradients;
  const auto half_options = at::dtype(at::kBFloat16);
  x_nd_ = at::zeros({data.x_nd.size(0), 2 * job_.pairs}, half_options);
  x_nd_.narrow(1, 0, job_.width).copy_(data.x_nd);
  weights_ = at::zeros({job_.pairs, job_.padded_questions, 2}, half_options);
  bias_q_ = at::zeros({job_.padded_questions}, at::kFloat);
  positive_weight_q_ = at::zeros({job_.padded_questions}, at::kFloat);
  std::transform(data.positive_weight_q.begin(), data.positive_weight_q.end(),
                 positive_weight_q_.mutable_data_ptr<float>(),
                 [](double w) { return static_cast<float>(w); });
  job_.x = half(x_nd_);
  job_.weights = half(weights_);
  job_.bias = bias_q_.const_data_ptr<float>();
  job_.positive_weight = positive_weight_q_.const_data_ptr<float>();
  sums_.gradient_qd = at::empty({job_.questions, job_.width}, at::kFloat);
  sums_.gradient_q.resize(static_cast<std::size_t>(job_.questions));
}

void HalfLogisticPass::set_weights(const at::Tensor& weight_qd, const at::Tensor& bias_q) {
  bias_q_.narrow(0, 0, job_.questions).copy_(bias_q);
  const auto* from = weight_qd.const_data_ptr<float>();
  at::parallel_for(0, whole(job_.questions, kHalfColumns), 1, [&](std::int64_t first, std::int64_t last) {
    kernel_->pack_weights(job_, from, first * kHalfColumns, std::min(last * kHalfColumns, job_.questions),
                          half(weights_));
  });
}

void HalfLogisticPass::run_part(Part& part, std::span<const std::int64_t> rows) const {
  const std::int64_t panels = whole(job_.width, kHalfColumns), groups = whole(job_.questions, kHalfRows);
  if (!part.x.defined()) {
    const auto half_options = at::dtype(at::kBFloat16);
    part.x = at::zeros({kHalfBlockRows, job_.block_row_stride}, half_options);
    part.derivative = at::empty({job_.padded_questions, kHalfBlockRows}, half_options);
    part.panel = at::empty({kHalfBlockRows, kHalfColumns}, half_options);
    part.gradient = at::empty({panels, groups, kTile}, at::kFloat);
    part.bias_gradient.resize(static_cast<std::size_t>(job_.padded_questions));
  }
  const auto count = static_cast<std::int64_t>(rows.size());
  // Blocks of equal size, of whole tiles.
  const std::int64_t blocks = whole(count, kHalfBlockRows);
  const std::int64_t block_rows = whole(whole(count, blocks), kHalfRows) * kHalfRows;
  for (std::int64_t begin = 0; begin < count; begin += block_rows) {
    HalfBlock block;
    block.rows = rows.data() + begin;
    block.count = std::min(block_rows, count - begin);
    block.first = begin == 0;
    block.x = half(part.x);
    block.derivative = half(part.derivative);
    block.panel = half(part.panel);
    block.gradient = part.gradient.mutable_data_ptr<float>();
    block.bias_gradient = part.bias_gradient.data();
    kernel_->run(job_, block);
  }
}

void HalfLogisticPass::add_up(std::int64_t parts) {
  std::vector<const float*> gradients;
  for (std::int64_t p = 0; p < parts; ++p)
    gradients.push_back(parts_[static_cast<std::size_t>(p)].gradient.const_data_ptr<float>());
  const std::int64_t panels = whole(job_.width, kHalfColumns), groups = whole(job_.questions, kHalfRows);
  auto* to = sums_.gradient_qd.mutable_data_ptr<float>();
  at::parallel_for(0, groups, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t tile = first * panels; tile < last * panels; ++tile) {
      const std::int64_t group = tile / panels, panel = tile % panels;
      float sum[kTile];
      std::copy_n(gradients[0] + (panel * groups + group) * kTile, kTile, sum);
      for (std::int64_t p = 1; p < parts; ++p) {
        const float* part = gradients[static_cast<std::size_t>(p)] + (panel * groups + group) * kTile;
        for (std::int64_t i = 0; i < kTile; ++i) sum[i] += part[i];
      }
      const std::int64_t rows = std::min(kHalfRows, job_.questions - group * kHalfRows);
      const std::int64_t columns = std::min(kHalfColumns, job_.width - panel * kHalfColumns);
      for (std::int64_t r = 0; r < rows; ++r)
        std::copy_n(sum + r * kHalfColumns, columns,
                    to + (group * kHalfRows + r) * job_.width + panel * kHalfColumns);
    }
  });
  for (std::size_t q = 0; q < sums_.gradient_q.size(); ++q) {
    sums_.gradient_q[q] = 0;
    for (std::int64_t p = 0; p < parts; ++p)
      sums_.gradient_q[q] += parts_[static_cast<std::size_t>(p)].bias_gradient[q];
  }
}

const LogisticSums& HalfLogisticPass::run(const at::Tensor& weight_qd, const at::Tensor& bias_q,
                                          std::span<const std::int64_t> rows) {
  const at::NoGradGuard no_gradients;
  set_weights(weight_qd, bias_q);
  const auto count = static_cast<std::int64_t>(rows.size());
  const std::int64_t parts = parts_of(count);
  if (static_cast<std::int64_t>(parts_.size()) < parts) parts_.resize(static_cast<std::size_t>(parts));
  at::parallel_for(0, parts, 1, [&](std::int64_t first, std::int64_t last) {
    const at::NoGradGuard no_gradients_here;
    for (std::int64_t p = first; p < last; ++p) {
      const std::int64_t begin = count * p / parts, end = count * (p + 1) / parts;
      run_part(parts_[static_cast<std::size_t>(p)],
               rows.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)));
    }
  });
  add_up(parts);
  return sums_;
}

}  // namespace pillar

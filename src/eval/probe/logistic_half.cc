#include "eval/probe/logistic_half.h"

#include "pillar/core/fail.h"

#include <algorithm>
#include <atomic>
#include <bit>

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <c10/util/BFloat16.h>

namespace pillar {
namespace {

constexpr std::int64_t kLeastPartRows = 512;
constexpr std::int64_t kMostHalfParts = 8;
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
      static_cast<std::uint64_t>(std::clamp<std::int64_t>(rows / kLeastPartRows, 1, kMostHalfParts));
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
  set_embeddings();
  weights_ = at::zeros({job_.pairs, job_.padded_questions, 2}, half_options);
  bias_q_ = at::zeros({job_.padded_questions}, at::kFloat);
  positive_weight_q_ = at::zeros({job_.padded_questions}, at::kFloat);
  std::transform(data.positive_weight_q.begin(), data.positive_weight_q.end(),
                 positive_weight_q_.mutable_data_ptr<float>(),
                 [](double w) { return static_cast<float>(w); });
  job_.weights = half(weights_);
  job_.bias = bias_q_.const_data_ptr<float>();
  job_.positive_weight = positive_weight_q_.const_data_ptr<float>();
  sums_.gradient_qd = at::empty({job_.questions, job_.width}, at::kFloat);
  sums_.gradient_q.resize(static_cast<std::size_t>(job_.questions));
}

void HalfLogisticPass::set_embeddings() {
  const std::int64_t count = data_.x_nd.size(0), width = job_.width;
  const auto* from = data_.x_nd.const_data_ptr<float>();
  std::vector<double> sum(static_cast<std::size_t>(width));
  for (std::int64_t n = 0; n < count; ++n) {
    for (std::int64_t d = 0; d < width; ++d) sum[static_cast<std::size_t>(d)] += from[n * width + d];
  }
  mean_d_ = at::empty({width}, at::kFloat);
  auto* mean = mean_d_.mutable_data_ptr<float>();
  std::transform(sum.begin(), sum.end(), mean,
                 [&](double s) { return static_cast<float>(s / static_cast<double>(count)); });
  x_nd_ = at::empty({count, 2 * job_.pairs}, at::kBFloat16);
  auto* to = x_nd_.mutable_data_ptr<c10::BFloat16>();
  at::parallel_for(0, count, 64, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t n = first; n < last; ++n) {
      c10::BFloat16* row = to + n * 2 * job_.pairs;
      for (std::int64_t d = 0; d < width; ++d) row[d] = c10::BFloat16(from[n * width + d] - mean[d]);
      if (width % 2 != 0) row[width] = c10::BFloat16(0.0F);
    }
  });
  job_.x = half(x_nd_);
  job_.mean = mean;
}

void HalfLogisticPass::set_weights(const at::Tensor& weight_qd, const at::Tensor& bias_q) {
  const HalfWeights weights{weight_qd.const_data_ptr<float>(), bias_q.const_data_ptr<float>()};
  at::parallel_for(0, whole(job_.questions, kHalfColumns), 1, [&](std::int64_t first, std::int64_t last) {
    kernel_->pack_weights(job_, weights, first * kHalfColumns, std::min(last * kHalfColumns, job_.questions),
                          half(weights_), bias_q_.mutable_data_ptr<float>());
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

// kHalfRows questions of all parts, and the share of the means.
void HalfLogisticPass::add_tiles(std::int64_t parts, std::int64_t group) {
  const std::int64_t groups = whole(job_.questions, kHalfRows), question = group * kHalfRows;
  const std::int64_t rows = std::min(kHalfRows, job_.questions - question);
  auto* to = sums_.gradient_qd.mutable_data_ptr<float>() + question * job_.width;
  for (std::int64_t column = 0; column < job_.width; column += kHalfColumns) {
    const std::int64_t tile = (column / kHalfColumns * groups + group) * kTile;
    float sum[kTile] = {};
    for (std::int64_t p = 0; p < parts; ++p) {
      const float* part = parts_[static_cast<std::size_t>(p)].gradient.const_data_ptr<float>() + tile;
      for (std::int64_t i = 0; i < kTile; ++i) sum[i] += part[i];
    }
    const std::int64_t columns = std::min(kHalfColumns, job_.width - column);
    for (std::int64_t r = 0; r < rows; ++r) {
      const auto of_bias = static_cast<float>(sums_.gradient_q[static_cast<std::size_t>(question + r)]);
      for (std::int64_t d = 0; d < columns; ++d)
        to[r * job_.width + column + d] = sum[r * kHalfColumns + d] + of_bias * job_.mean[column + d];
    }
  }
}

void HalfLogisticPass::add_up(std::int64_t parts) {
  for (std::size_t q = 0; q < sums_.gradient_q.size(); ++q) {
    sums_.gradient_q[q] = 0;
    for (std::int64_t p = 0; p < parts; ++p)
      sums_.gradient_q[q] += parts_[static_cast<std::size_t>(p)].bias_gradient[q];
  }
  at::parallel_for(0, whole(job_.questions, kHalfRows), 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t group = first; group < last; ++group) add_tiles(parts, group);
  });
}

const LogisticSums& HalfLogisticPass::run(const at::Tensor& weight_qd, const at::Tensor& bias_q,
                                          std::span<const std::int64_t> rows) {
  const at::NoGradGuard no_gradients;
  set_weights(weight_qd, bias_q);
  const auto count = static_cast<std::int64_t>(rows.size());
  const std::int64_t parts = parts_of(count);
  if (static_cast<std::int64_t>(parts_.size()) < parts) parts_.resize(static_cast<std::size_t>(parts));
  // Parts are handed out as threads come for them, so that a slow one holds nobody up.
  std::atomic<std::int64_t> next{0};
  at::parallel_for(
      0, std::min<std::int64_t>(at::get_num_threads(), parts), 1, [&](std::int64_t, std::int64_t) {
        const at::NoGradGuard no_gradients_here;
        for (std::int64_t p = next++; p < parts; p = next++) {
          const std::int64_t begin = count * p / parts, end = count * (p + 1) / parts;
          run_part(parts_[static_cast<std::size_t>(p)],
                   rows.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)));
        }
      });
  add_up(parts);
  return sums_;
}

}  // namespace pillar

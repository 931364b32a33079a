#include "eval/probe/near_copies.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/randn.h>

namespace pillar {
namespace {

constexpr std::int64_t kProjectedWidth = 64;
constexpr std::int64_t kCopyBlockRows = 2048;
constexpr std::uint64_t kProjectionSeed = 0x9e3779b97f4a7c15;
// A projection to 64 numbers keeps squared distances to within a factor of two or so (Johnson and
// Lindenstrauss, 1984); what is near by less than this many times the bound is measured.
constexpr double kProjectedSlack = 4;

// Embeddings less their mean, and the mean squared distance between two of them.
struct Spread {
  at::Tensor mean_d;
  double squared_distance = 0;
};

Spread spread_of(const at::Tensor& x_nd) {
  Spread spread;
  const at::Tensor mean = x_nd.mean(0, false, at::kDouble);
  spread.mean_d = mean.to(at::kFloat);
  double sum = 0;
  for (std::int64_t first = 0; first < x_nd.size(0); first += kCopyBlockRows) {
    const at::Tensor block = x_nd.narrow(0, first, std::min(kCopyBlockRows, x_nd.size(0) - first));
    sum += (block.to(at::kDouble) - mean).square_().sum().item<double>();
  }
  spread.squared_distance = 2 * sum / static_cast<double>(x_nd.size(0));
  return spread;
}

// Rows centred and projected so that squared distances keep their mean; as they are where that is no wider.
at::Tensor projected(const at::Tensor& x_nd, const at::Tensor& mean_d) {
  const std::int64_t width = x_nd.size(1);
  if (width <= kProjectedWidth) return x_nd - mean_d;
  at::Generator generator = at::detail::createCPUGenerator(kProjectionSeed);
  const at::Tensor matrix =
      at::randn({width, kProjectedWidth}, generator) / std::sqrt(static_cast<double>(kProjectedWidth));
  return at::matmul(x_nd, matrix) - at::matmul(mean_d, matrix);
}

double squared_distance(const at::Tensor& a_nd, std::int64_t row_a, const at::Tensor& b_md,
                        std::int64_t row_b) {
  const float *a = a_nd.const_data_ptr<float>() + row_a * a_nd.size(1),
              *b = b_md.const_data_ptr<float>() + row_b * b_md.size(1);
  double sum = 0;
  for (std::int64_t i = 0; i < a_nd.size(1); ++i) {
    const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sum += difference * difference;
  }
  return sum;
}

}  // namespace

NearCopies find_near_copies(const at::Tensor& a_nd, const at::Tensor& b_md) {
  const at::Tensor a = a_nd.contiguous(), b = b_md.contiguous();
  const Spread spread = spread_of(a);
  NearCopies copies;
  if (!(spread.squared_distance > 0)) return copies;  // all the same: no study can be told from another
  const double bound = kNearCopyShare * kNearCopyShare * spread.squared_distance;
  const at::Tensor pa = projected(a, spread.mean_d), pb = projected(b, spread.mean_d);
  const at::Tensor norms_a = pa.square().sum(1), norms_b = pb.square().sum(1);
  std::vector<bool> has_copy(static_cast<std::size_t>(b.size(0)), false);
  for (std::int64_t b0 = 0; b0 < b.size(0); b0 += kCopyBlockRows) {
    const std::int64_t count_b = std::min(kCopyBlockRows, b.size(0) - b0);
    const at::Tensor block_b = pb.narrow(0, b0, count_b), norm_b = norms_b.narrow(0, b0, count_b);
    for (std::int64_t a0 = 0; a0 < a.size(0); a0 += kCopyBlockRows) {
      const std::int64_t count_a = std::min(kCopyBlockRows, a.size(0) - a0);
      // |a - b|^2 = |a|^2 + |b|^2 - 2 a.b; float32 is right to 1e-6 of the norms.
      at::Tensor near_ba = at::matmul(block_b, pa.narrow(0, a0, count_a).t()).mul_(-2);
      near_ba.add_(norm_b.unsqueeze(1)).add_(norms_a.narrow(0, a0, count_a).unsqueeze(0));
      if (near_ba.min().item<double>() > kProjectedSlack * bound) continue;
      const at::Tensor pairs = (near_ba <= kProjectedSlack * bound).nonzero();
      const auto* pair = pairs.const_data_ptr<std::int64_t>();
      for (std::int64_t i = 0; i < pairs.size(0); ++i, pair += 2) {
        const std::int64_t row_b = b0 + pair[0], row_a = a0 + pair[1];
        const auto known = static_cast<std::size_t>(row_b);
        if (has_copy[known] || squared_distance(a, row_a, b, row_b) > bound) continue;
        has_copy[known] = true;
        if (++copies.count == 1 || row_b < copies.row_b) copies.row_a = row_a, copies.row_b = row_b;
      }
    }
  }
  return copies;
}

}  // namespace pillar

#include "pillar/data/public_order.h"

#include "pillar/core/fail.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/multinomial.h>
#include <ATen/ops/tensor.h>

namespace pillar {

std::vector<std::int64_t> public_weighted_order(const std::vector<double>& weights, std::uint64_t seed,
                                                std::int64_t epoch, std::int64_t replicas, bool drop_last) {
  if (replicas < 1) fail(ErrorCategory::usage, "{} processes to draw for", replicas);
  const bool sound =
      std::all_of(weights.begin(), weights.end(), [](double w) { return std::isfinite(w) && w >= 0; });
  if (!sound || !(std::accumulate(weights.begin(), weights.end(), 0.0) > 0))
    fail(ErrorCategory::usage, "the weights of {} studies: finite, none negative and not all 0",
         weights.size());
  const auto count = static_cast<std::int64_t>(weights.size());
  const bool drops = drop_last && count % replicas != 0;
  const std::int64_t shared = drops ? std::max<std::int64_t>(0, count - replicas) : count;
  const std::int64_t draws = shared / replicas + (shared % replicas != 0 ? 1 : 0);
  if (draws == 0) return {};
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(seed + static_cast<std::uint64_t>(epoch));
  const at::Tensor drawn = at::multinomial(at::tensor(weights, at::kDouble), draws, true, generator);
  const auto* data = drawn.const_data_ptr<std::int64_t>();
  return {data, data + draws};
}

}  // namespace pillar

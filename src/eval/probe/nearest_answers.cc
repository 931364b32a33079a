#include "eval/probe/nearest_answers.h"

#include "pillar/core/fail.h"
#include "pillar/core/thread_pool.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/matmul.h>

namespace pillar {
namespace {

constexpr double kTemperature = 0.07;
constexpr std::int64_t kTestRows = 256;  // whose cosines with all training studies are held at once
// Neighbours are ranked as far as this many times as many as are wanted; a question with fewer known answers
// among those has all of them ranked.
constexpr std::int64_t kRankedAhead = 4;

at::Tensor unit_rows(const at::Tensor& x_nd) {
  const at::Tensor lengths = x_nd.norm(2, 1, true).clamp_min(1e-30);
  return x_nd / lengths;
}

// Training studies by falling cosine; equal ones by rising index. Only the first `ranked` are in order.
class RankedNeighbours {
 public:
  RankedNeighbours(const float* cosines, std::int64_t count, std::int64_t ranked)
      : cosines_(cosines), order_(static_cast<std::size_t>(count)) {
    std::iota(order_.begin(), order_.end(), std::int32_t{0});
    rank(ranked);
  }
  std::int32_t at(std::int64_t place) {
    if (place >= ranked_) rank(std::ssize(order_));
    return order_[static_cast<std::size_t>(place)];
  }

 private:
  void rank(std::int64_t ranked) {
    ranked_ = std::min(ranked, std::ssize(order_));
    std::partial_sort(order_.begin(), order_.begin() + ranked_, order_.end(),
                      [this](std::int32_t a, std::int32_t b) {
                        return cosines_[a] != cosines_[b] ? cosines_[a] > cosines_[b] : a < b;
                      });
  }
  const float* cosines_;
  std::vector<std::int32_t> order_;
  std::int64_t ranked_ = 0;
};

double share_of_yes(RankedNeighbours& ranked, const float* cosines, const std::int8_t* answers,
                    std::int64_t studies, std::int64_t neighbours) {
  double yes = 0, all = 0, nearest = 0;
  std::int64_t taken = 0;
  for (std::int64_t place = 0; place < studies && taken < neighbours; ++place) {
    const std::int32_t study = ranked.at(place);
    if (answers[study] < 0) continue;
    if (taken++ == 0) nearest = static_cast<double>(cosines[study]);
    const double weight = std::exp((static_cast<double>(cosines[study]) - nearest) / kTemperature);
    all += weight;
    if (answers[study] == 1) yes += weight;
  }
  return taken == 0 ? 0.5 : yes / all;
}

}  // namespace

at::Tensor nearest_answers(const ProbeData& train, const at::Tensor& test_md, std::int64_t neighbours) {
  if (neighbours < 1) fail(ErrorCategory::usage, "{} nearest neighbours: at least one is wanted", neighbours);
  if (train.embeddings_nd.size(1) != test_md.size(1)) {
    fail(ErrorCategory::input, "embeddings to test have {} values, those to train on {}", test_md.size(1),
         train.embeddings_nd.size(1));
  }
  const at::Tensor units_nd = unit_rows(train.embeddings_nd), answers_qn = train.answers_qn.contiguous();
  const std::int64_t questions = answers_qn.size(0), studies = answers_qn.size(1), tested = test_md.size(0);
  at::Tensor shares_qm = at::full({questions, tested}, 0.5, at::kDouble);
  auto* shares = shares_qm.mutable_data_ptr<double>();
  const auto* answers = answers_qn.const_data_ptr<std::int8_t>();
  for (std::int64_t first = 0; first < tested; first += kTestRows) {
    const std::int64_t rows = std::min(kTestRows, tested - first);
    const at::Tensor cosines_mn =
        at::matmul(unit_rows(test_md.narrow(0, first, rows)), units_nd.t()).contiguous();
    const auto* block = cosines_mn.const_data_ptr<float>();
    parallel_for(rows, usable_processors(), [&](std::int64_t m) {
      const float* cosines = block + m * studies;
      RankedNeighbours ranked(cosines, studies, kRankedAhead * neighbours);
      for (std::int64_t q = 0; q < questions; ++q) {
        shares[q * tested + first + m] =
            share_of_yes(ranked, cosines, answers + q * studies, studies, neighbours);
      }
    });
  }
  return shares_qm;
}

}  // namespace pillar

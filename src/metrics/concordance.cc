#include "pillar/core/fail.h"
#include "pillar/metrics/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace pillar {
namespace {

// Counts of subjects by the rank of their risk (Fenwick, 1994).
class RankCounts {
 public:
  explicit RankCounts(std::size_t ranks) : sums_(ranks + 1, 0) {}
  void add(std::size_t rank) {
    for (std::size_t i = rank + 1; i < sums_.size(); i += i & (~i + 1)) ++sums_[i];
  }
  std::int64_t below(std::size_t rank) const {
    std::int64_t sum = 0;
    for (std::size_t i = rank; i > 0; i -= i & (~i + 1)) sum += sums_[i];
    return sum;
  }

 private:
  std::vector<std::int64_t> sums_;
};

void check_subjects(std::span<const double> times, std::span<const std::uint8_t> events,
                    std::span<const double> risks) {
  if (times.size() != events.size() || times.size() != risks.size()) {
    fail(ErrorCategory::input, "{} times, but {} events and {} risks", times.size(), events.size(),
         risks.size());
  }
  for (std::size_t i = 0; i < times.size(); ++i)
    if (std::isnan(times[i]) || std::isnan(risks[i])) fail(ErrorCategory::input, "time or risk {} is NaN", i);
}

std::vector<std::size_t> ranks_of(std::span<const double> risks) {
  std::vector<double> sorted(risks.begin(), risks.end());
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  std::vector<std::size_t> ranks(risks.size());
  for (std::size_t i = 0; i < risks.size(); ++i)
    ranks[i] =
        static_cast<std::size_t>(std::lower_bound(sorted.begin(), sorted.end(), risks[i]) - sorted.begin());
  return ranks;
}

}  // namespace

double concordance_index(std::span<const double> times, std::span<const std::uint8_t> events,
                         std::span<const double> risks) {
  check_subjects(times, events, risks);
  const std::vector<std::size_t> ranks = ranks_of(risks);
  // By falling time, at equal times those without an event first: what a subject with an event is compared
  // with has been counted when its turn comes.
  std::vector<std::size_t> order(times.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return times[a] != times[b] ? times[a] > times[b] : (events[a] == 0) > (events[b] == 0);
  });
  RankCounts later(times.size());
  std::int64_t counted = 0, pairs = 0, twice_right = 0;
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    const auto same = [&](std::size_t i) {
      return times[order[i]] == times[order[begin]] && (events[order[i]] == 0) == (events[order[begin]] == 0);
    };
    while (end < order.size() && same(end)) ++end;
    for (std::size_t i = begin; i < end && events[order[i]] != 0; ++i) {
      const std::size_t rank = ranks[order[i]];
      pairs += counted;
      twice_right += later.below(rank) + later.below(rank + 1);
    }
    for (std::size_t i = begin; i < end; ++i) later.add(ranks[order[i]]);
    counted += static_cast<std::int64_t>(end - begin);
  }
  if (pairs == 0) return std::numeric_limits<double>::quiet_NaN();
  return static_cast<double>(twice_right) / (2 * static_cast<double>(pairs));
}

}  // namespace pillar

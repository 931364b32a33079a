#include "pillar/data/epoch_order.h"

#include "pillar/core/fail.h"
#include "pillar/core/random.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace pillar {
namespace {

constexpr std::uint64_t kPermutation = 1, kWeighted = 2;  // set these uses of (seed, epoch) apart

// Whole numbers drawn evenly below a bound: the standard's distributions differ between libraries.
class Draws {
 public:
  explicit Draws(std::uint64_t key) : key_(key) {}
  std::uint64_t next() { return hash64(key_ ^ hash64(counter_++)); }
  std::uint64_t below(std::uint64_t bound) {
    const std::uint64_t uneven = (UINT64_MAX % bound + 1) % bound;  // 2^64 mod bound
    while (true) {
      const std::uint64_t word = next();
      if (word <= UINT64_MAX - uneven) return word % bound;
    }
  }

 private:
  std::uint64_t key_, counter_ = 0;
};

std::int64_t divide_up(std::int64_t a, std::int64_t b) {
  return a / b + (a % b != 0 ? 1 : 0);
}

// Sums of the weights up to and with each.
std::vector<double> running_sums(const std::vector<double>& weights) {
  std::vector<double> sums;
  sums.reserve(weights.size());
  double sum = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (!(std::isfinite(weights[i]) && weights[i] >= 0))
      fail(ErrorCategory::usage, "study {} has the weight {}: weights are finite and not negative", i,
           weights[i]);
    sums.push_back(sum += weights[i]);
  }
  if (!(sum > 0 && std::isfinite(sum)))
    fail(ErrorCategory::usage, "the weights of {} studies add up to {}", weights.size(), sum);
  return sums;
}

}  // namespace

std::vector<std::int64_t> epoch_permutation(std::int64_t count, std::uint64_t seed, std::int64_t epoch) {
  if (count < 0) fail(ErrorCategory::usage, "cannot order {} studies", count);
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  Draws draws(mix_seed({seed, static_cast<std::uint64_t>(epoch), kPermutation}));
  for (std::size_t left = order.size(); left > 1; --left)
    std::swap(order[left - 1], order[draws.below(left)]);
  return order;
}

std::vector<std::int64_t> weighted_order(const std::vector<double>& weights, std::uint64_t seed,
                                         std::int64_t epoch) {
  const std::vector<double> sums = running_sums(weights);
  // Rounding may reach the sum of all: that is the last study with a weight.
  const auto last = std::lower_bound(sums.begin(), sums.end(), sums.back());
  Draws draws(mix_seed({seed, static_cast<std::uint64_t>(epoch), kWeighted}));
  std::vector<std::int64_t> order(weights.size());
  for (std::int64_t& study : order)
    study = std::upper_bound(sums.begin(), last, unit_interval(draws.next()) * sums.back()) - sums.begin();
  return order;
}

void check_batch_shape(const BatchShape& shape) {
  if (shape.batch < 1 || shape.micro_batch < 1)
    fail(ErrorCategory::usage, "a batch of {} in micro-batches of {}: each has at least one study",
         shape.batch, shape.micro_batch);
  if (shape.world < 1 || shape.rank < 0 || shape.rank >= shape.world)
    fail(ErrorCategory::usage, "rank {} of a world of {}", shape.rank, shape.world);
}

std::int64_t steps_per_epoch(std::int64_t count, const BatchShape& shape) {
  check_batch_shape(shape);
  if (count < 1) fail(ErrorCategory::usage, "no studies to make batches of");
  const bool joins = shape.join_single && count % shape.batch == 1;
  if (shape.drop_last || joins) return std::max<std::int64_t>(1, count / shape.batch);
  return divide_up(count, shape.batch);
}

std::int64_t steps_of_rest(std::int64_t count, const BatchShape& shape) {
  if (count == 0 || (shape.drop_last && count < shape.batch)) return 0;
  return steps_per_epoch(count, shape);
}

StepRange step_range(std::int64_t count, const BatchShape& shape, std::int64_t step_in_epoch) {
  const std::int64_t steps = steps_per_epoch(count, shape);
  if (step_in_epoch < 0 || step_in_epoch >= steps)
    fail(ErrorCategory::usage, "step {} of an epoch of {}", step_in_epoch, steps);
  const std::int64_t begin = step_in_epoch * shape.batch;
  const bool is_last = step_in_epoch + 1 == steps && !shape.drop_last;
  return {begin, is_last ? count : begin + std::min(shape.batch, count - begin)};
}

std::vector<MicroRange> micro_ranges(const StepRange& range, const BatchShape& shape) {
  check_batch_shape(shape);
  const std::int64_t micros = divide_up(range.end - range.begin, shape.micro_batch);
  const std::int64_t each = micros / shape.world, more = micros % shape.world;
  const std::int64_t first = shape.rank * each + std::min(shape.rank, more);
  const std::int64_t last = first + each + (shape.rank < more ? 1 : 0);
  std::vector<MicroRange> ranges;
  for (std::int64_t index = first; index < last; ++index) {
    const std::int64_t begin = range.begin + index * shape.micro_batch;
    ranges.push_back({begin, begin + std::min(shape.micro_batch, range.end - begin), index});
  }
  return ranges;
}

std::int64_t EpochClock::epoch_of(std::int64_t step) const {
  return step < origin_step ? origin_epoch - 1 : origin_epoch + (step - origin_step) / steps;
}

bool EpochClock::begins(std::int64_t step) const {
  return step >= origin_step && (step - origin_step) % steps == 0;
}

EpochClock epoch_clock(const EpochStart& start, std::int64_t steps, const BatchShape& shape) {
  if (start.step < 0 || start.epoch < 0 || start.position < 0)
    fail(ErrorCategory::usage, "step {} is position {} of epoch {}", start.step, start.position, start.epoch);
  EpochClock clock{steps, start.step, start.epoch};
  if (start.position > 0) {
    clock.origin_step += steps_of_rest(static_cast<std::int64_t>(start.rest.size()), shape);
    ++clock.origin_epoch;
  }
  // The same as from the first step on.
  if (clock.origin_step == clock.origin_epoch * steps) clock.origin_step = clock.origin_epoch = 0;
  return clock;
}

}  // namespace pillar

#include "data/loader/study_sequence.h"

#include "pillar/core/fail.h"

#include <algorithm>

namespace pillar {
namespace {

constexpr std::size_t kKeptOrders = 4;  // threads look ahead into the next epoch or two

void check_steps(std::int64_t first_step, std::int64_t end_step, std::int64_t batch) {
  if (first_step < 0 || end_step < first_step)
    fail(ErrorCategory::usage, "steps {} to {} of a run", first_step, end_step);
  if (end_step > INT64_MAX / batch)
    fail(ErrorCategory::usage, "{} steps of {} studies: more than can be counted", end_step, batch);
}

}  // namespace

StudySequence::StudySequence(std::int64_t studies, const BatchShape& shape, std::uint64_t seed, bool shuffled,
                             std::int64_t first_step, std::int64_t end_step, std::vector<double> weights,
                             EpochStart start)
    : studies_(studies),
      weights_(std::move(weights)),
      shape_(shape),
      seed_(seed),
      shuffled_(shuffled),
      start_(std::move(start)),
      clock_(epoch_clock(start_, steps_per_epoch(studies, shape), shape)) {
  check_steps(first_step, end_step, shape.batch);
  if (first_step < start_.step)
    fail(ErrorCategory::usage, "step {} comes before {}, where the run goes on", first_step, start_.step);
  if (!weights_.empty() && static_cast<std::int64_t>(weights_.size()) != studies)
    fail(ErrorCategory::usage, "{} weights for {} studies", weights_.size(), studies);
  if (draws())
    weighted_order(weights_, seed, 0);  // refuses weights that make no sense before any thread runs
  rest_end_step_ = start_.step;
  if (start_.position > 0)
    rest_end_step_ += steps_of_rest(static_cast<std::int64_t>(start_.rest.size()), shape);
  const auto begins = [this](std::int64_t first, std::int64_t end) {
    std::vector<std::int64_t> items = {0};
    for (std::int64_t step = first; step < end; ++step) {
      items.push_back(items.back());
      for (const MicroRange& micro : micros_of(step)) items.back() += micro.end - micro.begin;
    }
    return items;
  };
  rest_begins_ = begins(start_.step, rest_end_step_);
  step_begins_ = begins(rest_end_step_, rest_end_step_ + clock_.steps);
  first_item_ = items_before(first_step);
  size_ = items_before(end_step) - first_item_;
}

std::int64_t StudySequence::items_before(std::int64_t step) const {
  if (in_rest(step)) return rest_begins_[static_cast<std::size_t>(step - start_.step)];
  const std::int64_t later = step - rest_end_step_;
  return rest_begins_.back() + later / clock_.steps * step_begins_.back() +
         step_begins_[static_cast<std::size_t>(later % clock_.steps)];
}

StepRange StudySequence::range_of(std::int64_t step) const {
  if (!in_rest(step)) return step_range(studies_, shape_, (step - rest_end_step_) % clock_.steps);
  StepRange range = step_range(static_cast<std::int64_t>(start_.rest.size()), shape_, step - start_.step);
  range.begin += start_.position;
  range.end += start_.position;
  return range;
}

std::vector<MicroRange> StudySequence::micros_of(std::int64_t step) const {
  return micro_ranges(range_of(step), shape_);
}

StudyPlace StudySequence::place(std::int64_t item) const {
  std::int64_t index = first_item_ + item;
  const bool of_rest = index < rest_begins_.back();
  const std::vector<std::int64_t>& begins = of_rest ? rest_begins_ : step_begins_;
  StudyPlace place;
  place.step = of_rest ? start_.step : rest_end_step_;
  if (!of_rest) {
    index -= rest_begins_.back();
    place.step += index / begins.back() * clock_.steps;
    index %= begins.back();
  }
  const auto next = std::upper_bound(begins.begin(), begins.end(), index);
  place.step += next - begins.begin() - 1;
  place.epoch = epoch_of(place.step);
  std::int64_t left = index - *(next - 1);
  for (const MicroRange& micro : micros_of(place.step)) {
    place.micro = micro;
    place.position = micro.begin + left;
    if (place.position < micro.end) break;
    left -= micro.end - micro.begin;
  }
  if (of_rest)
    place.study = start_.rest[static_cast<std::size_t>(place.position - start_.position)];
  else
    place.study = shuffled_ ? study_at(place.epoch, place.position) : place.position;
  return place;
}

std::vector<std::int64_t> StudySequence::order_of(std::int64_t epoch) const {
  return draws() ? weighted_order(weights_, seed_, epoch) : epoch_permutation(studies_, seed_, epoch);
}

std::int64_t StudySequence::study_at(std::int64_t epoch, std::int64_t position) const {
  const std::lock_guard lock(mutex_);
  Order& order = orders_[epoch];
  if (!order) order = std::make_shared<const std::vector<std::int64_t>>(order_of(epoch));
  const std::int64_t study = (*order)[static_cast<std::size_t>(position)];
  if (orders_.size() > kKeptOrders) orders_.erase(orders_.begin());
  return study;
}

EpochStart StudySequence::start_at(std::int64_t step) const {
  EpochStart start{step, epoch_of(step), 0, {}};
  if (clock_.begins(step)) return start;
  start.position = range_of(step).begin;
  if (in_rest(step)) {
    start.rest.assign(start_.rest.begin() + (start.position - start_.position), start_.rest.end());
  } else {
    start.rest = order_of(start.epoch);
    start.rest.erase(start.rest.begin(), start.rest.begin() + start.position);
  }
  return start;
}

}  // namespace pillar

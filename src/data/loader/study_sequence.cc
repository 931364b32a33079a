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
                             std::int64_t first_step, std::int64_t end_step, std::vector<double> weights)
    : studies_(studies),
      weights_(std::move(weights)),
      shape_(shape),
      seed_(seed),
      shuffled_(shuffled),
      steps_(steps_per_epoch(studies, shape)) {
  check_steps(first_step, end_step, shape.batch);
  if (!weights_.empty() && static_cast<std::int64_t>(weights_.size()) != studies)
    fail(ErrorCategory::usage, "{} weights for {} studies", weights_.size(), studies);
  if (draws())
    weighted_order(weights_, seed, 0);  // refuses weights that make no sense before any thread runs
  std::int64_t items = 0;
  for (std::int64_t step = 0; step < steps_; ++step) {
    step_begins_.push_back(items);
    for (const MicroRange& micro : micros_of(step)) items += micro.end - micro.begin;
  }
  step_begins_.push_back(items);
  first_item_ = items_before(first_step);
  size_ = items_before(end_step) - first_item_;
}

std::int64_t StudySequence::items_before(std::int64_t step) const {
  return step / steps_ * step_begins_.back() + step_begins_[static_cast<std::size_t>(step % steps_)];
}

std::vector<MicroRange> StudySequence::micros_of(std::int64_t step) const {
  return micro_ranges(step_range(studies_, shape_, step % steps_), shape_);
}

StudyPlace StudySequence::place(std::int64_t item) const {
  const std::int64_t index = first_item_ + item, each = step_begins_.back();
  StudyPlace place;
  place.epoch = index / each;
  const auto next = std::upper_bound(step_begins_.begin(), step_begins_.end(), index % each);
  place.step = place.epoch * steps_ + (next - step_begins_.begin() - 1);
  std::int64_t left = index % each - *(next - 1);
  for (const MicroRange& micro : micros_of(place.step)) {
    place.micro = micro;
    place.position = micro.begin + left;
    if (place.position < micro.end) break;
    left -= micro.end - micro.begin;
  }
  place.study = shuffled_ ? study_at(place.epoch, place.position) : place.position;
  return place;
}

std::int64_t StudySequence::study_at(std::int64_t epoch, std::int64_t position) const {
  const std::lock_guard lock(mutex_);
  Order& order = orders_[epoch];
  if (!order) {
    order = std::make_shared<const std::vector<std::int64_t>>(
        draws() ? weighted_order(weights_, seed_, epoch) : epoch_permutation(studies_, seed_, epoch));
  }
  const std::int64_t study = (*order)[static_cast<std::size_t>(position)];
  if (orders_.size() > kKeptOrders) orders_.erase(orders_.begin());
  return study;
}

}  // namespace pillar

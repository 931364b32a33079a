#include "rate/ask_queue.h"

#include <algorithm>

namespace pillar {

AskQueue::AskQueue(const AnswerIndex& answers, const RateQuestions& questions, RateStage stage, AskBy ask,
                   std::vector<bool> open_reports)
    : answers_(answers),
      questions_(questions),
      stage_(stage),
      by_category_(stage == RateStage::process_questions && ask == AskBy::category),
      open_reports_(std::move(open_reports)) {
  // By category, a report's single questions come first: those that an earlier run's answers left unclear.
  places_ = answers.items(stage) + (by_category_ ? questions.categories.size() : 0);
}

bool AskQueue::has_new_question(std::size_t report, std::size_t category) const {
  const std::vector<std::size_t>& list = questions_.categories[category].questions;
  return std::any_of(list.begin(), list.end(),
                     [&](std::size_t question) { return !answers_.has(stage_, report, question); });
}

std::optional<Ask> AskQueue::ask_at(std::size_t report, std::size_t place) const {
  Ask ask{stage_, static_cast<std::uint32_t>(report), static_cast<std::uint32_t>(place), false, false};
  if (place >= answers_.items(stage_)) {
    const std::size_t category = place - answers_.items(stage_);
    ask.item = static_cast<std::uint32_t>(category);
    ask.whole_category = true;
    return has_new_question(report, category) ? std::optional(ask) : std::nullopt;
  }
  if (answers_.has(stage_, report, place)) {
    ask.strict = true;
    return answers_.outcome(stage_, report, place) == Outcome::unclear ? std::optional(ask) : std::nullopt;
  }
  return by_category_ ? std::nullopt : std::optional(ask);
}

std::optional<Ask> AskQueue::next() {
  if (!again_.empty()) {
    const Ask ask = again_.front();
    again_.pop_front();
    return ask;
  }
  for (; report_ < answers_.reports(); ++report_, place_ = 0) {
    if (!open_reports_[report_]) continue;
    while (place_ < places_) {
      if (const auto ask = ask_at(report_, place_++)) return ask;
    }
  }
  return std::nullopt;
}

std::int64_t AskQueue::total() const {
  std::int64_t count = 0;
  for (std::size_t report = 0; report < answers_.reports(); ++report) {
    for (std::size_t place = 0; open_reports_[report] && place < places_; ++place)
      count += ask_at(report, place).has_value();
  }
  return count;
}

}  // namespace pillar

// Internal: what of a stage is still to be asked, in the order of the reports.
#pragma once

#include "pillar/rate/extract.h"

#include "rate/answer_index.h"
#include "rate/ask.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace pillar {

class AskQueue {
 public:
  // `open_reports`: whether a report has what the stage works on.
  AskQueue(const AnswerIndex& answers, const RateQuestions& questions, RateStage stage, AskBy ask,
           std::vector<bool> open_reports);

  // Those asked again come first. All of one report follow each other, so that a server can reuse what it
  // computed for the report.
  std::optional<Ask> next();
  void again(const Ask& ask) { again_.push_back(ask); }
  std::int64_t total() const;  // how many asks there were to begin with

 private:
  std::optional<Ask> ask_at(std::size_t report, std::size_t place) const;
  bool has_new_question(std::size_t report, std::size_t category) const;

  const AnswerIndex& answers_;
  const RateQuestions& questions_;
  RateStage stage_;
  bool by_category_;
  std::vector<bool> open_reports_;
  std::size_t places_ = 0;  // of a report
  std::size_t report_ = 0, place_ = 0;
  std::deque<Ask> again_;
};

}  // namespace pillar

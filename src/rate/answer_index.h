// Internal: which answers a run has, and where in the journal they are.
#pragma once

#include "pillar/rate/reports.h"

#include "rate/journal.h"
#include "rate/rate_questions.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pillar {

// Eight bytes an answer, whatever a model wrote: texts stay in the journal.
class AnswerIndex {
 public:
  AnswerIndex(const RateReports& reports, const RateQuestions& questions);

  std::size_t reports() const noexcept { return reports_; }
  // How many answers a report has in the stage: 1, 1, categories, questions.
  std::size_t items(RateStage stage) const noexcept { return items_[static_cast<std::size_t>(stage)]; }

  void put(RateStage stage, std::size_t report, std::size_t item, Outcome outcome, std::uint64_t offset);
  // A record of the journal; those of reports and questions that this run does not have are passed over.
  void put(const JournalAnswer& answer, std::uint64_t offset);

  bool has(RateStage stage, std::size_t report, std::size_t item) const {
    return word(stage, report, item) != 0;
  }
  Outcome outcome(RateStage stage, std::size_t report, std::size_t item) const {  // where there is one
    return static_cast<Outcome>(word(stage, report, item) & 0xFF);
  }
  std::uint64_t offset(RateStage stage, std::size_t report, std::size_t item) const {
    return word(stage, report, item) >> 8;
  }
  // The report's index by its accession as the journal has it; npos where this run lacks it.
  std::size_t report_of(std::string_view stored_accession) const;

  static constexpr std::size_t npos = static_cast<std::size_t>(-1);

 private:
  std::uint64_t word(RateStage stage, std::size_t report, std::size_t item) const {
    return words_[static_cast<std::size_t>(stage)][report * items(stage) + item];
  }
  std::size_t item_of(RateStage stage, std::string_view stored_item) const;

  std::size_t reports_;
  std::size_t items_[4];
  std::vector<std::uint64_t> words_[4];  // (reports, items): offset * 256 + outcome; 0: none
  std::unordered_map<std::string, std::size_t> report_places_, category_places_;
  std::unordered_map<std::uint32_t, std::size_t> question_places_;  // by the number that the id is
  mutable std::string last_accession_;  // records of one report mostly follow each other
  mutable std::size_t last_report_ = npos;
};

}  // namespace pillar

#include "rate/derived_files.h"

#include "rate/derived_answers.h"

namespace pillar {

DerivedAnswers::DerivedAnswers(const DerivedSource& source) : source_(source), journal_(source.journal) {}

std::optional<JournalAnswer> DerivedAnswers::answer(RateStage stage, std::size_t report,
                                                    std::size_t item) const {
  if (!source_.answers.has(stage, report, item)) return std::nullopt;
  const std::string_view text(reinterpret_cast<const char*>(journal_.bytes().data()),
                              journal_.bytes().size());
  return read_journal_answer(text, source_.answers.offset(stage, report, item), storage_);
}

std::optional<std::string> DerivedAnswers::text(RateStage stage, std::size_t report, std::size_t item) const {
  if (!source_.answers.has(stage, report, item)) return std::nullopt;
  if (source_.answers.outcome(stage, report, item) != Outcome::text) return std::nullopt;
  return std::string(answer(stage, report, item)->text);
}

std::optional<std::string_view> DerivedAnswers::label(std::size_t report, std::size_t question) const {
  constexpr RateStage kStage = RateStage::process_questions;
  if (!source_.answers.has(kStage, report, question)) return std::nullopt;
  switch (source_.answers.outcome(kStage, report, question)) {
    case Outcome::yes:
      return "Yes";
    case Outcome::no:
      return "No";
    case Outcome::uncertain:
      return "Uncertain";
    default:
      return std::nullopt;
  }
}

bool DerivedAnswers::any(RateStage stage) const {
  for (std::size_t report = 0; report < source_.answers.reports(); ++report) {
    for (std::size_t item = 0; item < source_.answers.items(stage); ++item) {
      if (source_.answers.has(stage, report, item)) return true;
    }
  }
  return false;
}

void write_derived_files(const DerivedSource& source) {
  const DerivedAnswers answers(source);
  write_derived_tables(answers);
  write_final_results(answers);
  write_label_file(answers);
}

}  // namespace pillar

#include "rate/answer_index.h"

#include <charconv>

namespace pillar {
namespace {

constexpr std::size_t kNoNumber = std::size_t{1} << 32;

// The eight hex digits of a question's id as a number; kNoNumber where they are none.
std::size_t id_number(std::string_view id) {
  std::uint32_t number = 0;
  const auto [end, fault] = std::from_chars(id.data(), id.data() + id.size(), number, 16);
  return fault == std::errc() && end == id.data() + id.size() ? number : kNoNumber;
}

}  // namespace

AnswerIndex::AnswerIndex(const RateReports& reports, const RateQuestions& questions)
    : reports_(reports.reports.size()),
      items_{1, 1, questions.categories.size(), questions.questions.size()} {
  for (std::size_t stage = 0; stage < 4; ++stage) words_[stage].assign(reports_ * items_[stage], 0);
  for (std::size_t i = 0; i < reports_; ++i)
    report_places_.emplace(journal_field(reports.reports[i].accession), i);
  for (std::size_t i = 0; i < questions.categories.size(); ++i)
    category_places_.emplace(journal_field(questions.categories[i].name), i);
  for (std::size_t i = 0; i < questions.questions.size(); ++i)
    question_places_.emplace(static_cast<std::uint32_t>(id_number(questions.questions[i].id)), i);
}

void AnswerIndex::put(RateStage stage, std::size_t report, std::size_t item, Outcome outcome,
                      std::uint64_t offset) {
  words_[static_cast<std::size_t>(stage)][report * items(stage) + item] =
      offset << 8 | static_cast<unsigned char>(outcome);
}

void AnswerIndex::put(const JournalAnswer& answer, std::uint64_t offset) {
  const std::size_t report = report_of(answer.accession), item = item_of(answer.stage, answer.item);
  if (report != npos && item != npos) put(answer.stage, report, item, answer.outcome, offset);
}

std::size_t AnswerIndex::report_of(std::string_view stored_accession) const {
  if (last_accession_ != stored_accession) {
    last_accession_ = stored_accession;
    const auto found = report_places_.find(last_accession_);
    last_report_ = found == report_places_.end() ? npos : found->second;
  }
  return last_report_;
}

std::size_t AnswerIndex::item_of(RateStage stage, std::string_view stored_item) const {
  if (stage == RateStage::process_questions) {
    const std::size_t number = id_number(stored_item);
    if (number == kNoNumber) return npos;
    const auto found = question_places_.find(static_cast<std::uint32_t>(number));
    return found == question_places_.end() ? npos : found->second;
  }
  if (stage != RateStage::map_categories) return 0;
  const auto found = category_places_.find(std::string(stored_item));
  return found == category_places_.end() ? npos : found->second;
}

}  // namespace pillar

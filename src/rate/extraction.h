// Internal: one run of an extraction: asks what the journal lacks and keeps what comes.
#pragma once

#include "pillar/core/progress.h"
#include "pillar/rate/extract.h"

#include "rate/answer_index.h"
#include "rate/ask.h"
#include "rate/ask_queue.h"
#include "rate/journal.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pillar {

class Extraction {
 public:
  // What the journal has is taken over. Throws as Journal does, and Error(usage) naming a report whose text
  // is not the one that was asked about.
  Extraction(const ExtractOptions& options, const RateReports& reports, const RateQuestions& questions,
             Journal& journal, std::filesystem::path journal_file);

  // Asks what is missing of the stage. Throws Error(usage) where no report has what the stage works on.
  void run_stage(RateStage stage, const AnswerAll& answer_all);

  const AnswerIndex& answers() const noexcept { return answers_; }
  // Rows of failures.csv: report_id, stage, category, question_id, reason.
  const std::vector<std::vector<std::string>>& failures() const noexcept { return failures_; }
  void add_counts(ExtractSummary& summary) const;

 private:
  std::vector<bool> open_reports(RateStage stage);
  AskContent content(const Ask& ask) const;
  void take(const Ask& ask, Reply reply);
  void take_text(const Ask& ask, const Reply& reply);
  void take_question(const Ask& ask, const Reply& reply);
  void take_category(const Ask& ask, const Reply& reply);
  std::vector<std::size_t> asked_questions(const Ask& ask) const;
  std::string earlier_text(RateStage stage, std::size_t report) const;
  void keep(const Ask& ask, std::size_t item, JournalAnswer answer);
  void announce(std::size_t report);
  void give_up(const Ask& ask, const std::string& reason);
  std::string progress_note() const;

  const ExtractOptions& options_;
  const RateReports& reports_;
  const RateQuestions& questions_;
  Journal& journal_;
  std::filesystem::path journal_file_;
  AnswerIndex answers_;
  std::vector<std::string> digests_;  // of the reports
  std::vector<bool> announced_;       // the journal has the report's digest
  std::vector<std::vector<std::string>> failures_;
  std::unique_ptr<MappedFile> earlier_;  // the journal as it was when the stage began
  std::optional<AskQueue> queue_;
  std::unique_ptr<Progress> progress_;
  std::chrono::steady_clock::time_point last_sync_;
  std::int64_t asked_ = 0, kept_ = 0, unclear_ = 0, tokens_in_ = 0, tokens_out_ = 0;
};

// How many of the answers that the run's files speak of are missing, and unsupported.
void count_outcomes(const AnswerIndex& answers, ExtractSummary& summary);

}  // namespace pillar

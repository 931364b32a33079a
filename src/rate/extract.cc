#include "pillar/rate/extract.h"

#include "pillar/core/batch.h"
#include "pillar/core/fail.h"
#include "pillar/core/sha256.h"
#include "pillar/core/write_lock.h"

#include "core/shared/settings.h"
#include "rate/batch_answers.h"
#include "rate/derived_files.h"
#include "rate/extraction.h"
#include "rate/prompts.h"
#include "rate/rule_answers.h"
#include "rate/server_answers.h"

#include <algorithm>
#include <chrono>
#include <system_error>

#include <fmt/format.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr const char* kJournalName = "journal.rate";

// What a journal must have in common with a run that goes on with it.
Settings journal_settings(const ExtractOptions& options, const RuleBook& rules, const Prompts& prompts) {
  Settings settings = {{"answers", options.answers == AnswerKind::tri_state ? "tri-state" : "yes-no"}};
  if (options.provider == RateProvider::rules) {
    settings["provider"] = fmt::format("rules: {} (no language model)", rules.name);
    settings["rules"] = sha256_hex(as_bytes(read_text_file(options.rules)));
    return settings;
  }
  settings["provider"] = "language model";
  settings["model"] = options.server.model;
  settings["prompts"] = prompts_digest(prompts);
  settings["temperature"] = fmt::format("{}", options.sampling.temperature);
  settings["top_p"] = fmt::format("{}", options.sampling.top_p);
  settings["max_tokens"] = fmt::format("{}", options.sampling.max_tokens);
  settings["body"] = options.server.body;
  settings["ask"] = options.ask == AskBy::category ? "category" : "question";
  settings["logprobs"] = options.logprobs ? "yes" : "no";
  return settings;
}

void make_folder(const fs::path& folder) {
  std::error_code fault;
  fs::create_directories(folder, fault);
  if (fault) fail(ErrorCategory::io, "{}: cannot make it: {}", folder, fault.message());
}

AnswerAll answers_of_provider(const ExtractOptions& options, const RuleBook& rules, const Prompts& prompts,
                              const RateQuestions& questions, const RateReports& reports) {
  switch (options.provider) {
    case RateProvider::rules:
      return rule_answers(rules, questions, options.answers == AnswerKind::tri_state);
    case RateProvider::responses:
      return batch_responses(options.read_responses, questions, reports);
    case RateProvider::server:
      break;
  }
  return server_answers(options, prompts, questions);
}

void check_options(const ExtractOptions& options) {
  if (options.provider == RateProvider::rules) {
    if (options.rules.empty()) fail(ErrorCategory::usage, "--provider rules needs --rules");
    if (!options.write_requests.empty())
      fail(ErrorCategory::usage, "--write-requests is for a language model, not for --provider rules");
    return;
  }
  if (options.server.model.empty())
    fail(ErrorCategory::usage, "a language model needs --model, its name as the server knows it");
  const bool offline = options.provider == RateProvider::responses || !options.write_requests.empty();
  if (!offline && options.server.url.empty()) fail(ErrorCategory::usage, "--provider server needs --url");
}

}  // namespace

ExtractSummary run_rate_extract(const ExtractOptions& options) {
  const Clock::time_point start = Clock::now();
  check_options(options);
  const RateReports reports = read_rate_reports(options.reports, options.columns);
  const RateQuestions questions = load_rate_questions(options.questions);
  const bool by_rules = options.provider == RateProvider::rules;
  const RuleBook rules = by_rules ? load_rules(options.rules) : RuleBook{};
  const Prompts prompts = by_rules ? Prompts{} : read_prompts(options.prompts);
  std::optional<BatchWriter> writer;
  if (!options.write_requests.empty()) writer.emplace(options, prompts, questions, reports);
  const AnswerAll answer_all =
      writer ? writer->answers() : answers_of_provider(options, rules, prompts, questions, reports);

  make_folder(options.out);
  const WriteLock lock = WriteLock::of_folder(options.out);
  remove_unfinished(options.out, "files");
  ExtractSummary summary;
  summary.notes.add(reports.notes);
  summary.notes.add(questions.notes);
  const fs::path journal_file = options.out / kJournalName;
  const Settings settings = journal_settings(options, rules, prompts);
  Journal journal(journal_file, settings, options.restart, summary.notes);
  Extraction extraction(options, reports, questions, journal, journal_file);
  for (const RateStage stage : options.stages) extraction.run_stage(stage, answer_all);
  summary.reports = static_cast<std::int64_t>(reports.reports.size());
  summary.questions = static_cast<std::int64_t>(questions.questions.size());
  extraction.add_counts(summary);
  if (writer) {
    summary.written_requests = writer->commit();
    return summary;
  }
  std::vector<std::vector<std::string>> failures = extraction.failures();
  std::sort(failures.begin(), failures.end());  // answers come in any order
  write_failures(options.out, {"report_id", "stage", "category", "question_id", "reason"}, failures);
  write_derived_files({reports, questions, extraction.answers(), options, journal_file,
                       by_rules ? settings.at("provider") : std::string()});
  summary.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return summary;
}

}  // namespace pillar

#include "pillar/rate/audit.h"

#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/core/write_lock.h"
#include "pillar/viz/label_pages.h"

#include "rate/audit_file.h"
#include "rate/audit_sample.h"
#include "rate/json_cursor.h"

#include <map>

#include <fmt/format.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

// What an audit's files are collected in.
struct AuditContent {
  AuditTable table;
  CsvTable findings = {
      {"query_id", "raw_text", "no_comparison_text", "findings", "no_comparison_correct", "findings_correct"},
      {}};
  CsvTable categories = {{"query_id", "category", "raw_text", "category_finding", "correct"}, {}};
  CsvTable questions = {{"query_id", "question", "raw_text", "predicted_label", "human_label"}, {}};
  std::vector<LabelReviewItem> review;
};

std::string query_name(char letter, std::size_t index) {
  return fmt::format("{}{:04}", letter, index + 1);
}

// Quotes of tri-state answers, by report and question, of what was drawn. Nothing where there is no file.
std::map<std::pair<std::string, std::string>, std::string> read_quotes(const fs::path& folder,
                                                                       const RateResults& results,
                                                                       const std::vector<DrawnLabel>& drawn) {
  std::map<std::pair<std::string, std::string>, std::string> quotes;
  const fs::path file = folder / "evidence.csv";
  if (!fs::exists(file)) return quotes;
  for (const DrawnLabel& label : drawn)
    quotes[{results.reports[label.report].accession, results.questions[label.question]}];
  visit_csv(file, {"report_id", "question", "quote"},
            [&](std::span<const std::string_view> fields, std::size_t) {
              const auto wanted = quotes.find({std::string(fields[0]), std::string(fields[1])});
              if (wanted != quotes.end()) wanted->second = fields[2];
            });
  return quotes;
}

void add_questions(const AuditOptions& options, const RateResults& results, AuditContent& content) {
  const std::vector<DrawnLabel> drawn =
      draw_labels(results, options.questions_budget, options.strata, options.seed);
  const auto quotes = read_quotes(options.results, results, drawn);
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    const DrawnLabel& label = drawn[i];
    const std::string id = query_name('Q', i), predicted = label.predicted ? "Yes" : "No";
    const ReportResult& report = results.reports[label.report];
    const std::string& question = results.questions[label.question];
    const std::string raw = unescaped_json(report.stored_raw);
    content.table.queries.push_back({id, "question", report.accession,
                                     results.question_categories[label.question], question, predicted,
                                     label.stratum, label.weight});
    content.questions.rows.push_back({id, question, raw, predicted, ""});
    LabelReviewItem item{id, "human_label", "question", question, raw, "", {}, predicted};
    const auto quote = quotes.find({report.accession, question});
    if (quote != quotes.end() && !quote->second.empty()) item.evidence.push_back(quote->second);
    content.review.push_back(std::move(item));
  }
}

void add_categories(const AuditOptions& options, const RateResults& results, AuditContent& content) {
  const std::vector<DrawnCategory> drawn = draw_categories(results, options.category_budget, options.seed);
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    const std::string id = query_name('C', i);
    const ReportResult& report = results.reports[drawn[i].report];
    const std::string& category = results.categories[drawn[i].text.category];
    const std::string raw = unescaped_json(report.stored_raw), text = unescaped_json(drawn[i].text.stored);
    content.table.queries.push_back({id, "category", report.accession, category, "", "", category, 1});
    content.categories.rows.push_back({id, category, raw, text, ""});
    content.review.push_back({id,
                              "correct",
                              "category",
                              fmt::format("Is this what the report says of {}?", category),
                              raw,
                              text,
                              {},
                              ""});
  }
}

void add_findings(const AuditOptions& options, const RateResults& results, AuditContent& content) {
  const std::vector<std::size_t> drawn = draw_findings(results, options.findings_budget, options.seed);
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    const std::string id = query_name('F', i);
    const ReportResult& report = results.reports[drawn[i]];
    const std::string raw = unescaped_json(report.stored_raw),
                      without = unescaped_json(report.stored_no_comparison),
                      findings = unescaped_json(report.stored_findings);
    content.table.queries.push_back({id, "findings", report.accession, "", "", "", "all", 1});
    content.findings.rows.push_back({id, raw, without, findings, "", ""});
    if (!without.empty()) {
      content.review.push_back({id,
                                "no_comparison_correct",
                                "comparisons",
                                "Is this the report without earlier examinations?",
                                raw,
                                without,
                                {},
                                ""});
    }
    if (!findings.empty()) {
      content.review.push_back(
          {id, "findings_correct", "findings", "Are these its findings?", raw, findings, {}, ""});
    }
  }
}

void check_budget(std::int64_t budget, const char* flag) {
  if (budget < 0 || budget > 1'000'000) fail(ErrorCategory::usage, "{}: from 0 to 1000000", flag);
}

}  // namespace

AuditSummary write_rate_audit(const AuditOptions& options) {
  check_budget(options.questions_budget, "--questions-budget");
  check_budget(options.category_budget, "--category-budget");
  check_budget(options.findings_budget, "--findings-budget");
  const RateResults results = read_rate_results(options.results / "final_results.json");
  const WriteLock lock = WriteLock::of_folder(options.out);
  if (fs::exists(options.out / kAuditFile)) {
    fail(ErrorCategory::usage,
         "{}: has an audit, and perhaps a reviewer's answers, already: choose another folder", options.out);
  }
  AuditContent content;
  content.table.labeller = results.labeller;
  add_questions(options, results, content);
  add_categories(options, results, content);
  add_findings(options, results, content);
  write_csv(options.out / "combined_findings_qc.csv", content.findings);
  write_csv(options.out / "categories_qc.csv", content.categories);
  write_csv(options.out / "questions_qc.csv", content.questions);
  write_label_review("Review of labels" + (results.labeller.empty() ? "" : " by " + results.labeller),
                     content.review, options.out / "review.html");
  write_audit_table(options.out, content.table);
  return {static_cast<std::int64_t>(content.questions.rows.size()),
          static_cast<std::int64_t>(content.categories.rows.size()),
          static_cast<std::int64_t>(content.findings.rows.size())};
}

}  // namespace pillar

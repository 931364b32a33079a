#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/sha256.h"
#include "pillar/core/write_lock.h"
#include "pillar/rate/audit.h"
#include "pillar/viz/label_pages.h"

#include "rate/review_answers.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include <fmt/format.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

// One thing that was to be decided, with what each reviewer said.
struct ScoredItem {
  AuditQuery query;
  std::string field;
  std::map<std::string, ReviewAnswer> answers;
};

// The fields of a query of each kind.
std::vector<const char*> fields_of(const AuditQuery& query) {
  if (query.kind == "question") return {"human_label"};
  if (query.kind == "category") return {"correct"};
  return {"no_comparison_correct", "findings_correct"};
}

// The items of all audits; folders with the same sample are merged.
class ScoredItems {
 public:
  void add(const fs::path& folder, const std::string& name, Notes& notes) {
    const ReviewedAudit audit = read_reviewed_audit(folder, name, notes);
    labeller_ = audit.table.labeller;
    std::string sample;
    for (const AuditQuery& query : audit.table.queries)
      sample +=
          fmt::format("{}\n{}\n{}\n{}\n", query.query_id, query.report_id, query.question, query.predicted);
    const std::string digest = sha256_hex(as_bytes(sample));
    for (const AuditQuery& query : audit.table.queries) {
      for (const char* field : fields_of(query)) {
        const auto [place, is_new] = places_.emplace(digest + query.query_id + "/" + field, items_.size());
        if (is_new) items_.push_back({query, field, {}});
        for (const auto& [reviewer, answers] : audit.by_reviewer) {
          const auto found = answers.find({query.query_id, field});
          if (found == answers.end()) continue;
          if (!items_[place->second].answers.emplace(reviewer, found->second).second) {
            fail(ErrorCategory::input, "{}: reviewer '{}' has answered query {} in another folder, too",
                 folder, reviewer, query.query_id);
          }
        }
      }
    }
  }
  const std::vector<ScoredItem>& items() const { return items_; }
  const std::string& labeller() const { return labeller_; }

 private:
  std::vector<ScoredItem> items_;
  std::map<std::string, std::size_t> places_;
  std::string labeller_;
};

// What most said; unset where as many said yes as no, or nobody either.
std::optional<bool> consensus(const ScoredItem& item) {
  int balance = 0;
  for (const auto& [reviewer, answer] : item.answers)
    balance += answer == ReviewAnswer::yes ? 1 : answer == ReviewAnswer::no ? -1 : 0;
  return balance == 0 ? std::nullopt : std::optional(balance > 0);
}

bool anybody_decided(const ScoredItem& item) {
  return std::any_of(item.answers.begin(), item.answers.end(),
                     [](const auto& entry) { return entry.second != ReviewAnswer::unsure; });
}

struct NamedLabels {
  std::string category;
  std::vector<ReviewedLabel> labels;
};

std::vector<NamedQuality> named_quality(const std::map<std::string, NamedLabels>& by_name,
                                        const BootstrapOptions& bootstrap) {
  std::vector<NamedQuality> list;
  for (const auto& [name, labels] : by_name)
    list.push_back({name, labels.category, label_quality(labels.labels, bootstrap)});
  return list;
}

// Rates of the questions' answers.
void score_questions(const std::vector<ScoredItem>& items, LabelScore& score) {
  std::vector<ReviewedLabel> all;
  std::map<std::string, NamedLabels> questions, categories;
  for (const ScoredItem& item : items) {
    if (item.query.kind != "question") continue;
    const auto truth = consensus(item);
    if (!truth) {
      if (item.answers.empty())
        ++score.unanswered;
      else if (anybody_decided(item))
        ++score.disputed;
      else
        ++score.unsure;
      continue;
    }
    const ReviewedLabel label{item.query.predicted == "Yes", *truth, item.query.weight};
    all.push_back(label);
    questions[item.query.question].category = item.query.category;
    questions[item.query.question].labels.push_back(label);
    if (!item.query.category.empty()) categories[item.query.category].labels.push_back(label);
  }
  score.overall = label_quality(all, score.bootstrap);
  score.questions = named_quality(questions, score.bootstrap);
  score.categories = named_quality(categories, score.bootstrap);
}

std::string text_name(const ScoredItem& item) {
  if (item.query.kind == "category") return item.query.category;
  return item.field == "findings_correct" ? "findings" : "comparisons removed";
}

void score_texts(const std::vector<ScoredItem>& items, LabelScore& score) {
  std::map<std::string, TextQuality> texts;
  for (const ScoredItem& item : items) {
    if (item.query.kind == "question") continue;
    const auto right = consensus(item);
    if (!right) continue;
    TextQuality& text = texts[text_name(item)];
    ++text.items;
    text.correct += *right;
  }
  for (auto& [name, text] : texts) {
    text.name = name;
    text.share = wilson_interval(text.correct, text.items, score.bootstrap.confidence);
    score.texts.push_back(text);
  }
}

// Every pair of reviewers on the questions that both decided.
void score_reviewers(const std::vector<ScoredItem>& items, LabelScore& score) {
  std::map<std::pair<std::string, std::string>, std::array<std::int64_t, 4>> cells;
  for (const ScoredItem& item : items) {
    if (item.query.kind != "question") continue;
    for (auto first = item.answers.begin(); first != item.answers.end(); ++first) {
      for (auto second = std::next(first); second != item.answers.end(); ++second) {
        if (first->second == ReviewAnswer::unsure || second->second == ReviewAnswer::unsure) continue;
        const std::size_t cell =
            (first->second == ReviewAnswer::yes ? 0u : 2u) + (second->second == ReviewAnswer::yes ? 0u : 1u);
        ++cells[{first->first, second->first}][cell];
      }
    }
  }
  for (const auto& [names, c] : cells) {
    const double kappa = cohen_kappa(static_cast<double>(c[0]), static_cast<double>(c[1]),
                                     static_cast<double>(c[2]), static_cast<double>(c[3]));
    score.reviewers.push_back({names.first, names.second, c[0] + c[1] + c[2] + c[3], c[0] + c[3], kappa});
  }
}

std::string score_cell(double value) {
  return std::isfinite(value) ? fmt::format("{:.6g}", value) : std::string();
}

void add_score_row(CsvTable& table, const std::string& level, const NamedQuality& named) {
  for (const bool weighted : {true, false}) {
    const LabelRates& rates = weighted ? named.quality.weighted : named.quality.unweighted;
    std::vector<std::string> row = {level, named.name, named.category, weighted ? "weighted" : "unweighted",
                                    std::to_string(named.quality.items)};
    for (const Interval& rate : {rates.accuracy, rates.sensitivity, rates.specificity, rates.ppv, rates.npv,
                                 rates.f1, rates.kappa}) {
      for (const double value : {rate.value, rate.low, rate.high}) row.push_back(score_cell(value));
    }
    table.rows.push_back(std::move(row));
  }
}

void write_score_table(const fs::path& csv, const LabelScore& score) {
  CsvTable table;
  table.header = {"level", "name", "category", "weighting", "items"};
  for (const char* rate : {"accuracy", "sensitivity", "specificity", "ppv", "npv", "f1", "kappa"}) {
    for (const char* end : {"", "_low", "_high"}) table.header.push_back(std::string(rate) + end);
  }
  add_score_row(table, "all", {"all questions", "", score.overall});
  for (const NamedQuality& named : score.categories) add_score_row(table, "category", named);
  for (const NamedQuality& named : score.questions) add_score_row(table, "question", named);
  write_csv(csv, table);
}

}  // namespace

LabelScore score_rate_audits(const ScoreOptions& options, Notes& notes) {
  ScoredItems scored;
  std::map<std::string, int> times;
  const auto name_of = [](const fs::path& folder) {
    return fs::absolute(folder).lexically_normal().filename().empty()
               ? fs::absolute(folder).lexically_normal().parent_path().filename().string()
               : fs::absolute(folder).lexically_normal().filename().string();
  };
  for (const fs::path& folder : options.audits) ++times[name_of(folder)];
  for (const fs::path& folder : options.audits) {
    const std::string name = name_of(folder);
    scored.add(folder, times[name] > 1 ? folder.string() : name, notes);
  }
  LabelScore score;
  score.labeller = scored.labeller();
  score.bootstrap = options.bootstrap;
  score_questions(scored.items(), score);
  score_texts(scored.items(), score);
  score_reviewers(scored.items(), score);
  if (score.overall.items == 0 && score.texts.empty()) {
    fail(ErrorCategory::input, "{}: nothing has been answered yet, in the QC files or in review-NAME.csv",
         options.audits.empty() ? fs::path("(no folder)") : options.audits.front());
  }
  const WriteLock lock = WriteLock::of_folder(options.out);
  write_label_score(options.out / "score.json", score);
  write_score_table(options.out / "score.csv", score);
  write_label_score_page("How far the labels can be trusted", score, options.out / "score.html");
  return score;
}

}  // namespace pillar

#include "pillar/rate/agree.h"

#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/labels/labels.h"
#include "pillar/metrics/label_quality.h"

#include "core/shared/joined.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace pillar {
namespace {

void finish(QuestionAgreement& question) {
  const auto both = static_cast<double>(question.both_yes), first = static_cast<double>(question.first_only),
             second = static_cast<double>(question.second_only),
             neither = static_cast<double>(question.both_no);
  question.agreement = (both + neither) / (both + first + second + neither);  // NaN of no answer
  question.kappa = cohen_kappa(both, first, second, neither);
  std::sort(question.differing.begin(), question.differing.end());
}

void count(QuestionAgreement& question, bool first, bool second) {
  std::int64_t& cell = first ? (second ? question.both_yes : question.first_only)
                             : (second ? question.second_only : question.both_no);
  ++cell;
}

std::string agreement_cell(double value) {
  return std::isfinite(value) ? fmt::format("{:.6g}", value) : std::string();
}

}  // namespace

LabelAgreement compare_labels(const std::filesystem::path& first, const std::filesystem::path& second) {
  const LabelTable a = load_labels(first), b = load_labels(second);
  LabelAgreement agreement;
  std::vector<std::pair<std::string, std::pair<std::size_t, std::size_t>>> studies;
  for (const auto& [accession, row] : a.rows) {
    const auto other = b.rows.find(accession);
    if (other != b.rows.end()) studies.push_back({accession, {row, other->second}});
  }
  agreement.studies = static_cast<std::int64_t>(studies.size());
  agreement.first_studies = static_cast<std::int64_t>(a.rows.size() - studies.size());
  agreement.second_studies = static_cast<std::int64_t>(b.rows.size() - studies.size());
  if (studies.empty()) fail(ErrorCategory::input, "{} and {} have no study in common", first, second);
  for (std::size_t column = 0; column < a.questions.size(); ++column) {
    const auto other = std::lower_bound(b.questions.begin(), b.questions.end(), a.questions[column]);
    if (other == b.questions.end() || *other != a.questions[column]) {
      ++agreement.questions_left_out;
      continue;
    }
    const auto other_column = static_cast<std::size_t>(other - b.questions.begin());
    QuestionAgreement question;
    question.question = a.questions[column];
    question.category = a.categories[column];
    for (const auto& [accession, rows] : studies) {
      const std::int8_t one = a.answers[rows.first][column], two = b.answers[rows.second][other_column];
      if (one < 0 || two < 0) {
        ++agreement.missing;
        continue;
      }
      count(question, one == 1, two == 1);
      count(agreement.overall, one == 1, two == 1);
      if (one != two) question.differing.push_back(accession);
    }
    finish(question);
    agreement.questions.push_back(std::move(question));
  }
  agreement.questions_left_out += static_cast<std::int64_t>(b.questions.size() - agreement.questions.size());
  if (agreement.questions.empty())
    fail(ErrorCategory::input, "{} and {} have no question in common", first, second);
  finish(agreement.overall);
  std::stable_sort(agreement.questions.begin(), agreement.questions.end(),
                   [](const QuestionAgreement& x, const QuestionAgreement& y) {
                     return x.differing.size() > y.differing.size();
                   });
  return agreement;
}

void write_label_agreement(const std::filesystem::path& csv, const LabelAgreement& agreement) {
  CsvTable table;
  table.header = {"question", "category",  "both_yes", "first_only", "second_only",
                  "both_no",  "agreement", "kappa",    "differing"};
  for (const QuestionAgreement& q : agreement.questions) {
    table.rows.push_back({q.question, q.category, std::to_string(q.both_yes), std::to_string(q.first_only),
                          std::to_string(q.second_only), std::to_string(q.both_no),
                          agreement_cell(q.agreement), agreement_cell(q.kappa), joined(q.differing, " ")});
  }
  write_csv(csv, table);
}

}  // namespace pillar

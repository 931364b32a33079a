#include "pillar/eval/public_results.h"

#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/core/file.h"

#include "metrics/shared/run_folder.h"

#include <cmath>
#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr const char* kModelName = "auto";  // what the public evaluator calls every model and pooling
constexpr const char* kPoolOp = "mean";

struct Row {
  double accuracy, precision, recall, f1, auc, specificity;
};
constexpr std::array<std::pair<const char*, double Row::*>, 6> kColumns = {
    {{"accuracy", &Row::accuracy},
     {"precision", &Row::precision},
     {"recall", &Row::recall},
     {"f1", &Row::f1},
     {"auc", &Row::auc},
     {"specificity", &Row::specificity}}};

Row row_of(const QuestionEvaluation& question) {
  const Confusion& c = question.confusion;
  const double auc = std::isnan(question.auroc.value) ? 0 : question.auroc.value;
  return {c.accuracy(), c.precision(), c.recall(), c.f1(), auc, c.specificity()};
}

// As Python writes a float: the shortest digits that read back, with ".0" where they look like an integer.
std::string python_float(double value) {
  std::string text = fmt::format("{}", value);
  if (text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
  return text;
}

void write_detailed(const fs::path& file, const Evaluation& evaluation) {
  CsvTable table;
  table.header = {"question", "model_name", "pool_op"};
  for (const auto& [name, member] : kColumns) table.header.emplace_back(name);
  for (const char* name : {"num_samples", "num_positive", "num_negative"}) table.header.emplace_back(name);
  for (const QuestionEvaluation& question : evaluation.questions) {
    std::vector<std::string>& line = table.rows.emplace_back();
    line = {question.question, kModelName, kPoolOp};
    const Row row = row_of(question);
    for (const auto& [name, member] : kColumns) line.push_back(python_float(row.*member));
    for (const std::int64_t count : {question.num_samples, question.num_positive, question.num_negative})
      line.push_back(std::to_string(count));
  }
  write_csv(file, table);
}

void add_means(ordered_json& summary, const std::string& prefix, const std::vector<Row>& rows) {
  for (const auto& [name, member] : kColumns) {
    double sum = 0;
    for (const Row& row : rows) sum += row.*member;
    summary[prefix + name] = rows.empty() ? 0.0 : sum / static_cast<double>(rows.size());
  }
}

// full_*: all questions, twice, since no share of positives tells common findings from rare ones there.
void write_summary(const fs::path& file, const Evaluation& evaluation) {
  std::vector<Row> all, both_classes;
  for (const QuestionEvaluation& question : evaluation.questions) {
    all.push_back(row_of(question));
    if (question.num_positive > 0 && question.num_negative > 0) both_classes.push_back(all.back());
  }
  ordered_json summary;
  summary["model_name"] = kModelName;
  summary["pool_op"] = kPoolOp;
  summary["total_findings"] = evaluation.questions.size();
  summary["evaluated_findings"] = evaluation.questions.size();
  add_means(summary, "avg_", all);
  for (const auto& [name, member] : kColumns) {
    const double mean = summary[fmt::format("avg_{}", name)];
    summary[fmt::format("full_common_{}", name)] = mean;
    summary[fmt::format("full_rare_{}", name)] = mean;
  }
  summary["full_common_count"] = all.size();
  summary["full_rare_count"] = all.size();
  add_means(summary, "drop_zeros_common_", both_classes);
  summary["drop_zeros_common_count"] = both_classes.size();
  add_means(summary, "drop_zeros_rare_", {});
  summary["drop_zeros_rare_count"] = 0;
  summary["drop_zeros_total_questions"] = both_classes.size();
  write_file_atomic(file, summary.dump(2, ' ', true));
}

void write_training(const fs::path& file, const Evaluation& evaluation, const TrainingCounts& training) {
  ordered_json stats = ordered_json::object();
  for (std::size_t q = 0; q < evaluation.questions.size(); ++q) {
    const std::int64_t positives = training.positives_q.at(q), negatives = training.negatives_q.at(q);
    stats[evaluation.questions[q].question] = {{"positive_samples", positives},
                                               {"negative_samples", negatives},
                                               {"total_samples", positives + negatives}};
  }
  write_file_atomic(file, stats.dump(2, ' ', true));
}

}  // namespace

void write_probability_rows(const fs::path& csv, const std::vector<std::string>& accessions,
                            const std::vector<std::string>& questions, const at::Tensor& probabilities_qn,
                            const at::Tensor* answers_qn) {
  PartialPath partial(csv);
  std::ofstream out(partial.path(), std::ios::binary);
  const at::Tensor probabilities = probabilities_qn.to(at::kFloat).contiguous();
  const auto* probability = probabilities.const_data_ptr<float>();
  at::Tensor answers;
  if (answers_qn != nullptr) answers = answers_qn->contiguous();
  const auto* answer = answers.defined() ? answers.const_data_ptr<std::int8_t>() : nullptr;
  std::vector<std::string> studies;
  for (const std::string& accession : accessions) studies.push_back(csv_field(accession));
  fmt::memory_buffer lines;
  const auto add = [&](fmt::string_view text) { lines.append(text.begin(), text.end()); };
  add("accession,question,probability,prediction");
  add(answer != nullptr ? ",true_label\n" : "\n");
  for (const std::string& text : questions) {
    const std::string question = csv_field(text);
    for (const std::string& study : studies) {
      const float value = *probability++;
      const int truth = answer != nullptr ? *answer++ : 0;
      if (truth < 0) continue;
      fmt::format_to(std::back_inserter(lines), "{},{},{},{}", study, question,
                     python_float(static_cast<double>(value)), value > 0.5F ? 1 : 0);
      if (answer != nullptr) fmt::format_to(std::back_inserter(lines), ",{}", truth);
      lines.push_back('\n');
    }
    out.write(lines.data(), static_cast<std::streamsize>(lines.size()));
    lines.clear();
  }
  out.close();
  if (!out) fail(ErrorCategory::io, "{}: cannot write it", csv);
  partial.commit();
}

namespace {

// Of a run without scores of its own, none of another run must be left.
void write_exam_scores(const fs::path& csv, const Predictions& predictions) {
  if (!predictions.ranking_qn.defined()) {
    std::error_code ignored;
    fs::remove(csv, ignored);
    return;
  }
  PartialPath partial(csv);
  std::ofstream out(partial.path(), std::ios::binary);
  out << "accession,question,score\n";
  const at::Tensor scores = predictions.ranking_qn.to(at::kDouble).contiguous();
  const auto* score = scores.const_data_ptr<double>();
  const auto* answer = predictions.answers_qn.const_data_ptr<std::int8_t>();
  fmt::memory_buffer lines;
  for (const std::string& text : predictions.questions) {
    const std::string question = csv_field(text);
    for (const std::string& accession : predictions.accessions) {
      const double value = *score++;
      if (*answer++ < 0) continue;
      fmt::format_to(std::back_inserter(lines), "{},{},{}\n", csv_field(accession), question, value);
    }
    out.write(lines.data(), static_cast<std::streamsize>(lines.size()));
    lines.clear();
  }
  out.close();
  if (!out) fail(ErrorCategory::io, "{}: cannot write it", csv);
  partial.commit();
}

}  // namespace

void write_public_results(const fs::path& run_folder, const Predictions& predictions,
                          const Evaluation& evaluation, const std::optional<TrainingCounts>& training) {
  if (!predictions.probabilities)
    fail(ErrorCategory::usage, "{}: the public evaluator's files hold probabilities, these are other scores",
         run_folder);
  make_run_folder(run_folder);
  write_detailed(run_folder / "detailed_results.csv", evaluation);
  write_probability_rows(run_folder / "exam_probabilities.csv", predictions.accessions, predictions.questions,
                         predictions.scores_qn, &predictions.answers_qn);
  write_exam_scores(run_folder / "exam_scores.csv", predictions);
  write_summary(run_folder / "summary_stats.json", evaluation);
  if (training) write_training(run_folder / "training_stats.json", evaluation, *training);
}

}  // namespace pillar

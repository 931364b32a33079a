#include "pillar/eval/probe_job.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"
#include "pillar/eval/public_results.h"
#include "pillar/labels/patients.h"
#include "pillar/labels/question_list.h"

#include "eval/evidence/error_places.h"
#include "eval/probe/few_shot.h"
#include "eval/probe/pair_split.h"
#include "eval/probe/probe_data.h"
#include "eval/probe/probe_fit.h"
#include "eval/probe/probe_split.h"
#include "eval/unknown_answers.h"

#include <algorithm>
#include <cmath>

#include <ATen/ops/index_select.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace pillar {
namespace {

// Only the list's questions, under its categories; the columns keep their order.
void keep_listed(LabelTable& labels, const std::filesystem::path& file) {
  const QuestionList list = load_question_list(file);
  log_notes(list.notes);
  std::map<std::string, std::string> category_of;
  for (std::size_t q = 0; q < list.questions.size(); ++q) category_of[list.questions[q]] = list.categories[q];
  std::vector<std::size_t> columns;
  for (std::size_t q = 0; q < labels.questions.size(); ++q) {
    if (category_of.count(labels.questions[q]) != 0) columns.push_back(q);
  }
  if (columns.empty())
    fail(ErrorCategory::input, "{}: none of its {} questions is in the labels", file, list.questions.size());
  if (columns.size() < list.questions.size())
    spdlog::warn("{}: {} of its {} questions are not in the labels", file.string(),
                 list.questions.size() - columns.size(), list.questions.size());
  const auto kept = [&](auto& values) {
    std::remove_cvref_t<decltype(values)> to;
    for (const std::size_t column : columns) to.push_back(values[column]);
    values = std::move(to);
  };
  kept(labels.questions);
  for (std::vector<std::int8_t>& row : labels.answers) kept(row);
  labels.categories.clear();
  for (const std::string& question : labels.questions) labels.categories.push_back(category_of[question]);
}

LabelTable read_labels(const ProbeJob& job) {
  LabelTable labels =
      load_labels(job.labels, job.label_map.empty() ? standard_answers() : load_answer_map(job.label_map));
  log_notes(labels.notes);
  if (!job.questions.empty()) keep_listed(labels, job.questions);
  return labels;
}

void warn_of_one_class(const KnownAnswers& counts, const LabelTable& labels, const std::string& split) {
  std::vector<std::string> names;
  for (std::size_t q = 0; q < labels.questions.size(); ++q) {
    if (counts.yes_q[q] == 0 || counts.yes_q[q] == counts.known_q[q])
      names.push_back(printable(labels.questions[q]));
  }
  if (!names.empty())
    spdlog::warn("{}: {} of {} questions have one answer only ('{}' is the first)", split, names.size(),
                 labels.questions.size(), names.front());
}

TrainingCounts training_counts(const BenchmarkSplit& train, const KnownAnswers& counts, std::int64_t valid) {
  TrainingCounts training;
  training.train = static_cast<std::int64_t>(train.accessions.size());
  training.valid = valid;
  training.positives_q = counts.yes_q;
  for (std::size_t q = 0; q < counts.known_q.size(); ++q)
    training.negatives_q.push_back(counts.known_q[q] - counts.yes_q[q]);
  return training;
}

std::map<std::string, std::string> settings_of(const ProbeJob& job, std::int64_t studies) {
  std::map<std::string, std::string> settings = {
      {"solver", to_string(job.solver)},
      {"train split", job.train_split},
      {"test split", job.test_split},
      {"missing answers", how_counted(job.answers.missing)},
      {"uncertain answers", how_counted(job.answers.uncertain)},
      {"standardize", job.standardize ? "yes" : "no"},
      {"seed", std::to_string(job.seed)},
  };
  if (job.min_positives > 0) settings["fewest positives"] = std::to_string(job.min_positives);
  if (job.pairs) settings["pairs"] = to_string(job.pair_features);
  if (job.solver == ProbeSolver::adam) {
    settings["epochs"] = std::to_string(job.adam.epochs);
    settings["learning rate"] = fmt::format("{}", job.adam.lr);
    settings["weight decay"] = fmt::format("{}", job.adam.weight_decay);
    settings["batch size"] = std::to_string(job.adam.batch_size);
    settings["precision"] = to_string(precision_used(job.adam, studies));
  } else if (job.solver == ProbeSolver::knn) {
    settings["neighbours"] = std::to_string(job.neighbours);
  } else if (job.l2) {
    settings["l2"] = fmt::format("{}", *job.l2);
  } else {
    settings["valid split"] = job.valid_split;
    settings["l2 path"] =
        fmt::format("{} x the embeddings' mean variance", fmt::join(job.lbfgs.l2_path, ", "));
  }
  return settings;
}

std::vector<NamedMaker> makers_of(const std::vector<BenchmarkSplit*>& splits) {
  std::vector<NamedMaker> makers;
  for (const BenchmarkSplit* split : splits) makers.push_back(split->maker);
  return makers;
}

// Where questions are about change: a split's pairs for its studies. Throws as check_patients_apart().
ChangeOfSplit pairs_of_splits(const ProbeJob& job) {
  if (!job.pairs) return {};
  std::vector<std::string> splits = {job.train_split, job.test_split};
  if (!EmbeddingCache::is_empty(job.cache, job.valid_split)) splits.push_back(job.valid_split);
  if (!job.allow_overlap) check_patients_apart(job.cache, splits, *job.pairs);
  return [&job](const EmbeddingSet& set, const std::string& split) {
    return pair_embeddings(set, split, *job.pairs, job.pair_features);
  };
}

RunRecord record_of(const ProbeJob& job, const std::vector<BenchmarkSplit*>& splits, const std::string& mixed,
                    const std::vector<std::string>& shared) {
  RunRecord record;
  record.kind = "probe";
  record.command = job.command;
  record.settings = settings_of(job, static_cast<std::int64_t>(splits.front()->accessions.size()));
  record_maker(makers_of(splits), mixed, record);
  if (!shared.empty()) record.settings["shared by splits"] = fmt::format("{}", fmt::join(shared, "; "));
  record.inputs.push_back(file_record("labels", job.labels));
  if (!job.label_map.empty()) record.inputs.push_back(file_record("label map", job.label_map));
  for (const BenchmarkSplit* split : splits) record.inputs.push_back(split->record);
  if (!job.init.empty()) record.inputs.push_back(file_record("start", job.init));
  if (!job.questions.empty()) record.inputs.push_back(file_record("questions", job.questions));
  if (!job.patients.empty()) record.inputs.push_back(file_record("patients", job.patients));
  if (job.pairs) record.inputs.push_back(file_record("pairs", job.pairs->file));
  return record;
}

}  // namespace

const char* to_string(ProbeSolver solver) noexcept {
  if (solver == ProbeSolver::knn) return "knn";
  return solver == ProbeSolver::adam ? "adam" : "lbfgs";
}

namespace {

struct ProbeSplits {
  BenchmarkSplit train, test;
  std::optional<BenchmarkSplit> valid;  // where L-BFGS chooses its penalty
  std::vector<std::string> shared;      // what splits have in common, in words
  std::string mixed;                    // of makers

  std::vector<BenchmarkSplit*> all() {
    std::vector<BenchmarkSplit*> splits = {&train, &test};
    if (valid) splits.push_back(&*valid);
    return splits;
  }
  const ProbeData* valid_data() const { return valid ? &valid->data : nullptr; }
};

// Loaded, held apart, of one maker.
ProbeSplits load_splits(const ProbeJob& job, const LabelTable& labels, const PatientTable& patients) {
  const ChangeOfSplit change = pairs_of_splits(job);
  const auto load = [&](const std::string& name) {
    return load_split(job.cache, name, labels, job.answers, change);
  };
  ProbeSplits splits{load(job.train_split), load(job.test_split), {}, {}, {}};
  const auto hold_apart = [&](const BenchmarkSplit& a, const BenchmarkSplit& b) {
    const std::string both = check_apart(a, b, patients, job.allow_overlap);
    if (!both.empty()) splits.shared.push_back(both);
  };
  hold_apart(splits.train, splits.test);
  if (job.solver == ProbeSolver::lbfgs && !job.l2) {
    if (EmbeddingCache::is_empty(job.cache, job.valid_split))
      fail(ErrorCategory::usage, "{}: no split {}, on which L-BFGS chooses its L2 penalty; --l2 gives one",
           job.cache, job.valid_split);
    splits.valid = load(job.valid_split);
    hold_apart(splits.train, *splits.valid);
    hold_apart(*splits.valid, splits.test);
  }
  splits.mixed = check_makers(makers_of(splits.all()), job.allow_mixed);
  return splits;
}

// Takes questions of too few positive studies out of labels and splits, and returns them.
std::vector<LeftOutQuestion> leave_out_rare(std::int64_t min_positives, LabelTable& labels,
                                            ProbeSplits& splits) {
  if (min_positives <= 0) return {};
  const KnownAnswers train = count_answers(splits.train.data.answers_qn),
                     test = count_answers(splits.test.data.answers_qn);
  std::vector<LeftOutQuestion> left_out;
  std::vector<std::int64_t> kept;
  LabelTable remaining;
  for (std::size_t q = 0; q < labels.questions.size(); ++q) {
    if (std::min(train.yes_q[q], test.yes_q[q]) < min_positives) {
      left_out.push_back({labels.questions[q], train.yes_q[q], test.yes_q[q]});
      continue;
    }
    kept.push_back(static_cast<std::int64_t>(q));
    remaining.questions.push_back(labels.questions[q]);
    remaining.categories.push_back(labels.categories[q]);
  }
  if (left_out.empty()) return left_out;
  if (kept.empty())
    fail(ErrorCategory::input, "none of {} questions has {} positive studies in both {} and {}",
         labels.questions.size(), min_positives, splits.train.name, splits.test.name);
  spdlog::warn("{} of {} questions have fewer than {} positive studies in {} or {} and are left out",
               left_out.size(), labels.questions.size(), min_positives, splits.train.name, splits.test.name);
  const at::Tensor rows = at::tensor(kept, at::kLong);
  for (BenchmarkSplit* split : splits.all()) {
    split->data.answers_qn = at::index_select(split->data.answers_qn, 0, rows);
    split->given_qn = at::index_select(split->given_qn, 0, rows);
  }
  labels.questions = std::move(remaining.questions);
  labels.categories = std::move(remaining.categories);
  return left_out;
}

Predictions predictions_of(const ProbeFit& fit, const BenchmarkSplit& test, const LabelTable& labels) {
  return {test.accessions,      labels.questions,     labels.categories,
          fit.probabilities_qn, test.data.answers_qn, true,
          fit.ranking_qn,       test.given_qn};
}

std::vector<FewShotPoint> curve_of(const ProbeJob& job, const ProbeSplits& splits, const LabelTable& labels,
                                   EvaluationOptions options) {
  options.bootstrap.replicates = 0;
  return few_shot_curve(job, splits.train.data, [&](const ProbeData& data, std::uint64_t seed) {
    const ProbeFit fit =
        fit_and_score(job, data, splits.valid_data(), splits.test.data.embeddings_nd, seed, true);
    return evaluate(predictions_of(fit, splits.test, labels), options);
  });
}

// probe.safetensors, and where the most confident errors come from. Of a solver that fits none, and of pairs
// of studies, those of an earlier run must not be left.
void keep_probe(const ProbeJob& job, const ProbeFit& fit, const ProbeSplits& splits,
                const std::vector<std::string>& questions, const Evaluation& evaluation) {
  const std::filesystem::path file = job.out / "probe.safetensors";
  std::error_code ignored;
  if (!fit.probe) std::filesystem::remove(file, ignored);
  if (!fit.probe || job.pairs) std::filesystem::remove(job.out / "error_places.csv", ignored);
  if (!fit.probe) return;
  const at::Tensor mean_d = splits.train.data.embeddings_nd.mean(0, false, at::kDouble).to(at::kFloat);
  NamedProbe named{*fit.probe, questions, splits.train.maker.maker, mean_d};
  // Features of two studies may be as many as those of one, and are no embeddings all the same.
  if (job.pairs && job.pair_features != PairFeatures::current && named.maker)
    (*named.maker)["pairs"] = to_string(job.pair_features);
  save_probe(file, named);
  if (!job.pairs)
    write_error_places(job.out, job.cache, job.test_split,
                       {splits.test.accessions, splits.test.data.embeddings_nd}, named, evaluation);
}

}  // namespace

Evaluation run_probe(const ProbeJob& job) {
  EvaluationOptions options;
  options.bootstrap = job.bootstrap;
  options.bootstrap.seed = job.seed;
  check_bootstrap_options(options.bootstrap);
  if (job.pairs)
    options.patients = job.pairs->patients;
  else if (!job.patients.empty())
    options.patients = read_patients(job.patients);
  LabelTable labels = read_labels(job);
  ProbeSplits splits = load_splits(job, labels, options.patients);
  const std::vector<LeftOutQuestion> left_out = leave_out_rare(job.min_positives, labels, splits);
  const BenchmarkSplit &train = splits.train, &test = splits.test;
  const KnownAnswers counts = count_answers(train.data.answers_qn);
  warn_of_one_class(counts, labels, train.name);
  warn_of_one_class(count_answers(test.data.answers_qn), labels, test.name);

  const ProbeFit fit =
      fit_and_score(job, train.data, splits.valid_data(), test.data.embeddings_nd, job.seed, job.quiet);
  const Predictions predictions = predictions_of(fit, test, labels);
  Evaluation evaluation = evaluate(predictions, options);
  evaluation.min_positives = job.min_positives;
  evaluation.left_out = left_out;
  evaluation.few_shot = curve_of(job, splits, labels, options);
  const std::int64_t valid_count =
      splits.valid ? static_cast<std::int64_t>(splits.valid->accessions.size()) : 0;
  const TrainingCounts training = training_counts(train, counts, valid_count);
  write_public_results(job.out, predictions, evaluation, training);
  keep_probe(job, fit, splits, labels.questions, evaluation);
  write_evaluation(job.out, evaluation, record_of(job, splits.all(), splits.mixed, splits.shared), training);
  return evaluation;
}

std::int64_t run_predict(const PredictJob& job) {
  const NamedProbe named = load_probe(job.probe);
  check_makers({{job.probe.string(), named.maker}, named_maker(job.cache, job.split)}, job.allow_mixed);
  const EmbeddingSet set = load_embeddings(job.cache, job.split);
  const at::Tensor probabilities = probe_probabilities(named.probe, set.embeddings);
  write_probability_rows(job.out, set.accessions, named.questions, probabilities, nullptr);
  return static_cast<std::int64_t>(set.accessions.size());
}

}  // namespace pillar

#include "pillar/eval/probe_job.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"
#include "pillar/core/progress.h"
#include "pillar/eval/public_results.h"
#include "pillar/labels/patients.h"
#include "pillar/labels/question_list.h"

#include "eval/probe/probe_data.h"
#include "eval/probe/probe_split.h"

#include <algorithm>
#include <cmath>

#include <ATen/TensorOperators.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace pillar {
namespace {

struct Standardization {
  at::Tensor mean_d, scale_d;  // float32; undefined: none
};

Standardization standardization_of(const at::Tensor& x_nd) {
  const at::Tensor wide = x_nd.to(at::kDouble);
  const at::Tensor mean = wide.mean(0);
  at::Tensor scale = (wide - mean).square_().mean(0).sqrt_();
  scale.masked_fill_(scale == 0, 1);  // a constant column says nothing
  return {mean.to(at::kFloat), scale.to(at::kFloat)};
}

void standardize(const Standardization& by, at::Tensor& x_nd) {
  if (by.mean_d.defined()) x_nd = (x_nd - by.mean_d).div_(by.scale_d);
}

// The same logits from embeddings as they are.
LinearProbe of_raw_embeddings(const Standardization& by, const LinearProbe& probe) {
  if (!by.mean_d.defined()) return probe;
  const at::Tensor weight = probe.weight_qd / by.scale_d;
  return {weight, probe.bias_q - weight.mv(by.mean_d)};
}

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
  LabelTable labels = load_labels(job.labels);
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

LinearProbe fit_adam(const ProbeJob& job, const ProbeData& train) {
  const std::int64_t questions = train.answers_qn.size(0), width = train.embeddings_nd.size(1);
  const LinearProbe start =
      job.init.empty() ? random_probe(questions, width, job.seed) : load_probe_start(job.init);
  ProgressOptions options;
  options.label = "probe";
  options.unit = "epochs";
  options.total = job.adam.epochs;
  options.quiet = job.quiet;
  Progress progress(options);
  AdamProbeOptions adam = job.adam;
  adam.seed = job.seed;
  return fit_probe_adam(train, start, adam, [&](std::int64_t) { progress.advance(); });
}

LinearProbe fit_lbfgs(const ProbeJob& job, const ProbeData& train, const ProbeData* valid) {
  LbfgsProbeOptions options = job.lbfgs;
  if (job.l2) options.l2_path = {*job.l2};
  options.absolute_l2 = job.l2.has_value();
  const LbfgsProbe fit = fit_probe_lbfgs(train, valid, options);
  const double worst = *std::max_element(fit.gradient_norm_q.begin(), fit.gradient_norm_q.end());
  if (worst > options.tolerance)
    spdlog::warn("L-BFGS: the largest gradient norm is {:.2g}, not below {:.2g}", worst, options.tolerance);
  else
    spdlog::info("L-BFGS: {} passes over the data, largest gradient norm {:.2g}", fit.passes, worst);
  return fit.probe;
}

std::map<std::string, std::string> settings_of(const ProbeJob& job, std::int64_t studies) {
  std::map<std::string, std::string> settings = {
      {"solver", to_string(job.solver)},
      {"train split", job.train_split},
      {"test split", job.test_split},
      {"missing answers", job.missing == MissingAnswers::no ? "no" : "left out"},
      {"standardize", job.standardize ? "yes" : "no"},
      {"seed", std::to_string(job.seed)},
  };
  if (job.solver == ProbeSolver::adam) {
    settings["epochs"] = std::to_string(job.adam.epochs);
    settings["learning rate"] = fmt::format("{}", job.adam.lr);
    settings["weight decay"] = fmt::format("{}", job.adam.weight_decay);
    settings["batch size"] = std::to_string(job.adam.batch_size);
    settings["precision"] = to_string(precision_used(job.adam, studies));
  } else if (job.l2) {
    settings["l2"] = fmt::format("{}", *job.l2);
  } else {
    settings["valid split"] = job.valid_split;
    settings["l2 path"] =
        fmt::format("{} x the embeddings' mean variance", fmt::join(job.lbfgs.l2_path, ", "));
  }
  return settings;
}

RunRecord record_of(const ProbeJob& job, const std::vector<const BenchmarkSplit*>& splits) {
  RunRecord record;
  record.kind = "probe";
  record.command = job.command;
  record.settings = settings_of(job, static_cast<std::int64_t>(splits.front()->accessions.size()));
  record.inputs.push_back(file_record("labels", job.labels));
  for (const BenchmarkSplit* split : splits) record.inputs.push_back(split->record);
  if (!job.init.empty()) record.inputs.push_back(file_record("start", job.init));
  if (!job.questions.empty()) record.inputs.push_back(file_record("questions", job.questions));
  if (!job.patients.empty()) record.inputs.push_back(file_record("patients", job.patients));
  return record;
}

}  // namespace

const char* to_string(ProbeSolver solver) noexcept {
  return solver == ProbeSolver::adam ? "adam" : "lbfgs";
}

Evaluation run_probe(const ProbeJob& job) {
  EvaluationOptions evaluation_options;
  evaluation_options.bootstrap = job.bootstrap;
  evaluation_options.bootstrap.seed = job.seed;
  check_bootstrap_options(evaluation_options.bootstrap);
  if (!job.patients.empty()) evaluation_options.patients = read_patients(job.patients);
  const LabelTable labels = read_labels(job);
  BenchmarkSplit train = load_split(job.cache, job.train_split, labels, job.missing);
  BenchmarkSplit test = load_split(job.cache, job.test_split, labels, job.missing);
  check_apart(train, test, job.allow_overlap);
  std::vector<const BenchmarkSplit*> splits = {&train, &test};
  std::optional<BenchmarkSplit> valid;
  if (job.solver == ProbeSolver::lbfgs && !job.l2) {
    if (EmbeddingCache::is_empty(job.cache, job.valid_split))
      fail(ErrorCategory::usage, "{}: no split {}, on which L-BFGS chooses its L2 penalty; --l2 gives one",
           job.cache, job.valid_split);
    valid = load_split(job.cache, job.valid_split, labels, job.missing);
    check_apart(train, *valid, job.allow_overlap);
    check_apart(*valid, test, job.allow_overlap);
    splits.push_back(&*valid);
  }
  const KnownAnswers counts = count_answers(train.data.answers_qn);
  warn_of_one_class(counts, labels, train.name);
  warn_of_one_class(count_answers(test.data.answers_qn), labels, test.name);

  Standardization by;
  if (job.standardize) by = standardization_of(train.data.embeddings_nd);
  standardize(by, train.data.embeddings_nd);
  if (valid) standardize(by, valid->data.embeddings_nd);
  const LinearProbe fitted = job.solver == ProbeSolver::adam
                                 ? fit_adam(job, train.data)
                                 : fit_lbfgs(job, train.data, valid ? &valid->data : nullptr);
  const LinearProbe probe = of_raw_embeddings(by, fitted);

  const at::Tensor logits_qn = probe_logits(probe, test.data.embeddings_nd);
  const Predictions predictions{
      test.accessions, labels.questions, labels.categories, logits_qn.sigmoid(), test.data.answers_qn, true,
      logits_qn};
  const Evaluation evaluation = evaluate(predictions, evaluation_options);
  const std::int64_t valid_count = valid ? static_cast<std::int64_t>(valid->accessions.size()) : 0;
  const TrainingCounts training = training_counts(train, counts, valid_count);
  write_public_results(job.out, predictions, evaluation, training);
  save_probe(job.out / "probe.safetensors", {probe, labels.questions});
  write_evaluation(job.out, evaluation, record_of(job, splits), training);
  return evaluation;
}

std::int64_t run_predict(const PredictJob& job) {
  const NamedProbe named = load_probe(job.probe);
  const EmbeddingSet set = load_embeddings(job.cache, job.split);
  const at::Tensor probabilities = probe_probabilities(named.probe, set.embeddings);
  write_probability_rows(job.out, set.accessions, named.questions, probabilities, nullptr);
  return static_cast<std::int64_t>(set.accessions.size());
}

}  // namespace pillar

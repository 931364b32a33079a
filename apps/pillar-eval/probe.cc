// pillar-eval probe.
#include "pillar/core/fail.h"
#include "pillar/eval/compare.h"
#include "pillar/eval/probe_job.h"
#include "pillar/metrics/label_noise.h"
#include "pillar/viz/evaluation_report.h"

#include "commands.h"
#include "label_options.h"
#include "sample_pictures.h"
#include "support/statistics.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace pillar {
namespace {

struct ProbeArguments {
  ProbeJob job;
  std::string solver = "adam";
  LabelFlags labels;
  std::vector<std::string> few_shot;
  std::filesystem::path samples, pairs;
  std::string pair_features = to_string(PairFeatures::all);
  int pages = 20;
  std::string precision = to_string(ProbePrecision::automatic);
  double l2 = 0;
  std::filesystem::path label_noise;
};

void print_summary(const ProbeJob& job, const Evaluation& evaluation) {
  fmt::print("studies tested        {}\n", evaluation.num_studies);
  fmt::print("questions             {}, {} with both answers in the test split\n",
             evaluation.questions.size(), evaluation.num_evaluated);
  fmt::print("macro AUROC           {}\n", interval_text(evaluation.auroc.mean));
  fmt::print("macro avg. precision  {}\n", interval_text(evaluation.average_precision.mean));
  print_unknown(evaluation);
  for (const FewShotPoint& point : evaluation.few_shot)
    fmt::print("{:>6} yes + no       macro AUROC {}, {} draws\n",
               point.shots == 0 ? "all" : fmt::format("{}", point.shots), interval_text(point.auroc),
               point.draws);
  if (!evaluation.left_out.empty()) {
    fmt::print("left out              {} questions with fewer than {} positive studies: \"{}\"{}\n",
               evaluation.left_out.size(), evaluation.min_positives, evaluation.left_out.front().question,
               evaluation.left_out.size() > 1 ? " and others (report.html)" : "");
  }
  for (const CategoryEvaluation& category : evaluation.categories)
    fmt::print("  {:<20}AUROC {}, {} questions\n", category.name, interval_text(category.auroc.mean),
               category.auroc.questions);
  fmt::print("{}: report.html, metrics.csv, exam_probabilities.csv, {}...\n", job.out.string(),
             job.solver == ProbeSolver::knn ? "" : "probe.safetensors, ");
}

// Viewer pages of the studies that the probe is most confidently wrong about, over all questions.
void write_error_pages(const ProbeArguments& a, const Evaluation& evaluation) {
  std::vector<ConfidentError> errors;
  for (const QuestionEvaluation& question : evaluation.questions)
    errors.insert(errors.end(), question.errors.begin(), question.errors.end());
  const auto distance = [](const ConfidentError& error) { return std::abs(error.score - error.answer); };
  std::stable_sort(errors.begin(), errors.end(), [&](const ConfidentError& x, const ConfidentError& y) {
    return distance(x) > distance(y);
  });
  std::vector<std::string> accessions;
  for (const ConfidentError& error : errors) accessions.push_back(error.accession);
  write_view_pages(SampleFinder(a.samples), accessions, a.job.out, a.pages);
}

// What the measured quality of the labels makes of each AUROC.
void write_noise(const ProbeArguments& a, const Evaluation& evaluation, const LabelScore& score, bool quiet) {
  LabelNoiseOptions options;
  options.seed = a.job.seed;
  const auto questions = correct_for_label_noise(evaluation, score, options);
  write_label_noise(a.job.out / "label_noise.csv", questions);
  if (quiet) return;
  fmt::print(
      "noise of the labels   AUROC against them, what a perfect score would reach, against the truth\n");
  for (const NoisyQuestion& q : questions) {
    fmt::print("  {:<44}{:.3f}  {}  {}\n", q.question, q.observed.value,
               std::isnan(q.reachable) ? "undefined" : fmt::format("{:.3f}", q.reachable),
               interval_text(q.corrected));
  }
}

// "1,4,16,all"; 0 stands for all.
std::vector<std::int64_t> parse_shots(const std::vector<std::string>& words) {
  std::vector<std::int64_t> shots;
  for (const std::string& word : words) {
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), count);
    const bool is_count = error == std::errc() && end == word.data() + word.size() && count > 0;
    if (!is_count && word != "all")
      fail(ErrorCategory::usage, "--few-shot: '{}' is neither a number from 1 on nor all", word);
    shots.push_back(is_count ? count : 0);
  }
  return shots;
}

// Change counts where it beats the probe that sees the current study alone: <out>/current, and
// <out>/comparison.
void compare_with_current_alone(const ProbeJob& job, const std::vector<std::string>& words) {
  ProbeJob alone = job;
  alone.pair_features = PairFeatures::current;
  alone.out = job.out / "current";
  alone.few_shot.clear();
  alone.quiet = true;
  run_probe(alone);
  write_evaluation_report(alone.out, alone.out / "report.html");
  std::vector<RunScores> runs = {load_run_scores(alone.out), load_run_scores(job.out)};
  runs[0].name = "current study alone";
  runs[1].name = fmt::format("pairs, {}", to_string(job.pair_features));
  const Comparison comparison = compare_runs(runs, job.bootstrap, job.pairs->patients);
  RunRecord record;
  record.kind = "compare";
  record.command = words;
  write_comparison(job.out / "comparison", comparison, record);
  write_evaluation_report(job.out / "comparison", job.out / "comparison" / "report.html");
  if (job.quiet) return;
  const RunComparison& pairs = comparison.comparisons.front();
  fmt::print("{:<46}{:>8}{:>9}  {}\n", "AUROC", "alone", "pairs", "difference");
  for (const QuestionComparison& question : pairs.questions)
    fmt::print("{:<46}{:>8.3f}{:>9.3f}  {}, {}\n", question.question, question.baseline_auroc, question.auroc,
               interval_text(question.difference), to_string(question.verdict));
  fmt::print("{}: report.html\n", (job.out / "comparison").string());
}

ExitCode probe(ProbeArguments& a, const std::vector<std::string>& words, bool quiet) {
  for (const ProbeSolver solver : {ProbeSolver::adam, ProbeSolver::lbfgs, ProbeSolver::knn})
    if (a.solver == to_string(solver)) a.job.solver = solver;
  a.job.answers = a.labels.rules();
  if (a.l2 > 0) a.job.l2 = a.l2;
  if (a.job.l2 && a.job.solver != ProbeSolver::lbfgs)
    fail(ErrorCategory::usage, "--l2 goes with --solver lbfgs; Adam has --weight-decay");
  if (!a.job.init.empty() && a.job.solver != ProbeSolver::adam)
    fail(ErrorCategory::usage, "--init goes with --solver adam: no other has a start that matters");
  a.job.seed = a.job.bootstrap.seed;
  a.job.few_shot = parse_shots(a.few_shot);
  for (const auto precision : {ProbePrecision::automatic, ProbePrecision::fp32, ProbePrecision::bf16}) {
    if (a.precision == to_string(precision)) a.job.adam.precision = precision;
  }
  if (a.job.adam.precision != ProbePrecision::automatic && a.job.solver != ProbeSolver::adam)
    fail(ErrorCategory::usage, "--precision goes with --solver adam; L-BFGS ends in float64");
  a.job.command = words;
  a.job.quiet = quiet;
  const auto score = a.label_noise.empty() ? LabelScore{} : read_label_score(a.label_noise);
  if (!a.pairs.empty()) {
    if (!a.samples.empty())
      fail(ErrorCategory::usage, "--samples shows single studies; --pairs asks about two");
    a.job.pairs = read_pairs(a.pairs, a.job.patients);
    a.job.pair_features = parse_pair_features(a.pair_features);
  }
  const Evaluation evaluation = run_probe(a.job);
  if (!a.samples.empty()) write_error_pages(a, evaluation);
  write_evaluation_report(a.job.out, a.job.out / "report.html");
  if (!quiet) print_summary(a.job, evaluation);
  if (!a.label_noise.empty()) write_noise(a, evaluation, score, quiet);
  if (a.job.pairs && a.job.pair_features != PairFeatures::current) compare_with_current_alone(a.job, words);
  return ExitCode::ok;
}

void add_probe_inputs(CLI::App& command, ProbeArguments& a) {
  command.add_option("--embeddings", a.job.cache, "cache folder of pillar-eval embed")->required();
  add_label_flags(command, a.job.labels, a.job.label_map, a.labels)->required();
  command.add_option("--out", a.job.out, "run folder: results, metrics, probe, report.html")->required();
  command.add_option("--train-split", a.job.train_split)->capture_default_str();
  command.add_option("--test-split", a.job.test_split)->capture_default_str();
  command.add_option("--valid-split", a.job.valid_split, "lbfgs chooses the L2 penalty on it")
      ->capture_default_str();
  command.add_option("--questions", a.job.questions, "YAML list: only these questions, under its categories");
  command.add_option(
      "--patients", a.job.patients,
      "CSV accession,patient: a patient's studies are resampled together, and a patient in two "
      "splits is refused");
  command
      .add_option("--min-positives", a.job.min_positives,
                  "questions with fewer positive studies to train on or to test on are left out, and listed")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command
      .add_option("--pairs", a.pairs,
                  "CSV accession,prior_accession,days: questions about change; labels go by "
                  "accession|prior_accession. The current study alone is probed too: change must beat it")
      ->check(CLI::ExistingFile);
  command
      .add_option(
          "--pair-features", a.pair_features,
          "all: current, prior and current - prior; difference: the last alone; current: the study alone")
      ->check(CLI::IsMember({"all", "difference", "current"}))
      ->needs("--pairs")
      ->capture_default_str();
  command
      .add_option("--label-noise", a.label_noise,
                  "score.json of pillar-rate score: what the labels' measured errors make of each AUROC "
                  "(label_noise.csv)")
      ->type_name("FILE");
  command.add_flag("--allow-overlap", a.job.allow_overlap,
                   "go on where an accession or a patient is in two splits");
  command.add_flag("--allow-mixed", a.job.allow_mixed,
                   "go on where splits were embedded otherwise (weights, preprocessing, type); says what is "
                   "mixed");
}

void add_probe_fit(CLI::App& command, ProbeArguments& a) {
  const char* group = "Fit";
  command
      .add_option(
          "--solver", a.solver,
          "adam: the public probe; lbfgs: the optimum, L2 chosen on the valid split; knn: the answers "
          "of the nearest training studies, nothing fitted")
      ->check(CLI::IsMember({"adam", "lbfgs", "knn"}))
      ->capture_default_str()
      ->group(group);
  command.add_option("--epochs", a.job.adam.epochs)
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str()
      ->group(group);
  command.add_option("--lr", a.job.adam.lr)->check(CLI::PositiveNumber)->capture_default_str()->group(group);
  command.add_option("--weight-decay", a.job.adam.weight_decay)
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->group(group);
  command.add_option("--batch-size", a.job.adam.batch_size)
      ->check(CLI::Range(1, 1 << 30))
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--precision", a.precision,
                  "products of Adam's training: auto takes bf16 where the processor has it and an epoch is "
                  "more than one batch")
      ->check(CLI::IsMember({"auto", "fp32", "bf16"}))
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--init", a.job.init,
                  "safetensors with weight (questions, width) and bias to start Adam from")
      ->group(group);
  command.add_option("--l2", a.l2, "lbfgs: this penalty, and no valid split is needed")
      ->check(CLI::PositiveNumber)
      ->group(group);
  command.add_option("--neighbours", a.job.neighbours, "knn: how many, weighed by exp(cosine / 0.07)")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str()
      ->group(group);
  CLI::Option* few_shot =
      command
          .add_option("--few-shot", a.few_shot,
                      "also probes trained on so many yes and as many no of each question, 1,4,16,all say: "
                      "the curve of the macro AUROC")
          ->delimiter(',')
          ->group(group);
  command.add_option("--seeds", a.job.draws, "draws of each")
      ->needs(few_shot)
      ->check(CLI::Range(1, 1000))
      ->capture_default_str()
      ->group(group);
  command.add_flag("--standardize", a.job.standardize, "columns to mean 0, variance 1 of the training split")
      ->group(group);
}

void add_probe_report(CLI::App& command, ProbeArguments& a) {
  const char* group = "Page";
  command
      .add_option("--samples", a.samples,
                  "RAVE samples or a manifest: the page links viewers of the most confident errors")
      ->group(group);
  command.add_option("--pages", a.pages, "viewers at most")
      ->check(CLI::Range(1, 10000))
      ->needs("--samples")
      ->capture_default_str()
      ->group(group);
}

}  // namespace

void add_probe(AppContext& context) {
  CLI::App* command =
      context.app.add_subcommand("probe", "the RATE benchmark: a linear probe on frozen embeddings");
  command->footer(
      "Examples:\n"
      "  pillar-eval probe --embeddings cache --labels labels.json --out probe\n"
      "  pillar-eval probe --embeddings cache --labels labels.json --out probe --solver lbfgs --standardize\n"
      "Writes the four files of the public evaluator, metrics.csv and metrics.json (docs/eval.md), "
      "probe.safetensors\n"
      "and report.html.");
  auto a = std::make_shared<ProbeArguments>();
  add_probe_inputs(*command, *a);
  add_probe_fit(*command, *a);
  add_bootstrap_options(*command, a->job.bootstrap, "the start, the order of rows and the resampling");
  add_probe_report(*command, *a);
  command->callback([a, &context] { context.result = probe(*a, context.words, context.log.quiet); });
}

}  // namespace pillar

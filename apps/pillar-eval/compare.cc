// pillar-eval compare: runs held against the first of them.
#include "pillar/eval/compare.h"

#include "pillar/core/fail.h"
#include "pillar/viz/evaluation_report.h"

#include "commands.h"
#include "support/statistics.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace pillar {
namespace {

struct CompareArguments {
  std::vector<std::filesystem::path> runs;
  std::filesystem::path out, patients;
  bool allow_mixed = false;
  BootstrapOptions bootstrap;
};

std::vector<RunScores> load_runs(const std::vector<std::filesystem::path>& folders) {
  std::vector<RunScores> runs;
  for (const std::filesystem::path& folder : folders) runs.push_back(load_run_scores(folder));
  // Folders of one name in different places go by the words of the call.
  std::vector<std::string> names;
  for (const RunScores& run : runs) names.push_back(run.name);
  for (RunScores& run : runs)
    if (std::count(names.begin(), names.end(), run.name) > 1) run.name = run.path.string();
  return runs;
}

RunRecord record_of(const CompareArguments& a, const std::vector<RunScores>& runs, const std::string& mixed,
                    const std::vector<std::string>& words) {
  RunRecord record;
  record.kind = "compare";
  record.command = words;
  record.settings = {{"bootstrap", fmt::format("{}", a.bootstrap.replicates)},
                     {"confidence", fmt::format("{}", a.bootstrap.confidence)},
                     {"seed", fmt::format("{}", a.bootstrap.seed)}};
  if (!mixed.empty()) record.settings["mixed"] = mixed;
  for (const RunScores& run : runs)
    for (const std::filesystem::path& file : run.files)
      record.inputs.push_back(file_record("predictions", file));
  if (!a.patients.empty()) record.inputs.push_back(file_record("patients", a.patients));
  return record;
}

std::string difference_text(const Interval& interval) {
  if (std::isnan(interval.low)) return fmt::format("{:+.3f}", interval.value);
  return fmt::format("{:+.3f} ({:+.3f} to {:+.3f})", interval.value, interval.low, interval.high);
}

void print_table(const Comparison& comparison) {
  fmt::print("{} studies and {} questions in all runs, {} questions with both answers\n",
             comparison.num_studies, comparison.num_questions, comparison.num_evaluated);
  std::size_t width = 3;
  for (const ComparedRun& run : comparison.runs) width = std::max(width, run.name.size());
  for (const ComparedRun& run : comparison.runs) {
    if (run.left_out_accessions + run.left_out_questions == 0) continue;
    fmt::print("left out of {}: {} studies, {} questions\n", run.name, run.left_out_accessions,
               run.left_out_questions);
  }
  fmt::print("{:<{}}  {:<24}{:<27}{:>5}{:>6}{:>8}\n", "run", width, "macro AUROC", "against the first",
             "wins", "ties", "losses");
  for (std::size_t r = 0; r < comparison.runs.size(); ++r) {
    const ComparedRun& run = comparison.runs[r];
    const std::string auroc = interval_text(run.macro_auroc);
    if (r == 0) {
      fmt::print("{:<{}}  {}\n", run.name, width, auroc);
      continue;
    }
    const RunComparison& c = comparison.comparisons[r - 1];
    fmt::print("{:<{}}  {:<24}{:<27}{:>5}{:>6}{:>8}\n", run.name, width, auroc,
               difference_text(c.difference.mean), c.wins, c.ties, c.losses);
  }
}

ExitCode compare(const CompareArguments& a, const std::vector<std::string>& words, bool quiet) {
  std::error_code error;
  if (std::filesystem::exists(a.out / "exam_probabilities.csv", error) ||
      std::filesystem::exists(a.out / "predictions", error))
    fail(ErrorCategory::usage, "--out {} is the folder of a run, whose metrics.json would be lost", a.out);
  const PatientTable patients = a.patients.empty() ? PatientTable{} : read_patients(a.patients);
  const std::vector<RunScores> runs = load_runs(a.runs);
  const std::string mixed = check_compared_makers(runs, a.allow_mixed);
  const Comparison comparison = compare_runs(runs, a.bootstrap, patients);
  write_comparison(a.out, comparison, record_of(a, runs, mixed, words));
  write_evaluation_report(a.out, a.out / "report.html");
  if (quiet) return ExitCode::ok;
  print_table(comparison);
  fmt::print("{}: report.html, compare.csv, metrics.json\n", a.out.string());
  return ExitCode::ok;
}

}  // namespace

void add_compare(AppContext& context) {
  CLI::App* command =
      context.app.add_subcommand("compare", "runs on one test set held against the first of them");
  command->footer(
      "Example:\n"
      "  pillar-eval compare probe_untrained probe_trained --out comparison\n"
      "A win: the interval of the AUROC's difference to the first run lies above 0.");
  auto a = std::make_shared<CompareArguments>();
  command
      ->add_option("RUN", a->runs,
                   "folders of probes, zero-shot runs or finetunings; the first is the baseline")
      ->required()
      ->expected(2, -1);
  command->add_option("--out", a->out, "folder for report.html, compare.csv and metrics.json")->required();
  command->add_option("--patients", a->patients,
                      "CSV accession,patient: a patient's studies are resampled together");
  command->add_flag("--allow-mixed", a->allow_mixed,
                    "go on where embeddings were made otherwise (type, normalisation), not only by another "
                    "model; says what is mixed");
  add_bootstrap_options(*command, a->bootstrap);
  command->callback([a, &context] { context.result = compare(*a, context.words, context.log.quiet); });
}

}  // namespace pillar

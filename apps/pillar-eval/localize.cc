// pillar-eval localize: do evidence maps point at what is marked?
#include "pillar/eval/localize_job.h"
#include "pillar/viz/evaluation_report.h"

#include "commands.h"
#include "support/statistics.h"

#include <memory>

#include <fmt/format.h>

namespace pillar {
namespace {

void print_localization(const LocalizeJob& job, const LocalizationEvaluation& evaluation) {
  fmt::print("{:<46}{:>7}{:>9}  {:<24}{:>8}{:>8}\n", "finding", "AUROC", "studies", "hits", "prior",
             "random");
  for (const QuestionLocalization& question : evaluation.questions) {
    fmt::print("{:<46}{:>7.3f}{:>9}  {:<24}{:>8.3f}{:>8.3f}{}\n", question.question, question.auroc,
               question.studies, interval_text(question.evidence.hit), question.prior.hit.value,
               question.chance.hit.value, question.shortcut ? "  known, not placed: a shortcut?" : "");
  }
  fmt::print("{}: report.html, localization.csv, studies.csv, metrics.json\n", job.out.string());
}

void add_localize_options(CLI::App& command, LocalizeJob& job) {
  command.add_option("--evidence", job.evidence, "folder of pillar-eval evidence")->required();
  command
      .add_option("--truth", job.truth,
                  "CSV accession,question,kind,path,coordinates_mm. Kinds: mask (a file, not 0 is the "
                  "finding), labels "
                  "(a file of several, see --label-names), box (x y z of its low and high corner, LPS), "
                  "point (x y z). "
                  "Rows of training studies are what the centre prior learns from")
      ->required();
  command.add_option("--label-names", job.label_names, "JSON {\"question\": label} for rows of kind labels");
  command.add_option("--out", job.out, "run folder: tables, metrics.json, report.html")->required();
  command
      .add_option("--tolerance", job.options.tolerance_mm,
                  "mm between a place and the nearest voxel of the finding, up to which it is a hit")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.add_option("--probe-run", job.probe_run,
                     "run folder with the probe's AUROCs; default: that of the probe the maps are of");
  command
      .add_option("--known", job.options.known_auroc,
                  "AUROC from which a probe knows a finding: one that it does not place is flagged")
      ->check(CLI::Range(0.5, 1.0))
      ->capture_default_str();
  command.add_option("--patients", job.patients,
                     "CSV accession,patient: a patient's studies are resampled together");
}

}  // namespace

void add_localize(AppContext& context) {
  CLI::App* command =
      context.app.add_subcommand("localize", "do evidence maps point at what is marked in the scans?");
  command->footer(
      "Example:\n"
      "  pillar-eval localize --evidence evidence --truth cohort/localization.csv --out localization\n"
      "Against two ways of pointing that look at no scan: the place where most training findings are, and a "
      "random "
      "point of the body (docs/evidence.md). `pillar-phantom --masks` makes a truth.");
  auto job = std::make_shared<LocalizeJob>();
  add_localize_options(*command, *job);
  add_bootstrap_options(*command, job->options.bootstrap);
  command->callback([job, &context] {
    job->command = context.words;
    job->quiet = context.log.quiet;
    const LocalizationEvaluation evaluation = run_localize(*job);
    write_evaluation_report(job->out, job->out / "report.html");
    if (!job->quiet) print_localization(*job, evaluation);
    context.result = ExitCode::ok;
  });
}

}  // namespace pillar

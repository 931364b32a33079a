// pillar-rate score: what reviewers' answers say of the labels.
#include "pillar/rate/audit.h"

#include "commands.h"
#include "support/statistics.h"

#include <memory>

#include <fmt/format.h>

namespace pillar {
namespace {

struct ScoreArguments {
  ScoreOptions options;
  std::string mode = "600";
};

void print_rate(const char* name, const Interval& weighted, const Interval& unweighted) {
  fmt::print("{:<14}{:<28}{}\n", name, interval_text(weighted), interval_text(unweighted));
}

void print_score(const ScoreArguments& a, const LabelScore& score) {
  fmt::print("reviewed      {} answers; {} disputed, {} cannot be said, {} not answered\n",
             score.overall.items, score.disputed, score.unsure, score.unanswered);
  if (!score.labeller.empty()) fmt::print("labels by     {}\n", score.labeller);
  fmt::print("{:<14}{:<28}{}\n", "", "weighted: all labels", "unweighted: the sample");
  const LabelRates &w = score.overall.weighted, &u = score.overall.unweighted;
  print_rate("accuracy", w.accuracy, u.accuracy);
  print_rate("sensitivity", w.sensitivity, u.sensitivity);
  print_rate("specificity", w.specificity, u.specificity);
  print_rate("PPV", w.ppv, u.ppv);
  print_rate("NPV", w.npv, u.npv);
  print_rate("F1", w.f1, u.f1);
  print_rate("kappa", w.kappa, u.kappa);
  for (const ReviewerAgreement& pair : score.reviewers) {
    fmt::print("{} and {}: {} of {} the same, kappa {:.3f}\n", pair.first, pair.second, pair.agreed,
               pair.items, pair.kappa);
  }
  for (const TextQuality& text : score.texts)
    fmt::print("{:<28}{} of {} right\n", text.name, text.correct, text.items);
  fmt::print("{}: score.html, score.json, score.csv\n", a.options.out.string());
}

void score(ScoreArguments& a, bool quiet) {
  set_file_mode(a.mode);
  Notes notes;
  const LabelScore result = score_rate_audits(a.options, notes);
  log_notes(notes);
  if (!quiet) print_score(a, result);
}

}  // namespace

void add_score(AppContext& context) {
  CLI::App* command = context.app.add_subcommand("score", "what reviewers' answers say of the labels");
  command->footer(
      "Examples:\n"
      "  pillar-rate score audit --out score\n"
      "  pillar-rate score audit-anna audit-ben --out score   # copies of one audit, a reviewer each\n"
      "Weighted rates hold for all labels, unweighted ones for the sample, which is half Yes. Then: "
      "pillar-eval probe --label-noise score/score.json");
  auto a = std::make_shared<ScoreArguments>();
  command->add_option("DIR", a->options.audits, "folders of audit, with answers in them")->required();
  command->add_option("--out,-o", a->options.out, "folder to write: score.html, score.json, score.csv")
      ->required()
      ->type_name("DIR");
  add_bootstrap_options(*command, a->options.bootstrap, "the bootstrap of F1 and kappa");
  add_mode_option(*command, a->mode);
  command->callback([a, &context] { score(*a, context.log.quiet); });
}

}  // namespace pillar

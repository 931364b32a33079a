// pillar-rate audit: a sample of labels for reviewers.
#include "pillar/rate/audit.h"

#include "commands.h"

#include <cstdio>
#include <memory>

#include <fmt/format.h>

namespace pillar {
namespace {

struct AuditArguments {
  AuditOptions options;
  std::string strata = "predicted", mode = "600";
};

void audit(AuditArguments& a, bool quiet) {
  set_file_mode(a.mode);
  a.options.strata = a.strata == "none" ? AuditStrata::none : AuditStrata::predicted;
  const AuditSummary summary = write_rate_audit(a.options);
  if (quiet) return;
  std::printf("%s\n", fmt::format("{} answers, {} texts of categories and {} of findings to review: {}",
                                  summary.questions, summary.categories, summary.findings,
                                  (a.options.out / "review.html").string())
                          .c_str());
}

}  // namespace

void add_audit(AppContext& context) {
  CLI::App* command = context.app.add_subcommand("audit", "a sample of labels for reviewers");
  command->footer(
      "Example:\n"
      "  pillar-rate audit labels --out audit\n"
      "Open audit/review.html: one item at a time, keys y, n and u, undo with z. Save the answers as "
      "review-NAME.csv beside it; a second reviewer takes a copy of the page. Or fill the empty columns of "
      "the three *_qc.csv files. Then: pillar-rate score audit --out score");
  auto a = std::make_shared<AuditArguments>();
  command->add_option("RESULTS", a->options.results, "folder of extract, or of the public engine")
      ->required();
  command->add_option("--out,-o", a->options.out, "folder to write; must have no audit yet")
      ->required()
      ->type_name("DIR");
  command->add_option("--questions-budget", a->options.questions_budget, "answers to review")
      ->capture_default_str();
  command->add_option("--category-budget", a->options.category_budget, "texts to review of each category")
      ->capture_default_str();
  command->add_option("--findings-budget", a->options.findings_budget, "reports whose findings are reviewed")
      ->capture_default_str();
  command
      ->add_option("--strata", a->strata,
                   "predicted: half of the answers are Yes, and questions are drawn evenly; none: every "
                   "answer is as likely as any other")
      ->check(CLI::IsMember({"predicted", "none"}))
      ->capture_default_str();
  command->add_option("--seed,-s", a->options.seed, "of the draw")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  add_mode_option(*command, a->mode);
  command->callback([a, &context] { audit(*a, context.log.quiet); });
}

}  // namespace pillar

// pillar-bench rate: answers a second through a local server, journal replay, audit and score.
#include "command.h"
#include "rate_cases.h"
#include "support/data_folder.h"

#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pillar::bench {
namespace {

struct RateArguments : CommonArguments {
  RateOptions rate;
};

void print_rate_figures(const nlohmann::ordered_json& results) {
  for (const auto& entry : results) {
    const auto& ours = entry["ours"];
    if (ours.contains("answers_a_second")) {
      const double answers = ours["answers_a_second"].get<double>();
      const double limit = entry["baseline"]["answers_a_second"].get<double>();
      fmt::print("\n{:.0f} answers/s, {:.2f} of the server's own limit of {:.0f}\n", answers, answers / limit,
                 limit);
    } else if (ours.contains("requests_left")) {
      fmt::print("replay: {:.0f} answers, {:.0f} requests left\n", ours["answers"].get<double>(),
                 ours["requests_left"].get<double>());
    } else {
      fmt::print("audit {:.3f} s, score {:.3f} s\n", ours["audit_s"].get<double>(),
                 ours["score_s"].get<double>());
    }
  }
}

void bench_rate(RateArguments& a, const char* program) {
  const Scratch scratch(a.scratch);
  a.rate.folder = scratch.path;
  a.rate.prompts = data_folder() / "configs/rate/prompts.yaml";
  a.run.child_command = {program,           "rate",
                         "--scratch",       scratch.path.string(),
                         "--reports",       std::to_string(a.rate.reports),
                         "--questions",     std::to_string(a.rate.questions),
                         "--connections",   std::to_string(a.rate.connections),
                         "--journal",       std::to_string(a.rate.journal_answers),
                         "--audit-reports", std::to_string(a.rate.audit_reports)};
  print_rate_figures(run_and_report(rate_cases(a.rate), a, 1));
}

}  // namespace

void add_rate(CLI::App& app, const char* program) {
  CLI::App* command =
      app.add_subcommand("rate", "labels through a local server, journal replay, audit, score");
  auto a = std::make_shared<RateArguments>();
  add_run_options(command, *a);
  const auto number = [&](const char* name, auto& value, const char* what) {
    command->add_option(name, value, what)->check(CLI::Range(1, 1 << 30))->capture_default_str();
  };
  number("--reports", a->rate.reports, "reports that are asked about");
  number("--questions", a->rate.questions, "of each report");
  number("--connections", a->rate.connections, "requests at a time");
  number("--journal", a->rate.journal_answers, "answers of the journal that is replayed, from 100000");
  number("--audit-reports", a->rate.audit_reports, "reports of the results that are audited");
  command->add_option("--scratch", a->scratch, "folder for temporary files, kept afterwards");
  command->callback([a, program] { bench_rate(*a, program); });
}

}  // namespace pillar::bench

// pillar-eval report: the page of a run, again.
#include "pillar/viz/evaluation_report.h"

#include "commands.h"

namespace pillar {

void add_report(AppContext& context) {
  struct Arguments {
    std::filesystem::path run, out;
  };
  CLI::App* command = context.app.add_subcommand("report", "the page of a run from its metrics.json");
  command->footer(
      "Example:\n"
      "  pillar-eval report probe_run --out probe.html\n"
      "It reads the run's metrics.json, links its view/ACCESSION.html and shows its "
      "thumbnails/ACCESSION.png.");
  auto a = std::make_shared<Arguments>();
  command->add_option("RUN", a->run, "folder that probe, zero-shot, retrieve or compare wrote")->required();
  command->add_option("--out", a->out, "page to write; default: report.html in the folder");
  command->callback([a, &context] {
    write_evaluation_report(a->run, a->out.empty() ? a->run / "report.html" : a->out);
    context.result = ExitCode::ok;
  });
}

}  // namespace pillar

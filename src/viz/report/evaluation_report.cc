#include "pillar/viz/evaluation_report.h"

#include "pillar/core/file.h"
#include "pillar/metrics/run_metrics.h"

#include "viz/report/pages.h"
#include "viz/report/report_html.h"
#include "viz/report/run_facts.h"

#include <fmt/format.h>

namespace pillar {
namespace {

// The page's body by the type of what a run measured.
struct BodyOf {
  const std::string& kind;
  const viz::RunFolder& folder;

  viz::PageBody operator()(const EvaluationMetrics& metrics) const {
    return viz::probe_page(metrics, kind, folder);
  }
  viz::PageBody operator()(const UnlabelledRun& run) const { return viz::unlabelled_page(run); }
  viz::PageBody operator()(const Comparison& comparison) const { return viz::compare_page(comparison); }
  viz::PageBody operator()(const RetrievalMetrics& metrics) const {
    return viz::retrieval_page(metrics, folder);
  }
  viz::PageBody operator()(const LocalizationEvaluation& localization) const {
    return viz::localization_page(localization);
  }
  viz::PageBody operator()(const SurvivalEvaluation& survival) const { return viz::survival_page(survival); }
};

}  // namespace

void write_evaluation_report(const std::filesystem::path& run, const std::filesystem::path& out_html) {
  const RunMetrics metrics = read_run_metrics(run / "metrics.json");
  const viz::RunFolder folder = {run, out_html.parent_path()};
  const viz::PageBody body = std::visit(BodyOf{metrics.head.kind, folder}, metrics.result);
  viz::ReportPage page;
  page.kind = metrics.head.kind;
  page.title = viz::run_name(run);
  page.about = fmt::format("{} · {}", body.about, metrics.head.created);
  page.body = body.html + viz::made_section(metrics.head);
  page.interactive = true;
  page.with_images = metrics.head.kind == "retrieve";
  write_file_atomic(out_html, viz::report_html(page));
}

}  // namespace pillar

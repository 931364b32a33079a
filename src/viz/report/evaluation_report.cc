#include "pillar/viz/evaluation_report.h"

#include "pillar/core/file.h"

#include "viz/metrics_json.h"
#include "viz/report/pages.h"
#include "viz/report/report_html.h"
#include "viz/report/run_facts.h"

namespace pillar {
namespace {

viz::PageBody body_of(const std::string& kind, const viz::JsonPlace& metrics, const viz::RunFolder& folder) {
  if (kind == "probe" || kind == "zero-shot") return viz::probe_page(metrics, folder);
  if (kind == "compare") return viz::compare_page(metrics);
  if (kind == "retrieve") return viz::retrieval_page(metrics, folder);
  metrics.at("kind").refuse("probe, zero-shot, retrieve or compare");
}

}  // namespace

void write_evaluation_report(const std::filesystem::path& run, const std::filesystem::path& out_html) {
  const std::filesystem::path file = run / "metrics.json";
  const viz::Json json = viz::read_metrics_json(file);
  const viz::JsonPlace metrics(json, file);
  if (metrics.whole("format") != 1) metrics.at("format").refuse("1, the only one that this version reads");
  const std::string kind = metrics.text("kind");
  const viz::RunFolder folder = {run, out_html.parent_path()};
  const viz::PageBody body = body_of(kind, metrics, folder);
  viz::ReportPage page;
  page.kind = kind;
  page.title = viz::run_name(run);
  page.about = fmt::format("{} · {}", body.about, metrics.text("created"));
  page.body = body.html + viz::made_section(metrics);
  page.interactive = true;
  page.with_images = kind == "retrieve";
  write_file_atomic(out_html, viz::report_html(page));
}

}  // namespace pillar

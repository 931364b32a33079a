#include "pillar/viz/training_report.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/viz/line_plot.h"

#include "viz/report/report_html.h"
#include "viz/report/training_rows.h"
#include "viz/viewer/text_encoding.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <limits>

#include <fmt/chrono.h>

namespace pillar {
namespace {

using Curves = std::map<std::string, viz::MetricCurve>;
using viz::MetricCurve;

enum class Better { none, lower, higher };

struct Metric {
  const char* key;
  const char* name;
  Better better = Better::none;
};

struct Panel {
  const char* title;
  std::vector<Metric> metrics;
  bool log_y = false;
};

const std::vector<Panel>& train_panels() {
  static const std::vector<Panel> panels = {
      {"Loss", {{"loss", "loss", Better::lower}}},
      {"Learning rate", {{"lr", "learning rate"}}},
      {"Logit scale", {{"logit_scale", "logit scale"}}},
      {"Gradient norm", {{"grad_norm", "gradient norm"}}, true},
      {"Weight norm", {{"weight_norm", "weight norm"}}},
      {"Samples a second", {{"samples_per_s", "samples a second", Better::higher}}},
      {"Seconds a step", {{"step_s", "seconds a step", Better::lower}}},
      {"Share of time waiting for the loader", {{"wait_share", "wait share", Better::lower}}},
  };
  return panels;
}

const std::vector<Panel>& validation_panels() {
  static const std::vector<Panel> panels = {
      {"Loss", {{"loss", "loss", Better::lower}}},
      {"Recall, report for a scan",
       {{"i2t_recall_at_1", "R@1", Better::higher},
        {"i2t_recall_at_5", "R@5", Better::higher},
        {"i2t_recall_at_10", "R@10", Better::higher}}},
      {"Recall, scan for a report",
       {{"t2i_recall_at_1", "R@1", Better::higher},
        {"t2i_recall_at_5", "R@5", Better::higher},
        {"t2i_recall_at_10", "R@10", Better::higher}}},
      {"Median rank of the match",
       {{"i2t_median_rank", "report for a scan", Better::lower},
        {"t2i_median_rank", "scan for a report", Better::lower}}},
      {"Mean cosine of different studies (1: collapsed)",
       {{"image_spread", "scans"}, {"text_spread", "reports"}}},
  };
  return panels;
}

struct NamedCurve {
  std::string name;
  const Metric* metric;
  const MetricCurve* curve;
};

bool has_values(const MetricCurve& curve) {
  return std::any_of(curve.y.begin(), curve.y.end(), [](double value) { return std::isfinite(value); });
}

// Of all studies first, then of one modality after the other ("loss.chest_ct").
std::vector<NamedCurve> curves_of(const Panel& panel, const Curves& curves) {
  std::map<std::string, std::vector<NamedCurve>> by_modality;
  for (const Metric& metric : panel.metrics) {
    const std::string_view key = metric.key;
    for (auto place = curves.lower_bound(metric.key); place != curves.end() && place->first.starts_with(key);
         ++place) {
      const std::string rest = place->first.substr(key.size());
      if ((!rest.empty() && rest[0] != '.') || !has_values(place->second)) continue;
      const std::string name = rest.empty() ? metric.name : fmt::format("{} {}", metric.name, rest.substr(1));
      by_modality[rest].push_back({name, &metric, &place->second});
    }
  }
  std::vector<NamedCurve> all;
  for (const auto& [modality, some] : by_modality) all.insert(all.end(), some.begin(), some.end());
  return all;
}

std::string plots_section(const char* title, const std::vector<Panel>& panels, const Curves& curves,
                          const char* x_label) {
  std::string plots;
  for (const Panel& panel : panels) {
    LinePlot plot;
    plot.title = panel.title;
    plot.x_label = x_label;
    plot.log_y = panel.log_y;
    for (const NamedCurve& named : curves_of(panel, curves))
      plot.lines.push_back({named.name, named.curve->x, named.curve->y});
    if (!plot.lines.empty()) plots += fmt::format("<div>{}</div>\n", line_plot_svg(plot));
  }
  if (plots.empty()) return {};
  return fmt::format("<section>\n<h2>{}</h2>\n<div class=\"plots\">\n{}</div>\n</section>\n", title, plots);
}

// Index of the best value; there is a finite one.
std::size_t best_of(const MetricCurve& curve, Better better) {
  std::size_t best = curve.y.size();
  for (std::size_t i = 0; i < curve.y.size(); ++i) {
    if (!std::isfinite(curve.y[i])) continue;
    if (best == curve.y.size() ||
        (better == Better::lower ? curve.y[i] < curve.y[best] : curve.y[i] > curve.y[best]))
      best = i;
  }
  return best;
}

std::string table_row(const std::string& name, const Metric& metric, const MetricCurve& curve,
                      const char* x_name) {
  const double last = curve.y.back();
  std::string best, place;
  if (metric.better != Better::none) {
    const std::size_t index = best_of(curve, metric.better);
    best = fmt::format("{:.4g}", curve.y[index]);
    place = fmt::format("{} {:.10g}", x_name, curve.x[index]);
  }
  return fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                     viz::escape_html(name),
                     std::isfinite(last) ? fmt::format("{:.4g}", last) : "not a number", best, place);
}

std::string table_rows(const std::vector<Panel>& panels, const Curves& curves, const char* x_name) {
  std::string rows;
  for (const Panel& panel : panels) {
    for (const NamedCurve& named : curves_of(panel, curves)) {
      const std::string name =
          panel.metrics.size() == 1 ? named.name : fmt::format("{}: {}", panel.title, named.name);
      rows += table_row(name, *named.metric, *named.curve, x_name);
    }
  }
  return rows;
}

std::string table_section(const char* title, const std::string& rows) {
  if (rows.empty()) return {};
  return fmt::format(
      "<section>\n<h2>{}</h2>\n<table>\n<tr><th scope=\"col\">metric</th><th scope=\"col\">last</th>"
      "<th scope=\"col\">best</th><th scope=\"col\">at</th></tr>\n{}</table>\n</section>\n",
      title, rows);
}

std::string about(const viz::TrainingRows& rows) {
  if (rows.rows == 0) return "No rows yet.";
  std::string text = fmt::format("step {}, epoch {:.2f}", rows.last_step, rows.last_epoch);
  constexpr double kYear3000 = 32'503'680'000;
  if (rows.last_time < kYear3000)
    text += fmt::format(", last row {:%Y-%m-%d %H:%M} UTC",
                        fmt::gmtime(static_cast<std::time_t>(rows.last_time)));
  const double hours = (rows.last_time - rows.first_time) / 3600;
  if (hours >= 0) text += fmt::format(", {:.1f} h after the first", hours);
  return text;
}

}  // namespace

void write_training_report(const std::filesystem::path& run) {
  const viz::TrainingRows rows = viz::read_training_rows(run / "metrics.jsonl");
  const std::string body =
      plots_section("Validation", validation_panels(), rows.validation, "epoch") +
      plots_section("Training", train_panels(), rows.train, "step") +
      table_section("Validation, last and best", table_rows(validation_panels(), rows.validation, "epoch")) +
      table_section("Training, last and best", table_rows(train_panels(), rows.train, "step"));
  viz::ReportPage page;
  page.kind = "training";
  page.title = viz::run_name(run);
  page.about = about(rows);
  page.body = body;
  write_file_atomic(run / "report.html", viz::report_html(page));
}

}  // namespace pillar

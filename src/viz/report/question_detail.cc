#include "viz/report/question_detail.h"

#include "pillar/viz/line_plot.h"

#include "viz/report/report_parts.h"
#include "viz/viewer/text_encoding.h"

#include <cmath>

#include <fmt/format.h>

namespace pillar::viz {
namespace {

LinePlot square_plot() {
  LinePlot plot;
  plot.width = 300;
  plot.height = 286;
  plot.unit_square = true;
  return plot;
}

std::string roc_plot(const QuestionEvaluation& question) {
  if (question.roc.empty()) return "<p class=\"note\">No ROC curve: one class only.</p>";
  LinePlot plot = square_plot();
  plot.title = fmt::format("ROC, area {}", decimals(question.auroc.value));
  plot.x_label = "1 − specificity";
  plot.y_label = "sensitivity";
  plot.lines.push_back({"ROC", {}, {}, PlotDots::never});
  for (const RocPoint& point : question.roc) {
    plot.lines[0].x.push_back(point.false_positive_rate);
    plot.lines[0].y.push_back(point.true_positive_rate);
  }
  return line_plot_svg(plot);
}

std::string reliability_plot(const QuestionEvaluation& question) {
  if (question.reliability.empty())
    return "<p class=\"note\">No reliability curve: scores are no probabilities.</p>";
  LinePlot plot = square_plot();
  plot.title = "Reliability";
  plot.x_label = "predicted probability";
  plot.y_label = "observed share";
  plot.lines.push_back({"observed", {}, {}});
  for (const ReliabilityBin& bin : question.reliability) {
    plot.lines[0].x.push_back(bin.predicted);
    plot.lines[0].y.push_back(bin.observed);
  }
  return line_plot_svg(plot);
}

std::string counts_text(const QuestionEvaluation& question, const std::optional<TrainingAnswers>& training) {
  std::string text = fmt::format("Test: {} positive, {} negative.", grouped(question.num_positive),
                                 grouped(question.num_negative));
  if (training) {
    text += fmt::format(" Training: {} positive, {} negative.", grouped(training->positives),
                        grouped(training->negatives));
  }
  if (std::isfinite(question.delong.low))
    text += fmt::format(" AUROC by DeLong {}.", range_text(question.delong));
  const auto [sensitivity, threshold] = question.at_90_specificity;
  if (std::isfinite(sensitivity)) {
    text += fmt::format(" Sensitivity {} at 90 % specificity", decimals(sensitivity));
    text += std::isfinite(threshold) ? fmt::format(", from a score of {:.4g}.", threshold) : ".";
  }
  return text;
}

std::string errors_table(const QuestionEvaluation& question, const RunFolder& folder) {
  if (question.errors.empty()) return {};
  std::string rows;
  bool placed = false;
  for (const ConfidentError& error : question.errors) {
    const std::string place = folder.place_html(error.accession, question.question);
    placed = placed || !place.empty();
    rows += fmt::format("<tr><td>{}</td><td class=\"number\">{}</td><td>{}</td><td>{}</td></tr>\n",
                        folder.accession_html(error.accession), decimals(error.score),
                        error.answer == 1 ? "yes" : "no", place);
  }
  return fmt::format(
      "<h3>Most confident errors</h3>\n<table><thead><tr><th scope=\"col\">study</th><th scope=\"col\" "
      "class=\"number\">score</th><th scope=\"col\">truth</th><th "
      "scope=\"col\">{}</th></tr></thead>\n<tbody>\n{}</tbody>"
      "</table>\n",
      placed ? "speaks for it most, at x, y, z" : "", rows);
}

}  // namespace

std::string question_detail(const QuestionEvaluation& question,
                            const std::optional<TrainingAnswers>& training, const RunFolder& folder) {
  return fmt::format("<div>{}</div>\n<div>{}</div>\n<div><p>{}</p>\n{}</div>\n", roc_plot(question),
                     reliability_plot(question), counts_text(question, training),
                     errors_table(question, folder));
}

}  // namespace pillar::viz

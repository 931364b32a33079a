#include "viz/report/training_rows.h"

#include "core/shared/json_lines.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <set>

namespace pillar::viz {
namespace {

// What a row says beside its values.
const std::set<std::string> kAbout = {"phase", "step", "epoch", "wall_time"};

void add_values(const JsonLine& line, double x, const std::filesystem::path& path,
                std::map<std::string, MetricCurve>& curves) {
  for (const auto& [name, value] : numbers_of(line, kAbout, path)) {
    MetricCurve& curve = curves[name];
    curve.x.push_back(x);
    curve.y.push_back(value);
  }
}

void sort_and_keep_latest(MetricCurve& curve) {
  if (std::adjacent_find(curve.x.begin(), curve.x.end(), std::greater_equal<>()) == curve.x.end()) return;
  std::vector<std::size_t> order(curve.x.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return curve.x[a] < curve.x[b]; });
  MetricCurve kept;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i + 1 < order.size() && curve.x[order[i + 1]] == curve.x[order[i]]) continue;
    kept.x.push_back(curve.x[order[i]]);
    kept.y.push_back(curve.y[order[i]]);
  }
  curve = std::move(kept);
}

}  // namespace

TrainingRows read_training_rows(const std::filesystem::path& metrics_jsonl) {
  TrainingRows all;
  visit_json_lines(metrics_jsonl, [&](const JsonLine& line) {
    const std::string phase = text_at(line, "phase", metrics_jsonl);
    const std::int64_t step = whole_number(line, "step", metrics_jsonl);
    const double epoch = number_from_zero(line, "epoch", metrics_jsonl);
    const double time = number_from_zero(line, "wall_time", metrics_jsonl);
    if (phase == "train") {
      add_values(line, static_cast<double>(step), metrics_jsonl, all.train);
    } else if (phase == "validation") {
      add_values(line, epoch, metrics_jsonl, all.validation);
    }
    if (all.rows == 0) all.first_time = time;
    all.last_time = std::max(all.last_time, time);
    all.last_step = std::max(all.last_step, step);
    all.last_epoch = std::max(all.last_epoch, epoch);
    ++all.rows;
  });
  for (auto* curves : {&all.train, &all.validation}) {
    for (auto& [name, curve] : *curves) sort_and_keep_latest(curve);
  }
  return all;
}

}  // namespace pillar::viz

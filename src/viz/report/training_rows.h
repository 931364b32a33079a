// Internal: what metrics.jsonl of a training run says.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace pillar::viz {

struct MetricCurve {
  std::vector<double> x, y;  // x ascending, each once; NaN in y where the row has null
};

struct TrainingRows {
  // By name, those of one modality included ("loss.chest_ct").
  std::map<std::string, MetricCurve> train;       // by step
  std::map<std::string, MetricCurve> validation;  // by epoch
  std::int64_t rows = 0, last_step = 0;
  double last_epoch = 0, first_time = 0, last_time = 0;  // unix seconds
};

// Of two rows of one step (train) or epoch (validation) the later counts; other phases are left out. A last
// line that was cut off is ignored: the run may be writing it. Throws Error(io), Error(input) naming the
// line.
TrainingRows read_training_rows(const std::filesystem::path& metrics_jsonl);

}  // namespace pillar::viz

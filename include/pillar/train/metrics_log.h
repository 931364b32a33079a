// What a run measured, as it goes: metrics.jsonl for programs, TensorBoard event files for people.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace pillar {

// One row: "train" rows hold one step, "validation" rows one epoch. NaN and infinity are written as null.
struct MetricsRow {
  std::string phase;  // train, validation
  std::int64_t step = 0;
  double epoch = 0;                                    // with the part done
  std::vector<std::pair<std::string, double>> values;  // "loss", "lr", ... in this order
};

// A line of metrics.jsonl: {"phase": ..., "step": ..., "epoch": ..., "wall_time": unix seconds, values...}.
// A row is written in one piece, so that one can follow the file, and kill the run, at any time.
// TensorBoard: tensorboard/events.out.tfevents.<seconds>.<host>.<pid>, tag "<phase>/<name>".
class MetricsLog {
 public:
  // Goes on with the files in `folder`: rows of metrics.jsonl from `resume_step` on (a run that was killed
  // wrote them and will write them again) are dropped, and the new event file tells TensorBoard to drop them
  // too. A last line that was cut off is dropped. Throws Error(io | input).
  MetricsLog(const std::filesystem::path& folder, std::int64_t resume_step);
  ~MetricsLog();
  MetricsLog(const MetricsLog&) = delete;
  MetricsLog& operator=(const MetricsLog&) = delete;
  // Never throws for a full disk: that costs rows, not the run; said once in the log.
  void write(const MetricsRow& row);
  // Rows outlive the process once written; after this, the machine too.
  void flush() noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pillar

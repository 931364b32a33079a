#include "pillar/train/metrics_log.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"

#include "core/shared/append_file.h"
#include "core/shared/json_lines.h"
#include "train/run/event_file.h"

#include <chrono>
#include <cstring>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

double wall_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// Made if it is not there, without what killed processes left half written.
fs::path prepared_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail(ErrorCategory::io, "{}: cannot create: {}", folder, error.message());
  remove_stale_partials(folder);
  return folder;
}

// metrics.jsonl in `folder` without what this run will write again.
fs::path kept_rows(const fs::path& folder, std::int64_t resume_step) {
  fs::path path = folder / "metrics.jsonl";
  std::error_code error;
  if (!fs::exists(path, error)) return path;
  std::string kept;
  std::int64_t dropped = 0;
  const bool cut = visit_json_lines(path, [&](const JsonLine& line) {
    if (whole_number(line, "step", path) < resume_step) {
      kept += line.text;
    } else {
      ++dropped;
    }
  });
  if (!cut && dropped == 0) return path;
  write_file_atomic(path, kept);
  spdlog::info("{}: {} rows of step {} and later{} dropped", path.string(), dropped, resume_step,
               cut ? ", and a half one," : "");
  return path;
}

fs::path new_event_file(const fs::path& folder, std::int64_t resume_step) {
  const double now = wall_time();
  fs::path path = next_event_file(folder, static_cast<std::int64_t>(now));
  write_file_atomic(path, version_record(now) + session_start_record(now, resume_step));
  return path;
}

// NaN and infinity, which JSON has no word for, come out as null.
std::string json_line(const MetricsRow& row, double now) {
  nlohmann::ordered_json line = {
      {"phase", row.phase}, {"step", row.step}, {"epoch", row.epoch}, {"wall_time", now}};
  for (const auto& [name, value] : row.values) line.emplace(name, value);
  return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

struct MetricsLog::State {
  State(const fs::path& folder, std::int64_t resume_step)
      : path(folder / "metrics.jsonl"),
        rows(kept_rows(prepared_folder(folder), resume_step)),
        events(new_event_file(prepared_folder(folder / "tensorboard"), resume_step)) {}

  // An errno, or 0.
  void note(int reason) noexcept {
    if (reason == 0 || said) return;
    said = true;
    spdlog::warn("{}: cannot write: {}; rows will be missing here or in TensorBoard, training goes on",
                 path.string(), std::strerror(reason));
  }

  fs::path path;
  AppendFile rows, events;
  bool said = false;
};

MetricsLog::MetricsLog(const fs::path& folder, std::int64_t resume_step)
    : state_(std::make_unique<State>(folder, resume_step)) {}

MetricsLog::~MetricsLog() = default;

void MetricsLog::write(const MetricsRow& row) {
  const double now = wall_time();
  state_->note(state_->rows.append(json_line(row, now)));
  std::vector<std::pair<std::string, double>> by_tag = row.values;
  for (auto& [name, value] : by_tag) name = fmt::format("{}/{}", row.phase, name);
  state_->note(state_->events.append(scalars_record(now, row.step, by_tag)));
}

void MetricsLog::flush() noexcept {
  state_->note(state_->rows.sync());
  state_->note(state_->events.sync());
}

}  // namespace pillar

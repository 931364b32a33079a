#include "rave/encode/encode_find.h"

#include "pillar/core/batch.h"
#include "pillar/core/fail.h"
#include "pillar/core/progress.h"
#include "pillar/core/thread_pool.h"
#include "pillar/image/volume_file.h"

#include "core/shared/path_format.h"
#include "rave/encode/encode_records.h"

#include <spdlog/spdlog.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

void log_left_out(const DicomScan& scan) {
  for (const ExcludedPlane& file : scan.unusable)
    spdlog::warn("{}: left out: {}", file.file.string(), file.reason);
  for (const DicomSeries& series : scan.series) {
    for (const ExcludedPlane& plane : series.excluded)
      spdlog::warn("{}: left out: {}", plane.file.string(), plane.reason);
  }
}

std::vector<FoundScan> scan_input(const fs::path& input, const EncodeJob& job) {
  std::error_code ignored;
  if (!fs::exists(input, ignored)) fail(ErrorCategory::io, "{}: no such file or folder", input);
  if (!fs::is_directory(input, ignored) && is_volume_file(input))
    return {FoundScan{input, {}, bytes_below(input), {}}};
  DicomScan scan = scan_dicom(input);
  log_left_out(scan);
  if (scan.series.empty()) fail(ErrorCategory::input, "{}: no CT or MR series with pixels in it", input);
  if (!job.all_series) scan.series.resize(1);
  std::vector<FoundScan> found;
  for (DicomSeries& series : scan.series) {
    const std::uint64_t bytes = series.bytes_on_disk;
    found.push_back({input, std::move(series), bytes, {}});
  }
  return found;
}

}  // namespace

std::vector<FoundScan> find_scans(const EncodeJob& job) {
  std::vector<std::vector<FoundScan>> by_input(job.inputs.size());
  ProgressOptions bar;
  bar.label = "scan";
  bar.unit = "inputs";
  bar.total = static_cast<std::int64_t>(job.inputs.size());
  bar.quiet = job.quiet;
  Progress progress(bar);
  ThreadPool pool(jobs_at_once(job.jobs, usable_processors(), job.inputs.size()));
  for (std::size_t i = 0; i < job.inputs.size(); ++i) {
    pool.submit([&, i] {
      try {
        by_input[i] = scan_input(job.inputs[i], job);
      } catch (const std::exception& error) {
        by_input[i] = {FoundScan{job.inputs[i], {}, 0, error.what()}};
      }
      progress.advance();
    });
  }
  pool.wait();
  std::vector<FoundScan> found;
  for (auto& scans : by_input)
    found.insert(found.end(), std::make_move_iterator(scans.begin()), std::make_move_iterator(scans.end()));
  return found;
}

}  // namespace pillar

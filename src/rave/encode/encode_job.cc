#include "pillar/rave/encode_job.h"

#include "pillar/core/batch.h"
#include "pillar/core/fail.h"
#include "pillar/core/progress.h"
#include "pillar/core/thread_pool.h"

#include "core/shared/path_format.h"
#include "rave/encode/encode_identity.h"
#include "rave/encode/encode_left_out.h"
#include "rave/encode/encode_names.h"
#include "rave/encode/encode_records.h"
#include "rave/shared/find_scans.h"

#include <spdlog/spdlog.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

PreparedSample prepare_scan(const FoundScan& scan, const SamplePrepareOptions& options) {
  return scan.series ? prepare_sample(*scan.series, scan.source, options)
                     : prepare_sample(scan.source, options);
}

// Reads and writes one scan with `threads` threads; `stage` says how far it came.
void write_scan(NamedScan& named, const EncodeJob& job, int threads, const char*& stage) {
  SamplePrepareOptions prepare = job.prepare;
  prepare.config.preprocess.threads = threads;
  stage = "read";
  PreparedSample sample = prepare_scan(named.scan, prepare);
  source_of(named, job);
  stage = "write";
  SampleWriteOptions write = job.prepare.config.write;
  write.threads = threads;
  EncodeOutcome& outcome = named.outcome;
  if (sample.metadata.is_mask) {
    write.archive = Archive::tar_lz4;
    write.mode = SampleMode::lossless;
    outcome.output = job.output_folder / (named.name + sample_suffix(write.archive));
  }
  sample.metadata.record = std::move(named.record);
  outcome.sample_bytes = write_sample(outcome.output, sample.volume, std::move(sample.metadata), write);
  if (job.overwrite) remove_other_containers(job.output_folder, named.name, outcome.output);
  outcome.status = EncodeStatus::written;
}

void encode_scan(NamedScan& named, const EncodeJob& job, const std::vector<SampleRow>& there, int threads) {
  EncodeOutcome& outcome = named.outcome;
  const char* stage = "name";
  try {
    const bool wanted = outcome.status == EncodeStatus::planned && must_be_made(named, job, there);
    if (wanted && !job.dry_run) write_scan(named, job, threads, stage);
  } catch (const std::exception& error) {
    outcome.status = EncodeStatus::failed;
    outcome.stage = stage;
    outcome.reason = error.what();
  }
  named.scan.series.reset();  // its planes are not needed any more
  if (outcome.status == EncodeStatus::failed) spdlog::error("{}", outcome.reason);
}

void encode_scans(std::vector<NamedScan>& scans, const EncodeJob& job, const std::vector<SampleRow>& there) {
  const int processors = usable_processors();
  const int jobs = jobs_at_once(job.jobs, processors, scans.size());
  const int threads = std::max(1, processors / jobs);
  ProgressOptions bar;
  bar.label = job.dry_run ? "plan" : "encode";
  bar.unit = "scans";
  bar.total = static_cast<std::int64_t>(scans.size());
  bar.quiet = job.quiet;
  Progress progress(bar);
  ThreadPool pool(jobs);
  for (NamedScan& named : scans) {
    pool.submit([&, threads] {
      encode_scan(named, job, there, threads);
      progress.advance();
    });
  }
  pool.wait();
}

ScanSearch search_of(const EncodeJob& job) {
  ScanSearch search;
  search.inputs = job.inputs;
  search.own_output = job.output_folder;
  search.only_named = job.only_named;
  search.first_series_only = !job.all_series;
  search.volume_index = job.prepare.volume_index;
  search.threads = job.jobs > 0 ? job.jobs : usable_processors();
  return search;
}

void open_output(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail(ErrorCategory::io, "{}: cannot make the output folder: {}", folder, error.message());
  remove_unfinished(folder, "samples");
}

}  // namespace

std::int64_t EncodeSummary::count(EncodeStatus status) const {
  return count_status(outcomes, status);
}

std::string EncodeSummary::brief() const {
  const std::string text = counts_in_words({{count(EncodeStatus::written), "written"},
                                            {count(EncodeStatus::planned), "to write"},
                                            {count(EncodeStatus::skipped), "there already"},
                                            {count(EncodeStatus::failed), "failed"}});
  return text.empty() ? "nothing to do" : text;
}

EncodeSummary run_encode(const EncodeJob& job) {
  if (job.inputs.empty())
    fail(ErrorCategory::usage, "no inputs: name DICOM folders or volume files, or --input-csv");
  const SampleWriteOptions& write = job.prepare.config.write;
  if (write.mode == SampleMode::rave10 && write.archive == Archive::tar_lz4) {
    fail(ErrorCategory::usage,
         "a .tar.lz4 holds exact voxels, not video: use --archive none or tar with --mode rave10");
  }
  static_cast<void>(SampleNaming(job));  // what is wrong with names is said before anything is searched
  FoundScans found = find_scans(search_of(job));  // first: a wrong path leaves no folder behind
  const std::vector<SampleRow> there = read_sample_rows(job.output_folder);
  std::vector<NamedScan> scans = name_scans(std::move(found.scans), job, there);
  if (!job.dry_run) open_output(job.output_folder);
  encode_scans(scans, job, there);
  EncodeSummary summary;
  summary.left_out = std::move(found.left_out);
  for (NamedScan& named : scans) summary.outcomes.push_back(std::move(named.outcome));
  if (!job.dry_run) {
    write_mapping(job.output_folder, summary.outcomes);
    record_failures(job.output_folder, summary.outcomes);
    record_left_out(job.output_folder, summary.left_out);
  }
  return summary;
}

}  // namespace pillar

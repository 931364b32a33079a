#include "pillar/rave/encode_job.h"

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

// What one input holds: DICOM series, or one volume file (series empty).
struct Contents {
  std::vector<DicomSeries> series;
  bool is_volume_file = false;
};

struct Batch {
  const EncodeJob& job;
  OutputNames names;
  std::vector<std::vector<EncodeOutcome>> outcomes;  // by input
};

EncodeOutcome failure(const fs::path& source, const char* stage, const std::exception& error) {
  EncodeOutcome outcome;
  outcome.source = source;
  outcome.stage = stage;
  outcome.reason = error.what();
  return outcome;
}

Contents scan_input(const fs::path& input, const EncodeJob& job) {
  Contents contents;
  std::error_code ignored;
  if (!fs::exists(input, ignored)) fail(ErrorCategory::io, "{}: no such file or folder", input);
  contents.is_volume_file = !fs::is_directory(input, ignored) && is_volume_file(input);
  if (contents.is_volume_file) return contents;
  DicomScan scan = scan_dicom(input);
  for (const ExcludedPlane& file : scan.unusable)
    spdlog::warn("{}: left out: {}", file.file.string(), file.reason);
  for (const DicomSeries& series : scan.series) {
    for (const ExcludedPlane& plane : series.excluded)
      spdlog::warn("{}: left out: {}", plane.file.string(), plane.reason);
  }
  contents.series = std::move(scan.series);
  if (contents.series.empty()) fail(ErrorCategory::input, "{}: no CT or MR series with pixels in it", input);
  if (!job.all_series) contents.series.resize(1);
  return contents;
}

// The outcome as far as headers tell it: named, and failed already if the name is another's.
EncodeOutcome name_output(Batch& batch, const fs::path& source, const SampleMetadata& identity,
                          std::uint64_t source_bytes) {
  EncodeOutcome outcome;
  outcome.source = source;
  outcome.accession = identity.accession;
  outcome.series_number = identity.series_number;
  outcome.source_bytes = source_bytes;
  const std::string name = sample_name(identity);
  if (const auto owner = batch.names.claim(name, source)) {
    outcome.stage = "name";
    outcome.reason = fmt::format("{}: its output name {} is already that of {}", source, name, *owner);
    return outcome;
  }
  outcome.status = EncodeStatus::planned;
  outcome.output = batch.job.output_folder / (name + sample_suffix(batch.job.prepare.config.write.archive));
  return outcome;
}

// Masks are stored as .tar.lz4 whatever the archive option says: look for both.
bool already_there(EncodeOutcome& outcome, const SampleMetadata& identity, const EncodeJob& job) {
  const fs::path as_mask = job.output_folder / (sample_name(identity) + sample_suffix(Archive::tar_lz4));
  for (const fs::path& candidate : {outcome.output, as_mask}) {
    std::error_code ignored;
    if (!fs::exists(candidate, ignored)) continue;
    outcome.output = candidate;
    outcome.sample_bytes = bytes_below(candidate);
    outcome.status = EncodeStatus::skipped;
    return true;
  }
  return false;
}

template <typename Prepare>
void encode_one(EncodeOutcome& outcome, const SampleMetadata& identity, const EncodeJob& job, int threads,
                const Prepare& prepare) {
  if (outcome.status != EncodeStatus::planned) return;
  if (!job.overwrite && already_there(outcome, identity, job)) return;
  if (job.dry_run) return;
  const char* stage = "read";
  try {
    PreparedSample sample = prepare();
    stage = "write";
    SampleWriteOptions write = job.prepare.config.write;
    write.threads = threads;
    if (sample.metadata.is_mask) {
      write.archive = Archive::tar_lz4;
      write.mode = SampleMode::lossless;
      outcome.output = job.output_folder / (sample_name(identity) + sample_suffix(write.archive));
    }
    outcome.sample_bytes = write_sample(outcome.output, sample.volume, std::move(sample.metadata), write);
    outcome.status = EncodeStatus::written;
  } catch (const std::exception& error) {
    outcome.status = EncodeStatus::failed;
    outcome.stage = stage;
    outcome.reason = error.what();
  }
}

void encode_input(Batch& batch, std::size_t index, int threads) {
  const EncodeJob& job = batch.job;
  const fs::path& source = job.inputs[index];
  std::vector<EncodeOutcome>& outcomes = batch.outcomes[index];
  SamplePrepareOptions prepare = job.prepare;
  prepare.config.preprocess.threads = threads;

  Contents contents;
  std::vector<SampleMetadata> identities;
  try {
    contents = scan_input(source, job);
  } catch (const std::exception& error) {
    outcomes.push_back(failure(source, "scan", error));
  }
  batch.names.in_turn(index, [&] {
    for (const DicomSeries& series : contents.series) {
      identities.push_back(identify_series(series));
      outcomes.push_back(name_output(batch, source, identities.back(), series.bytes_on_disk));
    }
    if (contents.is_volume_file) {
      identities.push_back(identify_volume_file(source));
      outcomes.push_back(name_output(batch, source, identities.back(), bytes_below(source)));
    }
  });

  for (std::size_t i = 0; i < contents.series.size(); ++i) {
    encode_one(outcomes[i], identities[i], job, threads,
               [&] { return prepare_sample(contents.series[i], source, prepare); });
  }
  if (contents.is_volume_file) {
    encode_one(outcomes[0], identities[0], job, threads, [&] { return prepare_sample(source, prepare); });
  }
  for (const EncodeOutcome& outcome : outcomes) {
    if (outcome.status == EncodeStatus::failed) spdlog::error("{}", outcome.reason);
  }
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
  if (!job.dry_run) open_output(job.output_folder);

  const int processors = usable_processors();
  const int jobs = jobs_at_once(job.jobs, processors, job.inputs.size());
  const int threads = std::max(1, processors / jobs);
  Batch batch{job, {}, std::vector<std::vector<EncodeOutcome>>(job.inputs.size())};
  {
    ProgressOptions bar;
    bar.label = job.dry_run ? "scan" : "encode";
    bar.unit = "scans";
    bar.total = static_cast<std::int64_t>(job.inputs.size());
    bar.quiet = job.quiet;
    Progress progress(bar);
    ThreadPool pool(jobs);
    for (std::size_t i = 0; i < job.inputs.size(); ++i) {
      pool.submit([&batch, &progress, i, threads] {
        encode_input(batch, i, threads);
        progress.advance();
      });
    }
    pool.wait();
  }
  EncodeSummary summary;
  for (auto& outcomes : batch.outcomes) {
    summary.outcomes.insert(summary.outcomes.end(), std::make_move_iterator(outcomes.begin()),
                            std::make_move_iterator(outcomes.end()));
  }
  if (!job.dry_run) {
    write_mapping(job.output_folder, summary.outcomes);
    record_failures(job.output_folder, summary.outcomes);
  }
  return summary;
}

}  // namespace pillar

#include "pillar/embed/embed_job.h"

#include "pillar/core/batch.h"
#include "pillar/core/fail.h"
#include "pillar/core/progress.h"
#include "pillar/core/thread_pool.h"
#include "pillar/data/model_input.h"
#include "pillar/data/prefetch.h"

#include "core/shared/path_format.h"
#include "data/shared/load_fault.h"
#include "embed/embed_records.h"
#include "embed/embedding_file.h"
#include "embed/split_settings.h"

#include <chrono>
#include <cstring>

#include <ATen/ops/empty.h>
#include <spdlog/spdlog.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kFlushInterval{60};  // of embeddings that share one CSV file
constexpr int kLoaderJobs = 4;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// What a loader thread hands over.
struct Loaded {
  std::string accession;
  bool skipped = false;
  at::Tensor voxels_cdhw;
  Notes notes;
  std::string fault;  // not empty: nothing was loaded
};

std::uint64_t input_bytes(const PreprocessSpec& spec, std::uint64_t element) {
  return static_cast<std::uint64_t>(spec.size_dhw[0] * spec.size_dhw[1] * spec.size_dhw[2]) * element;
}

Loaded load_scan(const EmbedJob& job, const EmbeddingCache& cache, const ScanEntry& entry,
                 MemoryShare& share) {
  Loaded loaded;
  loaded.accession = entry.name;
  try {
    const OpenedScan opened = open_scan(entry, job.reading);
    loaded.accession = opened.name;
    for (const std::string& note : opened.notes)
      loaded.notes.add(fmt::format("{}: {}", entry.path.string(), note));
    std::string broken;
    if (!job.overwrite && cache.contains(opened.name, broken)) {
      loaded.skipped = true;
      return loaded;
    }
    if (!broken.empty()) loaded.notes.add(fmt::format("{}; embedded again", broken));
    const std::uint64_t needed = opened.read_bytes + input_bytes(job.spec, sizeof(float));
    require_memory(entry.path, needed);
    share.set(needed);
    loaded.voxels_cdhw = model_input(opened.read(), job.spec, loaded.notes).voxels_cdhw;
    share.set(loaded.voxels_cdhw.nbytes());
  } catch (const std::exception& error) {
    loaded.fault = first_line(error);
    loaded.voxels_cdhw.reset();
  }
  return loaded;
}

// One scan that waits for its batch.
struct Pending {
  std::size_t outcome;  // its place in the summary
  at::Tensor voxels_cdhw;
};

at::Tensor stacked(const std::vector<Pending>& batch) {
  const at::Tensor& first = batch.front().voxels_cdhw;
  if (batch.size() == 1) return first.unsqueeze(0);
  std::vector<std::int64_t> shape = first.sizes().vec();
  shape.insert(shape.begin(), static_cast<std::int64_t>(batch.size()));
  at::Tensor voxels = at::empty(shape, first.options());
  auto* to = static_cast<std::uint8_t*>(voxels.mutable_data_ptr());
  for (const Pending& one : batch) {
    std::memcpy(to, one.voxels_cdhw.const_data_ptr(), one.voxels_cdhw.nbytes());
    to += one.voxels_cdhw.nbytes();
  }
  return voxels;
}

// Takes scans in input order, embeds them batch by batch, and keeps the outcome of each.
class EmbedRun {
 public:
  EmbedRun(const EmbedJob& job, const EmbedFunction& embed)
      : job_(job), embed_(embed), cache_(job.cache, job.split, job.format) {}

  const EmbeddingCache& cache() const { return cache_; }
  std::vector<EmbedOutcome>& outcomes() { return outcomes_; }

  // How many scans are done with after it.
  std::int64_t take(const ScanEntry& entry, Loaded loaded) {
    log_notes(loaded.notes);
    outcomes_.push_back({entry.path, loaded.accession, EmbedStatus::failed, loaded.fault});
    if (!loaded.fault.empty()) return fail_one(outcomes_.size() - 1);
    if (const auto owner = names_.claim(loaded.accession, entry.path)) {
      outcomes_.back().reason =
          fmt::format("{}: its accession {} is already that of {}; a manifest gives each its own name",
                      entry.path, loaded.accession, *owner);
      return fail_one(outcomes_.size() - 1);
    }
    if (loaded.skipped) {
      outcomes_.back().status = EmbedStatus::skipped;
      return 1;
    }
    std::int64_t done = 0;
    if (!batch_.empty() && batch_.front().voxels_cdhw.scalar_type() != loaded.voxels_cdhw.scalar_type())
      done += flush();
    batch_.push_back({outcomes_.size() - 1, std::move(loaded.voxels_cdhw)});
    if (static_cast<int>(batch_.size()) >= std::max(job_.batch_size, 1)) done += flush();
    return done;
  }

  std::int64_t flush() {
    const std::vector<Pending> batch = std::exchange(batch_, {});
    if (!batch.empty()) embed_batch(batch);
    if (Clock::now() - last_flush_ > kFlushInterval) flush_cache();
    return static_cast<std::int64_t>(batch.size());
  }

  void flush_cache() {
    cache_.flush();
    last_flush_ = Clock::now();
  }

 private:
  std::int64_t fail_one(std::size_t index) {
    EmbedOutcome& outcome = outcomes_[index];
    outcome.status = EmbedStatus::failed;
    spdlog::error("{}", outcome.reason);
    return 1;
  }

  // What fails together is tried one by one: the fault may be one scan's.
  void embed_batch(const std::vector<Pending>& batch) {
    at::Tensor rows;
    try {
      rows = embed_(stacked(batch));
    } catch (const std::exception& error) {
      if (batch.size() == 1) {
        EmbedOutcome& outcome = outcomes_[batch.front().outcome];
        outcome.reason = fmt::format("{}: {}", outcome.path, first_line(error));
        fail_one(batch.front().outcome);
        return;
      }
      for (const Pending& one : batch) embed_batch({one});
      return;
    }
    if (rows.dim() != 2 || rows.size(0) != static_cast<std::int64_t>(batch.size()) ||
        rows.scalar_type() != at::kFloat)
      throw std::logic_error("an embedding function must return (B,N) float32");
    for (std::size_t i = 0; i < batch.size(); ++i) keep(batch[i].outcome, rows[static_cast<std::int64_t>(i)]);
  }

  void keep(std::size_t index, const at::Tensor& embedding) {
    EmbedOutcome& outcome = outcomes_[index];
    try {
      cache_.put(outcome.accession, embedding.contiguous());
      outcome.status = EmbedStatus::written;
    } catch (const std::exception& error) {
      outcome.reason = fmt::format("{}: {}", outcome.path, first_line(error));
      fail_one(index);
    }
  }

  const EmbedJob& job_;
  const EmbedFunction& embed_;
  EmbeddingCache cache_;
  OutputNames names_;
  std::vector<EmbedOutcome> outcomes_;
  std::vector<Pending> batch_;
  Clock::time_point last_flush_ = Clock::now();
};

void claim_cache(const EmbedJob& job) {
  read_processed(job.cache);  // before anything is computed: a file that is none of ours stops here
  Settings settings = job.settings;
  settings["model"] = job.model_name;
  settings["modality"] = job.spec.modality;
  settings["format"] = to_string(job.format);
  settings["preprocess"] = describe(job.spec);
  claim_split(job.cache, job.split, settings);
  remove_unfinished(job.cache / "embeddings" / job.split, "files");
}

void embed_all(const EmbedJob& job, EmbedRun& run, EmbedSummary& summary) {
  ProgressOptions bar;
  bar.label = "embed";
  bar.unit = "volumes";
  bar.total = static_cast<std::int64_t>(job.scans.size());
  bar.quiet = job.quiet;
  Progress progress(bar);
  const auto start = Clock::now();
  Prefetch<Loaded> prefetch(
      bar.total,
      [&](std::int64_t i, MemoryShare& share) {
        return load_scan(job, run.cache(), job.scans[static_cast<std::size_t>(i)], share);
      },
      {jobs_at_once(job.jobs, default_loader_jobs(), job.scans.size()), job.loader_bytes});
  while (auto item = prefetch.next()) {
    if (item->error) std::rethrow_exception(item->error);
    const std::int64_t done =
        run.take(job.scans[static_cast<std::size_t>(item->index)], std::move(*item->value));
    summary.waited_seconds = prefetch.waited_seconds();
    const double share = 100 * summary.waited_seconds / std::max(seconds_since(start), 1e-9);
    progress.advance(done, fmt::format("{:.0f} % waiting for the loader", share));
  }
  progress.advance(run.flush());
  summary.seconds = seconds_since(start);
}

}  // namespace

int default_loader_jobs() {
  return std::min(kLoaderJobs, usable_processors());
}

EmbedSummary run_embed(const EmbedJob& job, const EmbedFunction& embed) {
  if (job.scans.empty() && job.missing.empty()) fail(ErrorCategory::usage, "no scans to embed");
  EmbedSummary summary;
  EmbedRun run(job, embed);
  claim_cache(job);
  embed_all(job, run, summary);
  run.flush_cache();
  summary.outcomes = std::move(run.outcomes());
  for (const std::string& name : job.missing)
    summary.outcomes.push_back(
        {{}, name, EmbedStatus::failed, fmt::format("{}: in no row of the manifest", name)});
  record_processed(job, summary.outcomes);
  record_failures(job.cache, summary.outcomes);
  return summary;
}

}  // namespace pillar

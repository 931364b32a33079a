#include "pillar/data/scan_batch.h"

#include "pillar/core/batch.h"
#include "pillar/core/fail.h"
#include "pillar/core/progress.h"
#include "pillar/core/thread_pool.h"
#include "pillar/data/prefetch.h"
#include "pillar/device/memory_fault.h"

#include "core/shared/path_format.h"
#include "data/loader/model_queue.h"
#include "data/loader/note_summary.h"
#include "data/shared/load_fault.h"
#include "device/shared/cuda_tensor.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>

#include <spdlog/spdlog.h>

namespace pillar {
namespace {

constexpr int kLoaderJobs = 4;
constexpr std::chrono::milliseconds kKeepInterval{20};

// What a loader thread hands over.
struct LoadedScan {
  ScanEntry entry;
  std::string accession;
  SourceIdentity source;
  bool skipped = false;
  ModelInput input;
  Notes notes;
  Notes input_notes;      // of what was done to show it to the model
  std::string fault;      // not empty: nothing was loaded
  bool left_out = false;  // the fault is that it is no scan
};

std::uint64_t float_input_bytes(const PreprocessSpec& spec) {
  return static_cast<std::uint64_t>(spec.size_dhw[0] * spec.size_dhw[1] * spec.size_dhw[2]) * sizeof(float);
}

at::Tensor page_locked(const at::Tensor& voxels, const at::Device& device) {
  at::Tensor copy = staging(voxels.sizes(), voxels.scalar_type(), device);
  std::memcpy(copy.mutable_data_ptr(), voxels.const_data_ptr(), voxels.nbytes());
  return copy;
}

LoadedScan load_scan(const ScanBatch& batch, const ScanBatchSteps& steps, const ScanEntry& entry,
                     MemoryShare& share) {
  LoadedScan loaded;
  loaded.accession = entry.name;
  try {
    const OpenedScan opened = open_scan(entry, batch.reading);
    loaded.accession = opened.name;
    loaded.entry = opened.entry;
    for (const std::string& note : opened.notes)
      loaded.notes.add(fmt::format("{}: {}", entry.path.string(), note));
    const std::uint64_t needed = opened.read_bytes + float_input_bytes(batch.spec);
    if (steps.identify) {
      require_memory(entry.path, needed);  // what is too large to load is not worth reading either
      loaded.source = opened.identify();
    }
    loaded.skipped = steps.is_there({entry.path, opened.name}, loaded.source, loaded.notes);
    if (loaded.skipped) return loaded;
    require_memory(entry.path, needed);
    share.set(needed);
    loaded.input = model_input(opened.read(), batch.spec, loaded.input_notes);
    share.set(loaded.input.voxels_cdhw.nbytes());
    // A batch of one is the scan's own voxels; of several, they are brought together in page-locked memory.
    if (batch.device.is_cuda() && batch.batch_size <= 1)
      loaded.input.voxels_cdhw = page_locked(loaded.input.voxels_cdhw, batch.device);
  } catch (const NoScan& error) {
    loaded.fault = error.what();
    loaded.left_out = !entry.is_named;
  } catch (const std::exception& error) {
    loaded.fault = first_line(error);
    loaded.input = {};
  }
  return loaded;
}

at::Tensor stacked(std::span<const PendingScan> scans, const at::Device& device) {
  const at::Tensor& first = scans.front().input.voxels_cdhw;
  if (scans.size() == 1) return first.unsqueeze(0);
  std::vector<std::int64_t> shape = first.sizes().vec();
  shape.insert(shape.begin(), static_cast<std::int64_t>(scans.size()));
  at::Tensor voxels = staging(shape, first.scalar_type(), device);
  auto* to = static_cast<std::uint8_t*>(voxels.mutable_data_ptr());
  for (const PendingScan& one : scans) {
    std::memcpy(to, one.input.voxels_cdhw.const_data_ptr(), one.input.voxels_cdhw.nbytes());
    to += one.input.voxels_cdhw.nbytes();
  }
  return voxels;
}

// Takes scans in input order, uses them batch by batch, and keeps the outcome of each.
class ScanBatchRun {
 public:
  ScanBatchRun(const ScanBatch& batch, const ScanBatchSteps& steps)
      : batch_(batch), steps_(steps), model_(batches_at_once(batch), steps.compute) {
    outcomes_.reserve(batch.scans.size() + batch.missing.size());
  }

  std::vector<ScanOutcome>& outcomes() { return outcomes_; }
  Notes repeated_notes() const { return input_notes_.repeated(); }

  // How many scans are done with after it.
  std::int64_t take(const ScanEntry& entry, LoadedScan loaded) {
    log_notes(loaded.notes);
    log_input_notes(loaded);
    outcomes_.push_back({entry.path, loaded.accession, ScanStatus::failed, loaded.fault});
    if (loaded.left_out) return leave_out();
    if (!loaded.fault.empty()) return fail_one(outcomes_.size() - 1);
    const auto owner = names_.claim(loaded.accession, entry.path);
    if (!owner) sources_[loaded.accession] = loaded.source;
    if (owner && is_same(sources_[loaded.accession], loaded.source)) {
      spdlog::info("{}: the same scan as {}", entry.path.string(), owner->string());
      outcomes_.back().status = ScanStatus::skipped;
      return 1;
    }
    if (owner) {
      outcomes_.back().reason =
          fmt::format("{}: its accession {} is already that of {}; a manifest gives each its own name",
                      entry.path.string(), loaded.accession, *owner);
      return fail_one(outcomes_.size() - 1);
    }
    if (loaded.skipped) {
      outcomes_.back().status = ScanStatus::skipped;
      return 1;
    }
    std::int64_t done = 0;
    const at::ScalarType dtype = loaded.input.voxels_cdhw.scalar_type();
    if (!waiting_.empty() && waiting_.front().input.voxels_cdhw.scalar_type() != dtype) done += flush();
    waiting_.push_back(
        {outcomes_.size() - 1, std::move(loaded.entry), std::move(loaded.source), std::move(loaded.input)});
    if (static_cast<int>(waiting_.size()) >= std::max(batch_.batch_size, 1)) done += flush();
    return done;
  }

  // Gives the model what waits, when it may be given more. How many scans are done with after it.
  std::int64_t flush() {
    if (waiting_.empty()) return 0;
    std::int64_t done = model_.is_full() ? keep_next() : 0;
    at::Tensor voxels = stacked(waiting_, batch_.device);
    model_.give(std::exchange(waiting_, {}), std::move(voxels));
    return done + keep_finished();
  }

  // Keeps what the model has computed; does not wait for it.
  std::int64_t keep_finished() {
    std::int64_t done = 0;
    while (model_.is_next_done()) done += keep_next();
    return done;
  }

  // Keeps everything that there is.
  std::int64_t finish() {
    std::int64_t done = flush();
    while (const std::int64_t more = keep_next()) done += more;
    return done;
  }

  double model_idle_seconds() const { return model_.idle_seconds(); }

 private:
  static bool is_same(const SourceIdentity& a, const SourceIdentity& b) {
    return a.is_known() && compare(a, b) == SourceMatch::same;
  }

  // The first of each kind is said, the others are counted.
  void log_input_notes(const LoadedScan& loaded) {
    for (const std::string& note : loaded.input_notes) {
      const bool is_new = input_notes_.add(std::ssize(outcomes_), loaded.accession, note);
      spdlog::log(is_new ? spdlog::level::warn : spdlog::level::debug, "{}", note);
    }
  }

  std::int64_t leave_out() {
    outcomes_.back().status = ScanStatus::left_out;
    spdlog::info("left out: {}", outcomes_.back().reason);
    return 1;
  }

  std::int64_t fail_one(std::size_t index) {
    ScanOutcome& outcome = outcomes_[index];
    outcome.status = ScanStatus::failed;
    spdlog::error("{}", outcome.reason);
    return 1;
  }

  void end_one(std::size_t index, const std::string& fault) {
    ScanOutcome& outcome = outcomes_[index];
    outcome.status = ScanStatus::written;
    if (fault.empty()) return;
    outcome.reason = fmt::format("{}: {}", outcome.path.string(), fault);
    fail_one(index);
  }

  // Waits for the oldest batch that the model was given. Its number of scans; 0 where there is none.
  std::int64_t keep_next() {
    std::optional<GivenBatch> batch = model_.take();
    if (!batch) return 0;
    keep(batch->scans, [&] { return batch->result.get(); });
    return std::ssize(batch->scans);
  }

  // `computed` returns the model's results, or throws what the model has thrown.
  void keep(std::span<const PendingScan> scans, const std::function<ScanBatchSteps::Keep()>& computed) {
    std::vector<BatchedScan> named;
    for (const PendingScan& one : scans)
      named.push_back({one.entry, outcomes_[one.outcome].accession, one.input.placement, one.source});
    std::vector<std::string> faults;
    try {
      faults = computed()(named);
    } catch (const std::logic_error&) {
      throw;
    } catch (const std::exception& error) {
      if (ends_all_work(error)) throw;
      if (scans.size() == 1) return end_one(scans.front().outcome, first_line(error));
      for (std::size_t i = 0; i < scans.size(); ++i) {
        const auto one = scans.subspan(i, 1);
        keep(one, [&] { return steps_.compute(stacked(one, batch_.device)); });
      }
      return;
    }
    for (std::size_t i = 0; i < scans.size(); ++i) end_one(scans[i].outcome, faults.at(i));
  }

  const ScanBatch& batch_;
  const ScanBatchSteps& steps_;
  OutputNames names_;
  std::map<std::string, SourceIdentity> sources_;  // by name
  std::vector<ScanOutcome> outcomes_;
  std::vector<PendingScan> waiting_;
  NoteSummary input_notes_;
  ModelQueue model_;  // last: it ends before what it uses
};

void use_all(const ScanBatch& batch, const ScanBatchSteps& steps, ScanBatchRun& run, ScanSummary& summary) {
  using Clock = std::chrono::steady_clock;
  ProgressOptions bar;
  bar.label = steps.label;
  bar.unit = "volumes";
  bar.total = static_cast<std::int64_t>(batch.scans.size());
  bar.quiet = batch.quiet;
  Progress progress(bar);
  const auto start = Clock::now();
  const auto elapsed = [start] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  Prefetch<LoadedScan> prefetch(
      bar.total,
      [&](std::int64_t i, MemoryShare& share) {
        return load_scan(batch, steps, batch.scans[static_cast<std::size_t>(i)], share);
      },
      {jobs_at_once(batch.jobs, default_loader_jobs(), batch.scans.size()), batch.loader_bytes});
  const auto show = [&](std::int64_t done) {
    const double share = 100 * run.model_idle_seconds() / std::max(elapsed(), 1e-9);
    progress.advance(done, fmt::format("the model idle {:.0f} % of the time", share));
  };
  // What the model has computed is kept soon, also where the next scan takes long to load.
  const auto next = [&] {
    while (!prefetch.wait_for(kKeepInterval)) {
      if (const std::int64_t done = run.keep_finished(); done > 0) show(done);
    }
    return prefetch.next();
  };
  while (auto item = next()) {
    if (item->error) std::rethrow_exception(item->error);
    show(run.take(batch.scans[static_cast<std::size_t>(item->index)], std::move(*item->value)));
  }
  progress.advance(run.finish());
  summary.idle_seconds = run.model_idle_seconds();
  summary.queued_seconds = prefetch.held_seconds();
  summary.seconds = elapsed();
}

}  // namespace

int batches_at_once(const ScanBatch& batch) {
  if (batch.batches_at_once > 0) return batch.batches_at_once;
  return batch.device.is_cuda() ? 2 : 1;
}

int default_loader_jobs(std::int64_t processes) {
  const std::int64_t share = usable_processors() / std::max<std::int64_t>(processes, 1);
  return static_cast<int>(std::clamp<std::int64_t>(share, 1, kLoaderJobs));
}

ScanSummary run_scan_batch(const ScanBatch& batch, const ScanBatchSteps& steps) {
  if (batch.scans.empty() && batch.missing.empty()) fail(ErrorCategory::usage, "no scans to {}", steps.label);
  ScanSummary summary;
  ScanBatchRun run(batch, steps);
  use_all(batch, steps, run, summary);
  log_notes(run.repeated_notes());
  summary.outcomes = std::move(run.outcomes());
  add_missing(batch, summary);
  return summary;
}

void add_missing(const ScanBatch& batch, ScanSummary& summary) {
  for (const std::string& name : batch.missing)
    summary.outcomes.push_back(
        {{}, name, ScanStatus::failed, fmt::format("{}: in no row of the manifest", name)});
}

std::int64_t ScanSummary::count(ScanStatus status) const {
  return count_status(outcomes, status);
}

std::string ScanSummary::brief(std::string_view done) const {
  const std::int64_t written = count(ScanStatus::written);
  const std::string text = counts_in_words({{written, done},
                                            {count(ScanStatus::skipped), "there already"},
                                            {count(ScanStatus::left_out), "left out"},
                                            {count(ScanStatus::failed), "failed"}});
  if (written == 0 || seconds <= 0) return text;
  return fmt::format(
      "{}; {:.2f} volumes/s; the model was idle {:.0f} % of the time, scans waited for it {:.0f} %", text,
      static_cast<double>(written) / seconds, 100 * idle_seconds / seconds, 100 * queued_seconds / seconds);
}

void write_scan_failures(const std::filesystem::path& folder, const std::vector<ScanOutcome>& outcomes) {
  auto outcome = outcomes.begin();
  write_failures_by_row(folder, {"accession", "path", "reason"}, [&](std::vector<std::string>& row) {
    const auto failed = [](const ScanOutcome& one) { return one.status == ScanStatus::failed; };
    outcome = std::find_if(outcome, outcomes.end(), failed);
    if (outcome == outcomes.end()) return false;
    row = {outcome->accession, outcome->path.string(), outcome->reason};
    ++outcome;
    return true;
  });
}

}  // namespace pillar

#include "loader_cases.h"

#include "pillar/core/fail.h"
#include "pillar/core/thread_pool.h"
#include "pillar/data/study_loader.h"
#include "pillar/phantom/phantom.h"
#include "pillar/rave/sample.h"

#include <atomic>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>

namespace pillar::bench {
namespace {

namespace fs = std::filesystem;

constexpr double kMegabyte = 1048576.0;

// Of all threads of this process, in user code and the kernel.
double cpu_seconds() {
  rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Clocks {
  double wall = now_seconds(), cpu = cpu_seconds();

  Measurement stop(std::int64_t volumes, double megabytes) const {
    Measurement m;
    m.seconds = now_seconds() - wall;
    const auto count = static_cast<double>(volumes);
    m.figures = {{"cpu_seconds", cpu_seconds() - cpu},
                 {"volumes", count},
                 {"volumes_per_s", count / m.seconds},
                 {"mb_per_s", megabytes / m.seconds}};
    return m;
  }
};

// Every thread opens and decodes one sample after the other, and throws the volume away.
Measurement decode_alone(const std::vector<ScanEntry>& scans, int threads, int passes) {
  const auto count = static_cast<std::int64_t>(scans.size());
  std::atomic<std::int64_t> bytes = 0;
  const Clocks clocks;
  parallel_for(count * passes, threads, [&](std::int64_t i) {
    const Volume volume = Sample::open(scans[static_cast<std::size_t>(i % count)].path).read({}, 1);
    bytes += static_cast<std::int64_t>(volume.voxels_dhw.nbytes());
  });
  return clocks.stop(count * passes, static_cast<double>(bytes) / kMegabyte);
}

StudyPool pool_of(const std::vector<ScanEntry>& scans, const SizeDhw& size_dhw) {
  StudyPool pool;
  pool.spec = default_preprocess_spec("ct", size_dhw);
  for (const ScanEntry& scan : scans)
    pool.studies.push_back({std::filesystem::path(scan.path).filename().string(), scan.path, "bench"});
  return pool;
}

// How much was taken, in steps of a loader.
struct Taken {
  std::int64_t volumes = 0;
  double megabytes = 0;

  void take(StudyLoader& loader, std::int64_t steps) {
    for (std::int64_t step = 0; step < steps; ++step) {
      const StepBatch batch = loader.next().value();
      if (!batch.bad.empty()) fail(ErrorCategory::input, "{}", batch.bad.front().fault);
      for (const MicroBatch& micro : batch.micro_batches) {
        volumes += micro.voxels_bcdhw.size(0);
        megabytes += static_cast<double>(micro.voxels_bcdhw.nbytes()) / kMegabyte;
      }
    }
  }
};

// `kept`: after a pass that is not measured, with all volumes in the loader's cache.
Measurement load(const std::vector<ScanEntry>& scans, const LoaderOptions& options, int threads, bool kept) {
  const StudyPool pool = pool_of(scans, options.size_dhw);
  StudyLoaderOptions loading;
  loading.shape = {options.batch, options.micro_batch, 0, 1, false};
  loading.threads = threads;
  loading.memory_bytes = options.memory_bytes;
  loading.cache_bytes = kept ? UINT64_MAX : 0;
  const std::int64_t steps = steps_per_epoch(static_cast<std::int64_t>(scans.size()), loading.shape);
  loading.end_step = steps * (options.passes + (kept ? 1 : 0));
  Taken before, taken;
  const Clocks all;
  StudyLoader loader(pool, loading);
  if (!kept) {
    taken.take(loader, loading.end_step);
    return all.stop(taken.volumes, taken.megabytes);
  }
  before.take(loader, steps);
  const Clocks later;
  taken.take(loader, steps * options.passes);
  return later.stop(taken.volumes, taken.megabytes);
}

Case loader_case(const LoaderCohort& cohort, const LoaderOptions& options, int threads, bool kept) {
  const auto scans = [folder = cohort.folder] { return list_scans({folder}); };
  Case c;
  c.name = fmt::format("loader.{}.{}t{}", cohort.name, threads, kept ? ".cached" : "");
  c.ours = [=] { return load(scans(), options, threads, kept); };
  c.baseline_what = "Sample::read alone, same threads (the limit)";
  c.baseline = [=] { return decode_alone(scans(), threads, options.passes); };
  c.finish = [threads](nlohmann::ordered_json& entry) {
    const auto figure = [&](const char* side, const char* what) { return entry[side][what].get<double>(); };
    entry["threads"] = threads;
    entry["of_limit"] = figure("ours", "volumes_per_s") / figure("baseline", "volumes_per_s");
    entry["ratio_cpu"] = figure("baseline", "cpu_seconds") / figure("ours", "cpu_seconds");
  };
  return c;
}

}  // namespace

std::vector<LoaderCohort> make_loader_cohorts(const fs::path& scratch, int studies, std::int64_t size) {
  PhantomOptions phantom;
  phantom.size = size;
  std::vector<LoaderCohort> cohorts;
  for (const SampleMode mode : {SampleMode::rave10, SampleMode::lossless})
    cohorts.push_back({to_string(mode), scratch / to_string(mode)});
  for (int study = 0; study < studies; ++study) {
    SampleMetadata metadata;
    metadata.accession = fmt::format("PH{}", study);
    metadata.series_number = 1;
    std::optional<Volume> volume;
    for (const LoaderCohort& cohort : cohorts) {
      const fs::path target = cohort.folder / sample_name(metadata);
      if (fs::exists(target)) continue;
      if (!volume) volume = make_phantom(static_cast<std::uint64_t>(study), phantom).volume;
      SampleWriteOptions write;
      write.mode = parse_sample_mode(cohort.name);
      fs::create_directories(cohort.folder);
      write_sample(target, *volume, metadata, write);
    }
  }
  return cohorts;
}

std::vector<Case> loader_cases(const LoaderOptions& options) {
  std::vector<Case> cases;
  for (const LoaderCohort& cohort : options.cohorts) {
    for (const int threads : options.threads) cases.push_back(loader_case(cohort, options, threads, false));
    cases.push_back(loader_case(cohort, options, options.threads.back(), true));
  }
  return cases;
}

}  // namespace pillar::bench

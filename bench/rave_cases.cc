#include "rave_cases.h"

#include "pillar/image/resample.h"
#include "pillar/rave/sample.h"

#include "baselines.h"

#include <numeric>
#include <thread>

#include <c10/core/CPUAllocator.h>
#include <dlfcn.h>
#include <fmt/format.h>

namespace pillar::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::array<double, 3> kResampleSpacing = {1.5, 1.5, 1.5};
constexpr int kSamplesPerJob = 4;
constexpr int kInnerRuns = 3;

Measurement our_decode(const RaveOptions& options) {
  Measurement m;
  const double begin = now_seconds();
  const Volume volume = Sample::open(options.sample).read({}, options.threads);
  m.seconds = now_seconds() - begin;
  m.figures = {{"volume_mb", static_cast<double>(volume.voxels_dhw.nbytes()) / 1048576.0}};
  return m;
}

Measurement our_encode(const RaveOptions& options) {
  const Volume volume = Sample::open(options.sample).read();
  Measurement m;
  SampleWriteOptions write;
  write.mode = SampleMode::rave10;
  write.threads = options.threads;
  SampleMetadata metadata;
  metadata.accession = "bench";
  const fs::path target = options.scratch / "ours.encode";
  const double begin = now_seconds();
  write_sample(target, volume, metadata, write);
  m.seconds = now_seconds() - begin;
  m.figures = {{"bytes", static_cast<double>(fs::file_size(target / "volume.mp4"))}};
  return m;
}

Measurement our_resample(const RaveOptions& options) {
  const Volume volume = Sample::open(options.sample).read();
  Measurement m;
  const double begin = now_seconds();
  const Volume resampled = resample(volume, kResampleSpacing, Interpolation::linear, options.threads);
  m.seconds = now_seconds() - begin;
  const auto* voxels = resampled.voxels_dhw.const_data_ptr<std::int16_t>();
  m.figures = {{"sum", std::accumulate(voxels, voxels + resampled.voxels_dhw.numel(), 0.0)}};
  return m;
}

// Seconds a sample, when `jobs` threads each decode several, one decoder thread each.
Measurement decode_with_jobs(const RaveOptions& options, int jobs) {
  Measurement m;
  const double begin = now_seconds();
  std::vector<std::thread> workers;
  workers.reserve(static_cast<std::size_t>(jobs));
  for (int job = 0; job < jobs; ++job) {
    workers.emplace_back([&options] {
      for (int i = 0; i < kSamplesPerJob; ++i) Sample::open(options.sample).read({}, 1);
    });
  }
  for (std::thread& worker : workers) worker.join();
  m.seconds = (now_seconds() - begin) / (jobs * kSamplesPerJob);
  m.figures = {{"jobs", static_cast<double>(jobs)}, {"samples_per_second", 1.0 / m.seconds}};
  return m;
}

Measurement timed_program(const std::vector<std::string>& command) {
  Measurement m;
  const double begin = now_seconds();
  m.child_rss_mb = run_program(command, "", nullptr);
  m.seconds = now_seconds() - begin;
  // Only the program's memory is of interest: take off what the runner will add for this process.
  m.figures = {{"program_rss_mb", m.child_rss_mb}};
  m.child_rss_mb -= peak_rss_mb();
  return m;
}

// By name and folder: LD_PRELOAD itself would cut a path at its spaces.
std::vector<std::string> empty_program_with_torch() {
  Dl_info c10 = {};
  ::dladdr(reinterpret_cast<const void*>(&c10::GetCPUAllocator), &c10);
  const std::string folder = fs::path(c10.dli_fname).parent_path().string();
  return {"env", "LD_LIBRARY_PATH=" + folder, "LD_PRELOAD=libtorch_cpu.so", "true"};
}

Measurement encode_cohort(const RaveOptions& options, int jobs) {
  const fs::path cohort = options.scratch / "cohort";
  run_program({(options.programs / "pillar-phantom").string(), "--out", cohort.string(), "--studies",
               std::to_string(options.batch), "--seed", "7", "--quiet"},
              "", nullptr);
  return timed_program({(options.programs / "pillar-rave").string(), "encode", "--input-csv",
                        (cohort / "series.csv").string(), "--out", (options.scratch / "batch").string(),
                        "--jobs", std::to_string(jobs), "--overwrite", "--quiet"});
}

}  // namespace

std::vector<Case> rave_cases(const RaveOptions& options) {
  std::vector<Case> cases;
  cases.push_back({"decode", [=] { return our_decode(options); },
                   "libavcodec, every frame thrown away (the limit)",
                   [=] { return decode_only(options.video, options.threads); }, kInnerRuns});
  cases.push_back({"decode_public", [=] { return our_decode(options); },
                   "ffmpeg piping gray16le, float32 conversion",
                   [=] { return ffmpeg_decode(options.video, options.threads); }, kInnerRuns});
  cases.push_back({"decode_two_jobs", [=] { return decode_with_jobs(options, 2); },
                   "one job; seconds a sample, one decoder thread a job",
                   [=] { return decode_with_jobs(options, 1); }});
  cases.push_back({"encode_public", [=] { return our_encode(options); },
                   "float32 conversion, ffmpeg with libx265",
                   [=] {
                     return ffmpeg_encode(Sample::open(options.sample).read(),
                                          options.scratch / "baseline.mp4", options.threads);
                   }});
  cases.push_back(
      {"resample", [=] { return our_resample(options); }, "itk::ResampleImageFilter, linear",
       [=] { return itk_resample(Sample::open(options.sample).read(), kResampleSpacing, options.threads); }});
  cases.push_back({"startup",
                   [=] {
                     return timed_program({(options.programs / "pillar-rave").string(), "--help"});
                   },
                   "an empty program that loads libtorch_cpu.so",
                   [] { return timed_program(empty_program_with_torch()); }});
  if (options.batch > 0) {
    cases.push_back({fmt::format("encode_{}_series", options.batch),
                     [=] { return encode_cohort(options, 2); }, "the same with --jobs 1",
                     [=] { return encode_cohort(options, 1); }});
  }
  return cases;
}

}  // namespace pillar::bench

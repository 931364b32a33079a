#include "pillar/core/fail.h"
#include "pillar/core/thread_pool.h"
#include "pillar/phantom/phantom.h"
#include "pillar/rave/sample.h"

#include "command.h"
#include "rave_cases.h"
#include "windows_cases.h"

#include <memory>

#include <nlohmann/json.hpp>

namespace pillar::bench {
namespace {

namespace fs = std::filesystem;

struct Arguments : CommonArguments {
  fs::path sample;
  RaveOptions rave;
  WindowsOptions windows;
};

// Where no sample is given: a phantom chest in rave10.
fs::path make_sample(const fs::path& scratch) {
  fs::path target = scratch / "phantom.1.0";
  if (fs::exists(target)) return target;
  PhantomOptions options;
  options.size = 256;
  SampleWriteOptions write;
  write.mode = SampleMode::rave10;
  SampleMetadata metadata;
  metadata.accession = "phantom";
  metadata.series_number = 1;
  write_sample(target, make_phantom(1, options).volume, metadata, write);
  return target;
}

// The bare video file: the programs we compare with read no archives.
fs::path extract_video(const fs::path& sample) {
  fs::path video = fs::is_directory(sample) ? sample / "volume.mp4" : sample;
  if (!fs::is_regular_file(video) || video.extension() != ".mp4") {
    fail(ErrorCategory::usage, "{}: the benchmark takes a sample folder with volume.mp4", sample);
  }
  return video;
}

void bench_rave(Arguments& a, const char* program) {
  Scratch scratch(a.scratch);
  if (a.rave.threads == 0) a.rave.threads = usable_processors();
  a.rave.scratch = scratch.path;
  a.rave.sample = a.sample.empty() ? make_sample(scratch.path) : a.sample;
  a.rave.video = extract_video(a.rave.sample);
  a.rave.programs = fs::read_symlink("/proc/self/exe").parent_path();
  a.run.child_command = {program,     "rave",
                         "--sample",  a.rave.sample.string(),
                         "--scratch", scratch.path.string(),
                         "--threads", std::to_string(a.rave.threads),
                         "--batch",   std::to_string(a.rave.batch)};

  std::vector<Case> cases = rave_cases(a.rave);
  for (Case& c : mode_cases(a.rave)) cases.push_back(std::move(c));
  run_and_report(cases, a, a.rave.threads);
}

void bench_windows(Arguments& a, const char* program) {
  if (a.windows.threads == 0) a.windows.threads = usable_processors();
  a.run.child_command = {program,     "windows",
                         "--size",    std::to_string(a.windows.size),
                         "--threads", std::to_string(a.windows.threads)};
  run_and_report(windows_cases(a.windows), a, a.windows.threads);
}

void add_rave(CLI::App& app, const char* program) {
  CLI::App* command = app.add_subcommand("rave", "decoding, encoding and resampling of RAVE samples");
  auto a = std::make_shared<Arguments>();
  add_run_options(command, *a, a->rave.threads);
  command->add_option("--sample", a->sample,
                      "sample folder with a rave10 volume.mp4; without it a 256^3 phantom");
  command->add_option("--batch", a->rave.batch, "phantom series of the batch case; 0 leaves it out")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--scratch", a->scratch, "folder for temporary files, kept afterwards");
  command->callback([a, program] { bench_rave(*a, program); });
}

void add_windows(CLI::App& app, const char* program) {
  CLI::App* command = app.add_subcommand("windows", "all CT windows of an int16 phantom, as bfloat16");
  auto a = std::make_shared<Arguments>();
  add_run_options(command, *a, a->windows.threads);
  command->add_option("--size", a->windows.size, "voxels along each axis")
      ->check(CLI::Range(32, 512))
      ->capture_default_str();
  command->callback([a, program] { bench_windows(*a, program); });
}

}  // namespace
}  // namespace pillar::bench

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv, argv + argc);
  return pillar::run_app(argc, argv, "Measures libpillar against what it replaces, in one run.",
                         [argv, &words](pillar::AppContext& context) {
                           context.app.require_subcommand(1);
                           pillar::bench::add_rave(context.app, argv[0]);
                           pillar::bench::add_windows(context.app, argv[0]);
                           pillar::bench::add_atlas(context.app, argv[0]);
                           pillar::bench::add_index(context.app, argv[0]);
                           pillar::bench::add_loader(context.app, argv[0]);
                           pillar::bench::add_tokenizer(context.app, argv[0]);
                           pillar::bench::add_train(context.app, words);
                           pillar::bench::add_text(context.app, argv[0]);
                           pillar::bench::add_rate(context.app, argv[0]);
                           pillar::bench::add_finetune(context.app, words);
                           pillar::bench::add_eval(context.app, words);
                         });
}

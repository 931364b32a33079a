// pillar-bench loader: batches for training against decoding alone.
#include "pillar/core/fail.h"
#include "pillar/core/thread_pool.h"

#include "command.h"
#include "loader_cases.h"

#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace pillar::bench {
namespace {

namespace fs = std::filesystem;

struct LoaderArguments : CommonArguments {
  fs::path samples;
  std::int64_t size = 256;
  int studies = 8;
  std::vector<std::int64_t> input_dhw;  // empty: the phantoms' size
  LoaderOptions loader;
};

void check(LoaderArguments& a) {
  if (a.input_dhw.empty()) a.input_dhw.assign(3, a.size);
  if (a.input_dhw.size() != 3)
    fail(ErrorCategory::usage, "--input {}: takes D,H,W", fmt::format("{}", fmt::join(a.input_dhw, ",")));
  a.loader.size_dhw = {a.input_dhw[0], a.input_dhw[1], a.input_dhw[2]};
  if (!a.loader.threads.empty()) return;
  for (int threads = 1; threads <= usable_processors(); threads *= 2) a.loader.threads.push_back(threads);
}

void find_cohorts(LoaderArguments& a, const fs::path& scratch) {
  if (a.samples.empty()) {
    a.loader.cohorts = make_loader_cohorts(scratch, a.studies, a.size);
    return;
  }
  if (list_scans({a.samples}).empty()) fail(ErrorCategory::input, "{}: no samples", a.samples);
  a.loader.cohorts = {{"given", a.samples}};
}

void print_rates(const nlohmann::ordered_json& results) {
  fmt::print("\n{:<34} {:>10} {:>8} {:>10} {:>9} {:>9}\n", "", "volumes/s", "MB/s", "limit", "of limit",
             "CPU time");
  for (const auto& entry : results) {
    fmt::print("{:<34} {:>10.2f} {:>8.0f} {:>10.2f} {:>8.2f}x {:>8.2f}x\n", entry["name"].get<std::string>(),
               entry["ours"]["volumes_per_s"].get<double>(), entry["ours"]["mb_per_s"].get<double>(),
               entry["baseline"]["volumes_per_s"].get<double>(), entry["of_limit"].get<double>(),
               1 / entry["ratio_cpu"].get<double>());
  }
}

void bench_loader(LoaderArguments& a, const char* program) {
  check(a);
  const Scratch scratch(a.scratch);
  find_cohorts(a, scratch.path);
  a.run.child_command = {program,         "loader",
                         "--scratch",     scratch.path.string(),
                         "--studies",     std::to_string(a.studies),
                         "--size",        std::to_string(a.size),
                         "--input",       fmt::format("{}", fmt::join(a.input_dhw, ",")),
                         "--threads",     fmt::format("{}", fmt::join(a.loader.threads, ",")),
                         "--passes",      std::to_string(a.loader.passes),
                         "--batch",       std::to_string(a.loader.batch),
                         "--micro-batch", std::to_string(a.loader.micro_batch)};
  if (!a.samples.empty())
    a.run.child_command.insert(a.run.child_command.end(), {"--samples", a.samples.string()});
  print_rates(run_and_report(loader_cases(a.loader), a, a.loader.threads.back()));
}

}  // namespace

void add_loader(CLI::App& app, const char* program) {
  CLI::App* command =
      app.add_subcommand("loader", "training batches of RAVE samples, against decoding alone");
  auto a = std::make_shared<LoaderArguments>();
  a->run.repeats = 5;
  a->run.median = true;
  add_run_options(command, *a);
  command
      ->add_option("--threads", a->loader.threads,
                   "threads of both sides, one case each; without it 1, 2, 4, ...")
      ->delimiter(',')
      ->check(CLI::Range(1, 1024))
      ->type_name("N,...");
  command->add_option("--samples", a->samples, "folder of samples; without it phantoms in both storage modes")
      ->check(CLI::ExistingDirectory);
  command->add_option("--studies", a->studies, "phantoms")->check(CLI::Range(1, 1000))->capture_default_str();
  command->add_option("--size", a->size, "voxels of a phantom along each axis")
      ->check(CLI::Range(32, 512))
      ->capture_default_str();
  command->add_option("--input", a->input_dhw, "voxels D,H,W of the model's input; without it --size")
      ->delimiter(',')
      ->check(CLI::Range(1, 1024))
      ->type_name("D,H,W");
  command->add_option("--passes", a->loader.passes, "over all samples, within one run")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--batch", a->loader.batch, "studies of a step")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command->add_option("--micro-batch", a->loader.micro_batch, "studies of a micro-batch")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command->add_option("--scratch", a->scratch, "folder for temporary files, kept afterwards");
  command->callback([a, program] { bench_loader(*a, program); });
}

}  // namespace pillar::bench

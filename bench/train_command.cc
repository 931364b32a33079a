// pillar-bench train: steps of contrastive pretraining.
#include "pillar/core/fail.h"
#include "pillar/core/thread_pool.h"
#include "pillar/train/training_options.h"

#include "command.h"
#include "support/data_folder.h"
#include "train_cases.h"
#include "train_cohort.h"

#include <algorithm>
#include <memory>

#include <nlohmann/json.hpp>

namespace pillar::bench {
namespace {

struct TrainArguments : CommonArguments {
  std::string architecture = "atlas-tiny-abdomen-ct";
  std::string dtype = "fp32", device = "cpu";
  bool plain = false;
  TrainCohortOptions cohort;
  TrainOptions train;
};

void check(const TrainArguments& a) {
  if (a.train.batch % a.train.micro_batch != 0 || a.train.batch < 2 * a.train.micro_batch) {
    fail(ErrorCategory::usage, "--batch {}: must be --micro ({}) times 2 or more, a whole number of times",
         a.train.batch, a.train.micro_batch);
  }
}

void bench_train(TrainArguments& a) {
  check(a);
  const Scratch scratch(a.scratch);
  TrainOptions& train = a.train;
  if (train.threads == 0) train.threads = usable_processors();
  train.precision = a.dtype == "bf16" ? Precision::bf16 : Precision::fp32;
  const bool gpu = is_gpu(a.device);
  // The parent of measurements on a GPU leaves it to them.
  if (gpu) train.device = a.run.only_case.empty() ? at::Device(at::kCUDA) : training_device(a.device, 0);
  train.plain = a.plain || gpu;
  train.folder = scratch.path;
  train.architecture = find_architecture(a.architecture);
  if (a.run.only_case.empty()) {
    a.cohort.architecture = train.architecture;
    // An epoch is longer than the run: nothing is validated or exported in between.
    const std::int64_t largest = std::max(train.batch, *std::rbegin(kMemoryCases) * train.micro_batch);
    a.cohort.rows = largest * (train.steps + 2);
    make_train_cohort(a.cohort, scratch.path);
  }
  a.run.child_command = {train.words[0], "train",
                         "--scratch",    scratch.path.string(),
                         "--arch",       train.architecture.string(),
                         "--batch",      std::to_string(train.batch),
                         "--micro",      std::to_string(train.micro_batch),
                         "--dtype",      a.dtype,
                         "--steps",      std::to_string(train.steps),
                         "--threads",    std::to_string(train.threads),
                         "--device",     a.device,
                         "--quiet"};
  if (a.plain) a.run.child_command.push_back("--plain");
  if (train.checkpoint_blocks) a.run.child_command.push_back("--checkpoint-blocks");
  print_train_details(run_and_report(train_cases(train), a, train.threads));
}

}  // namespace

void add_train(CLI::App& app, const std::vector<std::string>& words) {
  CLI::App* command = app.add_subcommand(
      "train", "steps of contrastive pretraining: time by part, memory, two passes, two processes");
  auto a = std::make_shared<TrainArguments>();
  a->run.repeats = 1;
  a->run.median = true;
  a->train.threads = 0;
  a->train.words = words;
  add_run_options(command, *a, a->train.threads);
  command
      ->add_option("--arch", a->architecture, "a config.json, or the name of one that comes with libpillar")
      ->capture_default_str()
      ->type_name("FILE");
  command->add_option("--batch", a->train.batch, "studies of a step")
      ->check(CLI::Range(2, 4096))
      ->capture_default_str();
  command->add_option("--micro", a->train.micro_batch, "studies of a micro-batch")
      ->check(CLI::Range(1, 2048))
      ->capture_default_str();
  command->add_option("--dtype", a->dtype, "of the towers")
      ->check(CLI::IsMember({"fp32", "bf16"}))
      ->capture_default_str()
      ->type_name("fp32|bf16");
  command->add_option("--device", a->device, "cpu, cuda or cuda:N, of both sides")->capture_default_str();
  command->add_flag(
      "--plain", a->plain,
      "measure steps of the plain formulation, too, in both formats of memory; always on a GPU");
  command->add_flag("--checkpoint-blocks", a->train.checkpoint_blocks,
                    "ours computes blocks again in the backward instead of keeping them");
  command->add_option("--steps", a->train.steps, "measured steps of a run, after one that is not")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--samples", a->cohort.samples, "folder of samples; without it phantoms")
      ->check(CLI::ExistingDirectory);
  command->add_option("--studies", a->cohort.phantoms, "phantoms, which the studies take turns with")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--scratch", a->scratch, "folder for temporary files, kept afterwards");
  command->callback([a] { bench_train(*a); });
}

}  // namespace pillar::bench

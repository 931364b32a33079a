// pillar-bench finetune: a step of finetuning by its parts, and the heads at full size.
#include "pillar/core/fail.h"
#include "pillar/core/thread_pool.h"
#include "pillar/train/pretrain.h"

#include "command.h"
#include "finetune_cases.h"
#include "support/data_folder.h"

#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace pillar::bench {
namespace {

struct FinetuneArguments : CommonArguments {
  std::string architecture = "atlas-tiny-abdomen-ct";
  std::string dtype = "fp32", device = "cpu";
  std::vector<std::int64_t> tokens = {32, 32, 64};
  FinetuneBenchOptions finetune;
};

void check(const FinetuneArguments& a) {
  if (a.tokens.size() == 3 && a.tokens[0] == a.tokens[1]) return;
  fail(ErrorCategory::usage, "--tokens {}: takes T,T,X: the detection head needs a square first side",
       fmt::format("{}", fmt::join(a.tokens, ",")));
}

void bench_finetune(FinetuneArguments& a, const std::vector<std::string>& words) {
  check(a);
  FinetuneBenchOptions& finetune = a.finetune;
  if (finetune.threads == 0) finetune.threads = usable_processors();
  std::copy_n(a.tokens.begin(), 3, finetune.tokens.begin());
  finetune.compute = a.dtype == "bf16" ? at::kBFloat16 : at::kFloat;
  finetune.device = training_device(a.device, 0);
  finetune.architecture = find_architecture(a.architecture);
  a.run.child_command = {words[0],     "finetune",
                         "--arch",     finetune.architecture.string(),
                         "--dtype",    a.dtype,
                         "--device",   a.device,
                         "--batch",    std::to_string(finetune.batch),
                         "--steps",    std::to_string(finetune.steps),
                         "--channels", std::to_string(finetune.channels),
                         "--tokens",   fmt::format("{}", fmt::join(a.tokens, ",")),
                         "--threads",  std::to_string(finetune.threads)};
  if (finetune.checkpoint_blocks) a.run.child_command.emplace_back("--checkpoint-blocks");
  print_finetune_details(run_and_report(finetune_cases(finetune), a, finetune.threads));
}

}  // namespace

void add_finetune(CLI::App& app, const std::vector<std::string>& words) {
  CLI::App* command = app.add_subcommand(
      "finetune", "a step of finetuning by its parts, and the heads alone at full size, with peak memory");
  auto a = std::make_shared<FinetuneArguments>();
  a->run.repeats = 1;
  a->run.median = true;
  a->finetune.threads = 0;
  add_run_options(command, *a, a->finetune.threads);
  const auto number = [&](const char* name, std::int64_t& value, const char* what) {
    command->add_option(name, value, what)->check(CLI::Range(1, 1 << 16))->capture_default_str();
  };
  command
      ->add_option("--arch", a->architecture,
                   "of the step: a config.json, or a name that comes with libpillar")
      ->capture_default_str()
      ->type_name("FILE");
  number("--batch", a->finetune.batch, "studies of a step");
  number("--steps", a->finetune.steps, "measured steps, after one that is not");
  number("--channels", a->finetune.channels, "of the map that the heads read alone");
  command->add_option("--tokens", a->tokens, "of that map along its axes")
      ->delimiter(',')
      ->check(CLI::Range(1, 1024))
      ->capture_default_str()
      ->type_name("T,T,X");
  command->add_option("--dtype", a->dtype, "of tower and map")
      ->check(CLI::IsMember({"fp32", "bf16"}))
      ->capture_default_str()
      ->type_name("fp32|bf16");
  command->add_option("--device", a->device, "cpu, cuda, cuda:N, or auto")->capture_default_str();
  command->add_flag("--checkpoint-blocks", a->finetune.checkpoint_blocks,
                    "keep each block's input alone, and compute it again in the backward");
  command->callback([a, words] { bench_finetune(*a, words); });
}

}  // namespace pillar::bench

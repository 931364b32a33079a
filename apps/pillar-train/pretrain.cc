// pillar-train pretrain: contrastive pretraining against cached report embeddings.
#include "pillar/train/pretrain.h"

#include "pillar/core/fail.h"
#include "pillar/core/log.h"
#include "pillar/core/thread_pool.h"
#include "pillar/viz/training_report.h"
#include "pillar/world/launch.h"

#include "commands.h"
#include "support/data_folder.h"

#include <cstdio>
#include <cstdlib>
#include <memory>

namespace pillar {
namespace {

struct PretrainArguments {
  std::string config;
  std::vector<std::string> assignments;
  std::string device = "auto";
  std::int64_t nproc = 1;
  bool dry_run = false;
  PretrainOptions options;
};

ExitCode train(PretrainArguments& a, const std::optional<Rendezvous>& place) {
  const std::int64_t local_rank = place ? place->local_rank : 0;
  a.options.device = training_device(a.device, local_rank);
  const World world = place ? World::join(*place, a.options.device, [] { std::_Exit(1); }) : World();
  const PretrainOutcome outcome = run_pretrain(a.options, world);
  if (world.rank() == 0) {
    std::printf("%s: %lld steps done%s\n", a.options.config.output.c_str(),
                static_cast<long long>(outcome.steps),
                outcome.stopped ? ", stopped as asked; the same command goes on" : "");
    if (outcome.failed_studies > 0) {
      std::printf("%lld studies failed (see %s)\n", static_cast<long long>(outcome.failed_studies),
                  (a.options.config.output / "failures.csv").c_str());
    }
  }
  return outcome.failed_studies > 0 && !outcome.stopped ? ExitCode::some_inputs_failed : ExitCode::ok;
}

ExitCode pretrain(PretrainArguments& a, const LogOptions& log, const std::string& version,
                  const std::vector<std::string>& words) {
  const auto place =
      rendezvous_from_environment([](const char* name) -> const char* { return std::getenv(name); });
  if (place && a.nproc > 1 && !launched_locally())
    fail(ErrorCategory::usage,
         "--nproc starts processes itself; a launcher (torchrun, srun, mpirun) has done so");
  a.options.config = load_pretrain_config(a.config, a.assignments);
  a.options.config.architecture = find_architecture(a.options.config.architecture).string();
  a.options.open_log = [log](const std::filesystem::path& file) {
    LogOptions opened = log;
    if (opened.file.empty()) opened.file = file;
    init_logging(opened);
  };
  a.options.version = version;
  a.options.after_epoch = [](const std::filesystem::path& run) { write_training_report(run); };
  if (a.dry_run) {
    a.options.device = training_device(a.device, 0);
    std::fputs(plan_pretrain(a.options).c_str(), stdout);
    return ExitCode::ok;
  }
  if (a.nproc > 1 && !launched_locally()) return static_cast<ExitCode>(launch_local(a.nproc, words));
  return train(a, place);
}

}  // namespace

void add_pretrain(AppContext& context, const std::vector<std::string>& words) {
  auto a = std::make_shared<PretrainArguments>();
  CLI::App* app =
      context.app.add_subcommand("pretrain", "contrastive pretraining against cached report embeddings");
  app->footer(
      "Examples:\n"
      "  pillar-train pretrain --config configs/pretrain/demo.yaml data.root=demo output=demo/run\n"
      "  pillar-train pretrain --config chest.yaml train.batch_size=128 optimizer.lr=1e-4 --dry-run\n"
      "  pillar-train pretrain --config chest.yaml --nproc 8\n"
      "  torchrun --no-python --nproc-per-node 8 pillar-train pretrain --config chest.yaml\n"
      "  srun pillar-train pretrain --config chest.yaml\n"
      "A run that was stopped or killed goes on where its newest good checkpoint is when it is started "
      "again.\n"
      "SIGTERM, SIGUSR1 and SIGINT write a checkpoint and end it with exit code 0. Keys: "
      "docs/pillar-train.md.");
  app->add_option("--config,-c", a->config, "the run's YAML file")->required()->type_name("FILE");
  app->add_option("KEY=VALUE", a->assignments, "keys to set on top of the file: train.epochs=10");
  app->add_option(
         "--resume", a->options.resume,
         "auto: the newest good checkpoint of output, if any; none: start, in an output without one; or a "
         "checkpoint's folder")
      ->capture_default_str();
  app->add_option("--max-steps", a->options.max_steps,
                  "stop after so many steps in all, with a checkpoint; 0: none")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->type_name("N");
  app->add_option("--device", a->device, "cpu, cuda, cuda:N, or auto; several processes take a GPU each")
      ->capture_default_str();
  app->add_option("--nproc", a->nproc, "processes to start on this machine, training together")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str()
      ->type_name("N");
  app->add_flag("--skip-missing", a->options.skip_missing,
                "leave out studies without scan or text, and go on");
  app->add_flag("--dry-run", a->dry_run, "print what would be done and the time of one step; write nothing");
  app->callback(
      [a, &context, words] { context.result = pretrain(*a, context.log, context.app.version(), words); });
}

}  // namespace pillar

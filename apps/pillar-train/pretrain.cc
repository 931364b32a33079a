// pillar-train pretrain: contrastive pretraining against cached report embeddings.
#include "pillar/train/pretrain.h"

#include "pillar/viz/training_report.h"

#include "commands.h"
#include "support/data_folder.h"
#include "training_command.h"

#include <memory>

namespace pillar {
namespace {

ExitCode pretrain(const TrainingArguments& a, const AppContext& context,
                  const std::vector<std::string>& words) {
  PretrainOptions options;
  options.config = load_pretrain_config(a.config, a.assignments);
  options.config.architecture = find_architecture(options.config.architecture).string();
  options.resume = a.resume;
  options.max_steps = a.max_steps;
  options.skip_missing = a.skip_missing;
  options.open_log = log_opener(context.log);
  options.version = context.app.version();
  options.after_epoch = [](const std::filesystem::path& run) { write_training_report(run); };
  TrainingBody body;
  body.plan = [&options](at::Device device) {
    options.device = device;
    return plan_pretrain(options);
  };
  body.train = [&options](at::Device device, const World& world) {
    options.device = device;
    const PretrainOutcome outcome = run_pretrain(options, world);
    if (world.rank() != 0)
      return outcome.failed_studies > 0 && !outcome.stopped ? ExitCode::some_inputs_failed : ExitCode::ok;
    return report_training(options.config.output, outcome.steps, outcome.stopped, outcome.failed_studies);
  };
  return run_training(a, words, body);
}

}  // namespace

void add_pretrain(AppContext& context, const std::vector<std::string>& words) {
  auto a = std::make_shared<TrainingArguments>();
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
  add_training_options(*app, *a, "leave out studies without scan or text, and go on");
  app->callback([a, &context, words] { context.result = pretrain(*a, context, words); });
}

}  // namespace pillar

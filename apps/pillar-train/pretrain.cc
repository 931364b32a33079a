// pillar-train pretrain: contrastive pretraining against cached report embeddings.
#include "pillar/train/pretrain.h"

#include "commands.h"
#include "support/data_folder.h"
#include "training_command.h"

#include <memory>

namespace pillar {
namespace {

ExitCode pretrain(const TrainingArguments& a, const AppContext& context,
                  const std::vector<std::string>& words) {
  PretrainOptions options{training_options(a, context), {}};
  options.config = load_pretrain_config(a.config, a.assignments);
  options.config.architecture = find_architecture(options.config.architecture).string();
  TrainingBody body;
  body.max_wait_minutes = options.config.max_wait_minutes;
  body.memory = training_memory_advice(options.config);
  body.plan = [&options](at::Device device) {
    options.device = device;
    return plan_pretrain(options);
  };
  body.train = [&options](at::Device device, const World& world) {
    options.device = device;
    const PretrainOutcome outcome = run_pretrain(options, world);
    return report_training(world, options.config.output, outcome.steps, outcome.stopped,
                           outcome.failed_studies);
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
      "SIGTERM, SIGUSR1, SIGUSR2, SIGHUP and SIGINT write a checkpoint and end it with exit code 0. Keys: "
      "docs/pillar-train.md.");
  add_training_options(*app, *a, "leave out studies without scan or text, and go on");
  app->callback([a, &context, words] { context.result = pretrain(*a, context, words); });
}

}  // namespace pillar

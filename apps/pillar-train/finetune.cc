// pillar-train finetune: a pretrained tower and a table of labels to a model that predicts.
#include "pillar/train/finetune.h"

#include "commands.h"
#include "support/data_folder.h"
#include "training_command.h"

#include <cstdio>
#include <memory>

namespace pillar {
namespace {

struct FinetuneArguments : TrainingArguments {
  bool evaluate = false;
};

ExitCode finetune(const FinetuneArguments& a, const AppContext& context,
                  const std::vector<std::string>& words) {
  FinetuneOptions options{training_options(a, context), {}, context.words};
  options.config = load_finetune_config(a.config, a.assignments);
  if (!options.config.architecture.empty())
    options.config.architecture = find_architecture(options.config.architecture).string();
  TrainingBody body;
  body.max_wait_minutes = options.config.max_wait_minutes;
  body.memory = training_memory_advice(options.config);
  body.plan = [&options](at::Device device) {
    options.device = device;
    return plan_finetune(options);
  };
  body.train = [&options, &a](at::Device device, const World& world) {
    options.device = device;
    const FinetuneOutcome outcome =
        a.evaluate ? evaluate_finetune(options, world) : run_finetune(options, world);
    std::fputs(outcome.summary.c_str(), stdout);
    return report_training(world, options.config.output, outcome.steps, outcome.stopped,
                           outcome.failed_studies);
  };
  return run_training(a, words, body);
}

}  // namespace

void add_finetune(AppContext& context, const std::vector<std::string>& words) {
  auto a = std::make_shared<FinetuneArguments>();
  CLI::App* app = context.app.add_subcommand(
      "finetune", "labels from a pretrained tower: findings, one of several classes, or survival");
  app->footer(
      "Examples:\n"
      "  pillar-train finetune --config configs/finetune/multilabel.yaml data.table=cohort/findings.csv\n"
      "  pillar-train finetune --config mine.yaml train.freeze=backbone data.train_fraction=0.1 --dry-run\n"
      "  pillar-train finetune --config mine.yaml --nproc 8\n"
      "  pillar-train finetune --config mine.yaml --evaluate\n"
      "At the end of a run the best checkpoint is judged on dev and test (predictions/, metrics.json) and "
      "exported\n"
      "(export/). A run that was stopped or killed goes on when it is started again. Keys: "
      "docs/finetune.md.");
  add_training_options(*app, *a, "leave out studies whose scan or mask has a fault, and go on");
  app->add_flag("--evaluate", a->evaluate,
                "only judge the run's best checkpoint, or model.init where there is none; trains nothing");
  app->callback([a, &context, words] { context.result = finetune(*a, context, words); });
}

}  // namespace pillar

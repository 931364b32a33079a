// `--dry-run`: what a finetuning would do, and one step of it.
#include "pillar/core/fail.h"

#include "train/finetune/finetune_setup.h"
#include "train/finetune/finetune_step.h"
#include "train/run/batching.h"
#include "train/run/clock.h"
#include "train/run/memory_plan.h"
#include "train/run/peak_memory.h"
#include "train/run/reuse_memory.h"
#include "train/run/study_notes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace pillar {

MemoryPlan memory_of(const FinetuneSetup& setup, const FinetuneOptions& options) {
  const FinetuneConfig& config = options.config;
  const auto trained = [](const Parameters& all) {
    return numbers_of(all.of_kind(ParameterKind::trainable));
  };
  MemoryPlan memory = memory_plan(config, options.device, trained(setup.model->parameters()),
                                  trained(trained_parameters(*setup.model, config.freeze)));
  const TowerConfig& tower = setup.model->tower();
  AtlasPass pass = training_pass(config, options.device);
  pass.execution.gradients = config.freeze != Freeze::backbone;
  pass.frozen_patch_embed = config.freeze == Freeze::stem;
  pass.want_activ = setup.heads.features == HeadFeatures::attention;
  add_modality(memory, config, voxels_of(tower), setup.atlas, tower,
               infer_patch_embed(tower, setup.model->weights()), pass);
  return memory;
}

namespace {

void add_finetune_model(std::string& text, const FinetuneSetup& setup, const FinetuneOptions& options) {
  const FinetuneConfig& config = options.config;
  const std::int64_t trained =
      numbers_of(trained_parameters(*setup.model, config.freeze).of_kind(ParameterKind::trainable));
  const std::int64_t all = numbers_of(setup.model->parameters().of_kind(ParameterKind::trainable));
  text += fmt::format("model            {} parameters, {} of them trained (freeze: {})\n", all, trained,
                      to_string(config.freeze));
  text += memory_text(memory_of(setup, options), config, options.device);
}

void add_finetune_data(std::string& text, const FinetuneSetup& setup, const FinetuneConfig& config) {
  text += fmt::format("data             {} studies to train on, {} to validate, {} to test\n",
                      setup.train.studies.size(), setup.dev.studies.size(), setup.test.studies.size());
  text += fmt::format("                 {}\n", describe(setup.spec));
  for (const std::string& note : setup.notes) text += fmt::format("                 {}\n", note);
  for (const OutcomePool* pool : {&setup.train, &setup.dev, &setup.test}) {
    for (const NoteKind& kind : pool->notes) text += note_line(to_text(kind));
  }
  if (!setup.faults.empty())
    text += fmt::format("                 {} studies left out\n", setup.faults.size());
  text += fmt::format("outputs          {}: {}\n", to_string(setup.heads.kind),
                      fmt::join(setup.heads.outputs, ", "));
  text += fmt::format("steps            {} ({} an epoch, {} epochs), warm-up {:g} epochs\n",
                      setup.total_steps, setup.steps_per_epoch, config.epochs, config.warmup_epochs);
  text += fmt::format("a step           {} studies in micro-batches of {}\n", config.batch_size,
                      config.micro_batch);
  text += fmt::format("disk             {}\n", to_text(setup.disk));
  for (const std::string& note : setup.warnings) text += note_line(note);
}

}  // namespace

std::string plan_finetune(const FinetuneOptions& options) {
  if (options.device.is_cpu()) set_memory_policy(options.config.reuse_memory);
  const World alone;
  FinetuneSetup setup = set_up_finetune(options, alone);
  std::string text = setup.init_table;
  add_finetune_model(text, setup, options);
  add_finetune_data(text, setup, options.config);
  const double started = steady_seconds();
  StudyLoaderOptions loading = loader_options(options.config, setup.shape, options.device, 1, true);
  loading.end_step = 1;
  StudyLoader loader(setup.train, loading);
  const StepBatch batch = std::move(*loader.next());
  const double loaded = steady_seconds();
  SaidNotes said;
  said.say(setup.train.notes);
  for (const std::string& note : said.say(loader.notes())) text += note_line(note);
  for (const BadStudy& bad : batch.bad) text += fmt::format("failed           {}: {}\n", bad.name, bad.fault);
  if (batch.micro_batches.empty())
    fail(ErrorCategory::input, "none of the first step's studies could be loaded");
  const at::Tensor& voxels = batch.micro_batches.front().voxels_bcdhw;
  text += fmt::format("first batch      {} micro-batches; voxels ({}) {}\n", batch.micro_batches.size(),
                      fmt::join(voxels.sizes(), ","), at::toString(voxels.scalar_type()));
  FinetuneStepRunner runner(options, setup, alone);
  const FinetuneStepReport report = runner.run(batch, 0);
  const double step_s = steady_seconds() - loaded;
  text += fmt::format(
      "first step       loss {:.4f}; loading {:.2f} s, then {:.2f} s: forward {:.2f}, backward {:.2f}, "
      "optimiser {:.2f}\n",
      report.loss, loaded - started, step_s, report.forward_s, report.backward_s, report.optimiser_s);
  text += fmt::format("the whole run    about {:.1f} h at this pace, on one process\n",
                      step_s * static_cast<double>(setup.total_steps) / 3600);
  text += fmt::format("peak memory      {}\n", peak_memory_text(options.device));
  return text;
}

}  // namespace pillar

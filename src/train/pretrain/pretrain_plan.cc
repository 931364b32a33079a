// `--dry-run`: what a run would do, and one step of it.
#include "pillar/core/fail.h"

#include "train/pretrain/pretrain_setup.h"
#include "train/pretrain/pretrain_step.h"
#include "train/run/memory_plan.h"
#include "train/run/peak_memory.h"
#include "train/run/reuse_memory.h"
#include "train/run/study_notes.h"

#include <chrono>

#include <fmt/format.h>

namespace pillar {

MemoryPlan memory_of(const PretrainSetup& setup, const PretrainOptions& options) {
  const PretrainConfig& config = options.config;
  MemoryPlan memory = memory_plan(config, options.device, numbers_of(setup.model->weights()),
                                  numbers_of(setup.model->parameters().of_kind(ParameterKind::trainable)));
  const AtlasPass pass = training_pass(config, options.device);
  for (const TrainedModality& modality : setup.modalities) {
    const TowerConfig& tower = setup.atlas.tower(modality.name);
    add_modality(memory, config, voxels_of(tower), setup.atlas, tower,
                 infer_patch_embed(tower, setup.model->weights()), pass);
  }
  return memory;
}

namespace {

void add_model(std::string& text, const PretrainSetup& setup, const PretrainOptions& options) {
  text += fmt::format("model            {} parameters trained, {} numbers stored\n",
                      numbers_of(setup.model->parameters().of_kind(ParameterKind::trainable)),
                      numbers_of(setup.model->weights()));
  text += memory_text(memory_of(setup, options), options.config, options.device);
}

void add_data(std::string& text, const PretrainSetup& setup, const PretrainConfig& config) {
  for (const TrainedModality& modality : setup.modalities) {
    text += fmt::format("data             {}: {} studies to train on, {} to validate, text {} wide\n",
                        modality.name, modality.train.studies.size(), modality.validation.studies.size(),
                        modality.train.text_nw.size(1));
    text += fmt::format("                 {}\n", describe(modality.train.spec));
    for (const PretrainPool* pool : {&modality.train, &modality.validation}) {
      for (const NoteKind& kind : pool->notes) text += note_line(to_text(kind));
    }
  }
  if (!setup.faults.empty())
    text += fmt::format("                 {} studies left out\n", setup.faults.size());
  text += fmt::format("steps            {} ({} an epoch, {} epochs), warm-up {}\n", setup.total_steps,
                      setup.steps_per_epoch, config.epochs, config.warmup_steps);
  text += fmt::format("a step           {} studies in micro-batches of {}\n", config.batch_size,
                      config.micro_batch);
  text += fmt::format("disk             {}\n", to_text(setup.disk));
  for (const std::string& note : setup.notes) text += note_line(note);
}

// What was found odd in their voxels is added to `text`.
std::vector<StepBatch> first_batches(const PretrainOptions& options, const PretrainSetup& setup,
                                     std::string& text) {
  SaidNotes said;
  std::vector<StepBatch> batches;
  for (const TrainedModality& modality : setup.modalities) {
    StudyLoaderOptions loading = loader_options(options, setup, true);
    loading.end_step = 1;
    StudyLoader loader(modality.train, loading);
    batches.push_back(std::move(*loader.next()));
    for (const PretrainPool* pool : {&modality.train, &modality.validation}) said.say(pool->notes);
    for (const std::string& note : said.say(loader.notes())) text += note_line(note);
  }
  return batches;
}

}  // namespace

std::string plan_pretrain(const PretrainOptions& options) {
  using Clock = std::chrono::steady_clock;
  if (options.device.is_cpu()) set_memory_policy(options.config.reuse_memory);
  const World alone;
  PretrainSetup setup = set_up_pretrain(options, alone);
  std::string text;
  if (!setup.init_table.empty()) text += setup.init_table;
  add_model(text, setup, options);
  add_data(text, setup, options.config);
  const Clock::time_point started = Clock::now();
  const std::vector<StepBatch> batches = first_batches(options, setup, text);
  const Clock::time_point loaded = Clock::now();
  for (std::size_t m = 0; m < batches.size(); ++m) {
    const StepBatch& batch = batches[m];
    for (const BadStudy& bad : batch.bad)
      text += fmt::format("failed           {}: {}\n", bad.name, bad.fault);
    if (batch.micro_batches.empty()) continue;
    const at::Tensor& voxels = batch.micro_batches.front().voxels_bcdhw;
    const at::Tensor texts = texts_of(setup.modalities[m].train, batch.micro_batches.front().studies);
    text += fmt::format("first batch      {} micro-batches; voxels ({}) {}, text ({})\n",
                        batch.micro_batches.size(), fmt::join(voxels.sizes(), ","),
                        at::toString(voxels.scalar_type()), fmt::join(texts.sizes(), ","));
  }
  StepRunner runner(options, setup, alone);
  const StepReport report = runner.run(batches, 0);
  const double load_s = std::chrono::duration<double>(loaded - started).count();
  const double step_s = std::chrono::duration<double>(Clock::now() - loaded).count();
  text += fmt::format(
      "first step       loss {:.4f}; loading {:.2f} s, then {:.2f} s: pass without gradients {:.2f}, "
      "loss {:.2f}, pass with gradients {:.2f}, optimiser {:.2f}\n",
      report.update.loss, load_s, step_s, report.first_pass_s, report.loss_s, report.second_pass_s,
      report.optimiser_s);
  text += fmt::format("the whole run    about {:.1f} h at this pace, on one process\n",
                      step_s * static_cast<double>(setup.total_steps) / 3600);
  text += fmt::format("peak memory      {}\n", peak_memory_text(options.device));
  return text;
}

}  // namespace pillar

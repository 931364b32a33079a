#include "train/finetune/finetune_setup.h"

#include "pillar/core/config.h"
#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/sha256.h"
#include "pillar/core/thread_pool.h"
#include "pillar/labels/nlst.h"
#include "pillar/labels/outcome_sampling.h"
#include "pillar/model/clip_model.h"
#include "pillar/model/model_folder.h"

#include "train/finetune/exported_config.h"
#include "train/run/batching.h"
#include "train/run/study_notes.h"

#include <algorithm>
#include <cmath>

#include <ATen/ops/empty.h>
#include <fmt/format.h>

namespace pillar {
namespace {

OutcomeTable read_nlst(const FinetuneConfig& config, Notes& notes) {
  NlstOptions options;
  options.horizon = config.columns.horizon;
  options.samples = config.nlst->samples;
  options.masks = config.nlst->masks;
  options.google_test = config.nlst->google_test;
  options.ignored_exams = config.nlst->ignored_exams;
  NlstTable read = read_nlst_table(config.nlst->dataset, options);
  for (const std::string& note : read.notes) notes.add(note);
  return std::move(read.table);
}

OutcomeTable read_table(const FinetuneConfig& config, Notes& notes) {
  const PatientTable patients = config.patients.empty() ? PatientTable{} : read_patients(config.patients);
  const OutcomeTable all =
      config.nlst ? read_nlst(config, notes) : read_outcome_table(config.table, config.columns, patients);
  return config.train_fraction < 1 ? subset(all, config.train_fraction, config.seed) : all;
}

HeadsConfig heads_of(const FinetuneConfig& config, const OutcomeTable& table) {
  HeadsConfig heads;
  heads.kind = table.kind;
  heads.outputs = table.outputs;
  heads.features = config.features;
  heads.hidden_width = config.hidden_width;
  heads.dropout = config.head_dropout;
  heads.detection = config.detection;
  return heads;
}

bool is_of_tower(const std::string& name) {
  return name.starts_with("visual.");
}

// A tower takes all of its weights from the checkpoint or none: half of one is a mistake.
std::string take_tower(WeightMap& weights, const std::filesystem::path& init) {
  const InitReport report = take_fitting_weights(weights, init);
  for (const auto* names : {&report.other_shape, &report.not_there}) {
    if (std::none_of(names->begin(), names->end(), is_of_tower)) continue;
    fail(ErrorCategory::input, "{}: is a checkpoint of another architecture:\n{}", init, report.table());
  }
  return report.table();
}

void load_pools(FinetuneSetup& setup, const FinetuneConfig& config) {
  const int threads = usable_processors();
  for (const auto& [split, pool] :
       {std::pair{OutcomeSplit::train, &setup.train}, std::pair{OutcomeSplit::dev, &setup.dev},
        std::pair{OutcomeSplit::test, &setup.test}}) {
    const std::vector<std::int64_t> studies = studies_of_split(setup.table, split);
    pool->spec = setup.spec;
    if (studies.empty()) continue;
    *pool = load_outcome_pool(setup.table, studies, setup.spec, threads, setup.faults);
    refuse_mismatches(fmt::format("{}, split {}", setup.table.file.string(), to_string(split)), *pool,
                      config.max_mismatch_fraction);
  }
  if (!config.class_balanced) return;
  const std::vector<double> weights = class_balanced_weights(setup.table);
  const std::vector<std::int64_t> training = studies_of_split(setup.table, OutcomeSplit::train);
  // Weights are those of all training studies; the pool may lack some.
  for (const std::int64_t row : setup.train.rows) {
    const auto place = std::lower_bound(training.begin(), training.end(), row) - training.begin();
    setup.train.weights.push_back(weights[static_cast<std::size_t>(place)]);
  }
}

// Labels, and the studies that could be opened, as one text: processes must agree on both.
std::string digest(const FinetuneSetup& setup) {
  std::string names;
  for (const OutcomePool* pool : {&setup.train, &setup.dev, &setup.test}) {
    for (const PoolStudy& study : pool->studies) names += study.name + "\n";
    names += "\n";
  }
  return fmt::format("labels {}, studies {}", outcome_digest(setup.table),
                     sha256_hex({reinterpret_cast<const std::uint8_t*>(names.data()), names.size()}));
}

void note_finetune(const FinetuneConfig& config, FinetuneSetup& setup, const World& world) {
  note_warmup("optimizer.warmup_epochs",
              std::llround(config.warmup_epochs * static_cast<double>(setup.steps_per_epoch)),
              setup.total_steps, setup.warnings);
  if (world.rank() != 0) return;  // only rank 0 writes
  const Parameters trained = trained_parameters(*setup.model, config.freeze);
  setup.disk = disk_need(config, numbers_of(setup.model->weights()),
                         numbers_of(trained.of_kind(ParameterKind::trainable)), setup.total_steps);
  check_disk(setup.disk, disk_room(config.output), config.output, setup.warnings);
}

}  // namespace

const OutcomePool& FinetuneSetup::pool(OutcomeSplit split) const {
  if (split == OutcomeSplit::train) return train;
  return split == OutcomeSplit::dev ? dev : test;
}

FinetuneSetup set_up_finetune(const FinetuneOptions& options, const World& world) {
  const FinetuneConfig& config = options.config;
  check_precision(config.precision, options.device);
  FinetuneSetup setup;
  setup.shape = batch_shape(config, world);
  setup.table = read_table(config, setup.notes);
  setup.heads = heads_of(config, setup.table);
  setup.config_json = exported_config(config, setup.heads);
  const std::filesystem::path source = architecture_file(config);
  const Config document = Config::parse(setup.config_json, source);
  setup.atlas = parse_atlas_config(document);
  const TowerConfig& tower = setup.atlas.tower("");
  setup.spec = parse_preprocess_spec(document, tower.modality, tower.size_dhw());
  setup.windows = tower_windows(setup.spec, tower);
  load_pools(setup, config);
  if (!options.skip_missing) refuse_faults(setup.faults);
  setup.data_digest = digest(setup);
  world.require_same("the data table", setup.data_digest);
  setup.steps_per_epoch = steps_per_epoch(static_cast<std::int64_t>(setup.train.studies.size()), setup.shape);
  setup.total_steps = setup.steps_per_epoch * config.epochs;
  WeightMap weights = random_weights(setup.atlas, config.seed);
  weights.merge(initial_head_weights(setup.atlas.readout_width(), setup.heads, config.seed));
  if (!config.init.empty()) setup.init_table = take_tower(weights, exported_model(config.init));
  setup.model = std::make_unique<FinetunedModel>(setup.atlas, tower.modality, setup.heads, weights,
                                                 options.device, source.string());
  note_finetune(config, setup, world);
  return setup;
}

at::Tensor values_of(const OutcomeTable& table, const OutcomePool& pool,
                     const std::vector<std::int64_t>& studies) {
  at::Tensor rows = at::empty({static_cast<std::int64_t>(studies.size())}, at::kLong);
  auto* row = rows.mutable_data_ptr<std::int64_t>();
  for (const std::int64_t study : studies) *row++ = pool.rows[static_cast<std::size_t>(study)];
  return table.values.index_select(0, rows);
}

at::Tensor laterality_of(const OutcomeTable& table, const OutcomePool& pool,
                         const std::vector<std::int64_t>& studies) {
  at::Tensor sides = at::empty({static_cast<std::int64_t>(studies.size()), 3}, at::kFloat);
  auto* side = sides.mutable_data_ptr<float>();
  for (const std::int64_t study : studies) {
    const auto row = static_cast<std::size_t>(pool.rows[static_cast<std::size_t>(study)]);
    side = std::copy_n(table.studies[row].laterality.begin(), 3, side);
  }
  return sides;
}

Parameters head_parameters(const FinetunedModel& model) {
  Parameters heads;
  for (const Parameter& parameter : model.parameters()) {
    if (parameter.group == "pool" || parameter.group == "head") heads.add(parameter);
  }
  return heads;
}

Parameters trained_parameters(const FinetunedModel& model, Freeze freeze) {
  if (freeze == Freeze::backbone) return head_parameters(model);
  if (freeze == Freeze::none) return model.parameters();
  Parameters trained;
  for (const Parameter& parameter : model.parameters()) {
    if (parameter.group != "patch_embed") trained.add(parameter);
  }
  return trained;
}

}  // namespace pillar

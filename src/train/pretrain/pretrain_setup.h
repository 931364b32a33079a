// Internal: what a run is made of before its first step.
#pragma once

#include "pillar/core/notes.h"
#include "pillar/data/pretrain_pool.h"
#include "pillar/data/study_loader.h"
#include "pillar/model/clip_model.h"
#include "pillar/train/pretrain.h"

#include "train/run/batching.h"
#include "train/run/memory_plan.h"
#include "train/run/run_checks.h"

#include <memory>
#include <string>
#include <vector>

namespace pillar {

struct TrainedModality {
  std::string name;
  std::vector<Window> windows;
  PretrainPool train;
  PretrainPool validation;  // no studies: none
  // Of each of their studies, equal where the report embeddings are, bit for bit.
  std::vector<std::int64_t> train_reports = {}, validation_reports = {};
};

struct PretrainSetup {
  AtlasConfig atlas;
  std::string config_json;  // of the exported model: the architecture with what the run overrides
  std::vector<TrainedModality> modalities;
  std::vector<StudyFault> faults;  // of studies that are left out
  std::string data_digest;         // of all studies in their order, and of their texts
  std::string init_table;          // empty where nothing was taken
  Notes notes;                     // what is said before the first step
  DiskNeed disk;                   // of rank 0
  std::unique_ptr<ClipModel> model;
  BatchShape shape;
  std::int64_t steps_per_epoch = 0, total_steps = 0;
};

// Reads and checks everything. Throws Error with a table of all faulty studies unless they are to be skipped.
PretrainSetup set_up_pretrain(const PretrainOptions& options, const World& world);

// What its steps take.
MemoryPlan memory_of(const PretrainSetup& setup, const PretrainOptions& options);

StudyLoaderOptions loader_options(const PretrainOptions& options, const PretrainSetup& setup, bool train);

}  // namespace pillar

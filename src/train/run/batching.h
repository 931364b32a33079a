// Internal: how the studies of any training are cut into steps and loaded.
#pragma once

#include "pillar/data/study_loader.h"
#include "pillar/data/study_pool.h"
#include "pillar/model/atlas.h"
#include "pillar/train/trainer_config.h"
#include "pillar/world/world.h"

#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

at::ScalarType compute_type(Precision precision);
// Throws Error(usage): a precision that `device` does not have.
void check_precision(Precision precision, at::Device device);

// Whether the stem's maps are computed again in the backward: as the configuration says, else on a GPU only.
bool is_stem_checkpointed(const TrainerConfig& config, at::Device device);

// A tower's pass with gradients, as the configuration wants it; the step adds its seed and its processes.
AtlasPass training_pass(const TrainerConfig& config, at::Device device);

// Throws Error(usage): work for fewer processes than there are; sync_batchnorm where processes would not have
// as many micro-batches each.
BatchShape batch_shape(const TrainerConfig& config, const World& world);

// `pools`: how many are loaded from at once, which share memory and cache. Steps are the caller's to set.
StudyLoaderOptions loader_options(const TrainerConfig& config, const BatchShape& shape, at::Device device,
                                  std::size_t pools, bool train);

// Of the studies that this rank has in a step: "a, b", or that it has none.
std::string study_names(std::span<const StepBatch> batches);

// Throws Error(input) with a table of the studies, if there are any.
void refuse_faults(const std::vector<StudyFault>& faults);

}  // namespace pillar

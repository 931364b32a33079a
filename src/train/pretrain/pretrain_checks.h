// Internal: whether the studies of a pretraining can be trained on and judged by, and what is said of them
// before the first step.
#pragma once

#include "pillar/core/notes.h"

#include "train/pretrain/pretrain_setup.h"

namespace pillar {

// Throws Error(input): validation studies that are trained on, by name or by file; a patient (as
// data.patients says, else the manifests) with studies to train on and to validate by; more studies than
// allowed that are not what the model expects.
void check_pretrain_studies(const PretrainConfig& config, const std::vector<TrainedModality>& modalities);

// A warm-up that never ends, a batch of few studies, a last batch of one, recall among too few, a disk that
// is too small for all that the run keeps. Throws Error(io) for one that is too small for a single
// checkpoint.
void note_pretrain(const PretrainConfig& config, PretrainSetup& setup, const World& world);

}  // namespace pillar

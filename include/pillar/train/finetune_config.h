// The one YAML file of a finetuning run (docs/finetune.md has every key).
#pragma once

#include "pillar/labels/outcomes.h"
#include "pillar/metrics/bootstrap.h"
#include "pillar/metrics/calibration_curve.h"
#include "pillar/metrics/classification.h"
#include "pillar/model/heads.h"
#include "pillar/train/trainer_config.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace pillar {

// Which part of the tower stays as it is.
enum class Freeze { none, stem, backbone };
const char* to_string(Freeze freeze) noexcept;

// What classification heads are trained with.
enum class ClassificationLoss { cross_entropy, focal };
// How much a yes counts against a no: the same, or as much more as it is rarer among the training studies.
enum class PositiveWeight { none, balanced };

const char* to_string(ClassificationLoss loss) noexcept;
const char* to_string(PositiveWeight weight) noexcept;

// NLST as the public code keeps it, in place of a CSV.
struct NlstSource {
  // Sybil's dataset file; RAVE samples; and, where they are not empty, masks and the series of the test
  // split.
  std::filesystem::path dataset, samples, masks, google_test;
  std::vector<std::string> ignored_exams;
};

struct FinetuneConfig : TrainerConfig {
  FinetuneConfig();  // its own defaults of TrainerConfig's settings

  // task
  OutcomeColumns columns;

  // model
  std::filesystem::path init;  // a model folder, a checkpoint, or empty: random weights
  std::string architecture;    // config.json or a name; empty: the config.json of `init`
  std::string tower;           // empty: the only one
  HeadFeatures features = HeadFeatures::readout;
  std::int64_t hidden_width = 0;
  double head_dropout = 0;
  std::optional<DetectionHeadConfig> detection;
  // Changes to what the model says of its voxels.
  std::optional<double> pad_value;
  std::optional<std::string> axes;  // of parse_model_axes()
  std::optional<bool> flip_depth;

  // data
  std::filesystem::path table;  // CSV; empty: nlst
  std::optional<NlstSource> nlst;
  std::filesystem::path patients;  // CSV accession,patient; empty: the table's column, if any
  double train_fraction = 1;       // of the training studies, for few-shot experiments
  bool class_balanced = false;     // training studies are drawn by the rarity of their class

  // loss
  ClassificationLoss loss = ClassificationLoss::cross_entropy;
  PositiveWeight positive_weight = PositiveWeight::none;
  double focal_gamma = 2, focal_alpha = -1;  // alpha below 0: none
  // Weights of the annotation losses of attention pooling, and of detection; 0: off.
  double image_attention = 0, volume_attention = 0, region = 0, detection_weight = 0;

  // train
  Freeze freeze = Freeze::none;
  std::int64_t probe_epochs = 0;     // at first, of the heads alone
  std::int64_t patience_epochs = 0;  // end after so many epochs without a better one; 0: never
  std::string monitor;               // empty: macro_auroc, c_index for survival

  // optimizer
  double layer_decay = 1, head_lr_factor = 1;
  double min_lr = 0;         // below lr; scaled by group as lr is
  double warmup_epochs = 1;  // may be a part of one
  // compat: the public schedule, by epoch, with one absolute min_lr for all groups.
  bool public_schedule = false;

  // evaluation
  std::optional<CalibrationMethod> calibration;  // fitted on dev; unset: none
  // Yes or no: by thresholds that dev chose, or above one half.
  ThresholdRule threshold = ThresholdRule::f1;
  BootstrapOptions bootstrap;
};

// Throws Error(usage) naming the key.
void check_finetune_config(const FinetuneConfig& config);

// `file` with "key.path=value" assignments on top. Relative paths start at data.root (default: the current
// folder). Throws Error(io | input | usage) naming file, line and key: unknown keys with the nearest there
// is.
FinetuneConfig load_finetune_config(const std::filesystem::path& file,
                                    const std::vector<std::string>& assignments);

// Every key with its value, as YAML that load_finetune_config() reads to the same configuration.
std::string format_finetune_config(const FinetuneConfig& config);

}  // namespace pillar

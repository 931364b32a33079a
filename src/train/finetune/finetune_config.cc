#include "pillar/train/finetune_config.h"

#include "pillar/core/config.h"
#include "pillar/core/fail.h"

#include "train/run/trainer_config.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

// The value of `kinds` whose name the node holds.
template <typename Kind, std::size_t kCount>
Kind parse_named(const Config& node, const std::array<Kind, kCount>& kinds, Kind fallback) {
  const std::string text = node.as_string(to_string(fallback));
  std::string names;
  for (const Kind kind : kinds) {
    if (text == to_string(kind)) return kind;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", to_string(kind));
  }
  node.fail(fmt::format("'{}' is none of {}", text, names));
}

std::vector<std::string> parse_names(const Config& list) {
  std::vector<std::string> names;
  if (!list.exists()) return names;
  if (!list.is_list()) list.fail("expected a list of names");
  for (std::size_t i = 0; i < list.size(); ++i) names.push_back(list.at(i).as_string());
  return names;
}

void parse_task(const Config& task, FinetuneConfig& config) {
  task.allow_only({"kind", "labels", "label", "classes", "horizon", "columns"});
  OutcomeColumns& columns = config.columns;
  columns.kind = parse_named(
      task.get("kind"), std::array{OutcomeKind::multilabel, OutcomeKind::multiclass, OutcomeKind::survival},
      columns.kind);
  columns.labels = parse_names(task.get("labels"));
  if (task.get("label").exists()) columns.labels = {task.get("label").as_string()};
  columns.classes = parse_names(task.get("classes"));
  columns.horizon = task.get("horizon").as_int(columns.horizon);
  const Config names = task.get("columns");
  const std::array<std::pair<const char*, std::string*>, 8> known = {{{"accession", &columns.accession},
                                                                      {"image", &columns.image},
                                                                      {"split", &columns.split},
                                                                      {"mask", &columns.mask},
                                                                      {"boxes", &columns.boxes},
                                                                      {"patient", &columns.patient},
                                                                      {"event", &columns.event},
                                                                      {"time", &columns.time}}};
  std::vector<std::string> keys;
  for (const auto& [key, name] : known) keys.emplace_back(key);
  names.allow_only(keys);
  for (const auto& [key, name] : known) *name = names.get(key).as_string(*name);
}

void parse_model(const Config& model, FinetuneConfig& config) {
  model.allow_only({"init", "architecture", "tower", "features", "hidden_width", "dropout", "detection",
                    "pad_value", "axes", "flip_depth"});
  config.init = model.get("init").as_path("");
  config.architecture = model.get("architecture").as_path("").string();
  config.tower = model.get("tower").as_string("");
  config.features = parse_head_features(model.get("features"));
  config.hidden_width = model.get("hidden_width").as_int(config.hidden_width);
  config.head_dropout = model.get("dropout").as_double(config.head_dropout);
  if (model.get("detection").exists()) config.detection = parse_detection_head(model.get("detection"));
  if (model.get("pad_value").exists()) config.pad_value = model.get("pad_value").as_double();
  if (model.get("axes").exists()) config.axes = model.get("axes").as_string();
  if (model.get("flip_depth").exists()) config.flip_depth = model.get("flip_depth").as_bool();
}

void parse_finetune_data(const Config& data, FinetuneConfig& config) {
  const fs::path root = data.get("root").as_path("");
  config.table = below_root(root, data.get("table").as_path(""));
  config.patients = below_root(root, data.get("patients").as_path(""));
  config.train_fraction = data.get("train_fraction").as_double(config.train_fraction);
  config.class_balanced = data.get("class_balanced").as_bool(config.class_balanced);
  const Config nlst = data.get("nlst");
  if (!nlst.exists()) return;
  nlst.allow_only({"dataset", "samples", "masks", "google_test", "ignored_exams"});
  NlstSource source;
  source.dataset = below_root(root, nlst.get("dataset").as_path());
  source.samples = below_root(root, nlst.get("samples").as_path());
  source.masks = below_root(root, nlst.get("masks").as_path(""));
  source.google_test = below_root(root, nlst.get("google_test").as_path(""));
  source.ignored_exams = parse_names(nlst.get("ignored_exams"));
  config.nlst = source;
}

void parse_loss(const Config& loss, FinetuneConfig& config) {
  loss.allow_only({"kind", "positive_weight", "focal_gamma", "focal_alpha", "image_attention",
                   "volume_attention", "region", "detection"});
  config.loss =
      parse_named(loss.get("kind"), std::array{ClassificationLoss::cross_entropy, ClassificationLoss::focal},
                  config.loss);
  config.positive_weight =
      parse_named(loss.get("positive_weight"), std::array{PositiveWeight::none, PositiveWeight::balanced},
                  config.positive_weight);
  config.focal_gamma = loss.get("focal_gamma").as_double(config.focal_gamma);
  config.focal_alpha = loss.get("focal_alpha").as_double(config.focal_alpha);
  config.image_attention = loss.get("image_attention").as_double(config.image_attention);
  config.volume_attention = loss.get("volume_attention").as_double(config.volume_attention);
  config.region = loss.get("region").as_double(config.region);
  config.detection_weight = loss.get("detection").as_double(config.detection_weight);
}

std::optional<CalibrationMethod> parse_calibration(const Config& node) {
  const std::string text = node.as_string("none");
  if (text == "none") return std::nullopt;
  try {
    return parse_calibration_method(text);
  } catch (const Error& error) {
    node.fail(error.what());
  }
}

void parse_finetune_training(const Config& file, FinetuneConfig& config) {
  const Config train = file.get("train"), optimizer = file.get("optimizer");
  config.freeze = parse_named(train.get("freeze"), std::array{Freeze::none, Freeze::stem, Freeze::backbone},
                              config.freeze);
  config.probe_epochs = train.get("probe_epochs").as_int(config.probe_epochs);
  config.patience_epochs = train.get("patience_epochs").as_int(config.patience_epochs);
  config.monitor = train.get("monitor").as_string("");
  config.layer_decay = optimizer.get("layer_decay").as_double(config.layer_decay);
  config.head_lr_factor = optimizer.get("head_lr_factor").as_double(config.head_lr_factor);
  config.min_lr = optimizer.get("min_lr").as_double(config.min_lr);
  config.warmup_epochs = optimizer.get("warmup_epochs").as_double(config.warmup_epochs);
  file.get("compat").allow_only({"public_schedule"});
  config.public_schedule = file.get("compat").get("public_schedule").as_bool(config.public_schedule);
  const Config evaluation = file.get("evaluation");
  evaluation.allow_only({"calibration", "threshold", "bootstrap", "confidence"});
  config.calibration = parse_calibration(evaluation.get("calibration"));
  config.threshold = parse_named(evaluation.get("threshold"),
                                 std::array{ThresholdRule::half, ThresholdRule::f1, ThresholdRule::youden},
                                 config.threshold);
  config.bootstrap.replicates = evaluation.get("bootstrap").as_int(config.bootstrap.replicates);
  config.bootstrap.confidence = evaluation.get("confidence").as_double(config.bootstrap.confidence);
  config.bootstrap.seed = config.seed;
}

void check_task(const FinetuneConfig& config) {
  const OutcomeColumns& columns = config.columns;
  const auto require = require_setting;
  if (columns.kind == OutcomeKind::survival) {
    require(columns.labels.empty(), "task.labels", "left out: survival has an event and a time column");
    require(columns.horizon >= 1 && columns.horizon <= 100, "task.horizon", "from 1 to 100 years");
  } else if (columns.kind == OutcomeKind::multiclass) {
    require(columns.labels.size() == 1, "task.label", "the one column that holds the class");
  } else {
    require(!columns.labels.empty(), "task.labels", "a list of the columns to learn");
  }
  require(config.table.empty() != !config.nlst, "data.table",
          "a CSV of studies, or data.nlst in its place: one of the two");
  require(!config.nlst || columns.kind == OutcomeKind::survival, "data.nlst", "with task.kind survival");
}

void check_losses(const FinetuneConfig& config) {
  const auto require = require_setting;
  const bool survival = config.columns.kind == OutcomeKind::survival;
  require(!survival || config.loss == ClassificationLoss::cross_entropy, "loss.kind",
          "left out: survival has a loss of its own");
  require(!survival || config.features == HeadFeatures::attention, "model.features",
          "attention: the hazard head stands on attention pooling");
  const double attention = config.image_attention + config.volume_attention;
  require(config.image_attention >= 0 && config.volume_attention >= 0 && config.region >= 0 &&
              config.detection_weight >= 0,
          "loss", "weights of 0 (off) or more");
  require(attention == 0 || config.features == HeadFeatures::attention, "loss.image_attention",
          "0 without model.features attention");
  require((config.region == 0 && config.detection_weight == 0) || config.detection.has_value(),
          "loss.detection", "0 without model.detection (loss.region, too)");
  require(!config.detection || config.features == HeadFeatures::attention, "model.detection",
          "left out without model.features attention");
  require(config.focal_gamma >= 0, "loss.focal_gamma", "0 or more");
  require(config.focal_alpha <= 1, "loss.focal_alpha", "from 0 to 1, or below 0 for none");
}

}  // namespace

const char* to_string(Freeze freeze) noexcept {
  switch (freeze) {
    case Freeze::none:
      return "none";
    case Freeze::stem:
      return "stem";
    case Freeze::backbone:
      return "backbone";
  }
  return "";
}
const char* to_string(ClassificationLoss loss) noexcept {
  return loss == ClassificationLoss::focal ? "focal" : "cross_entropy";
}
const char* to_string(PositiveWeight weight) noexcept {
  return weight == PositiveWeight::balanced ? "balanced" : "none";
}
FinetuneConfig::FinetuneConfig() {
  lr = 1e-4;
  batch_size = 8;
  micro_batch = 1;
  epochs = 20;
  adamw.weight_decay = 0.05;
}

void check_finetune_config(const FinetuneConfig& config) {
  check_trainer_config(config);
  check_task(config);
  check_losses(config);
  const auto require = require_setting;
  require(!config.init.empty() || !config.architecture.empty(), "model.init",
          "a checkpoint to start from, or model.architecture to start from random weights");
  require(config.train_fraction > 0 && config.train_fraction <= 1, "data.train_fraction",
          "above 0, at most 1");
  require(config.hidden_width >= 0 && config.hidden_width <= 1 << 20, "model.hidden_width",
          "0 (a linear head) to 1048576");
  require(config.head_dropout >= 0 && config.head_dropout < 1, "model.dropout", "from 0 to below 1");
  require(config.probe_epochs >= 0 && config.probe_epochs < config.epochs, "train.probe_epochs",
          "0 or more, below train.epochs");
  require(config.patience_epochs >= 0, "train.patience_epochs", "0 (never stop early) or more");
  require(config.layer_decay > 0 && config.layer_decay <= 1, "optimizer.layer_decay", "above 0, at most 1");
  require(config.head_lr_factor > 0, "optimizer.head_lr_factor", "above 0");
  require(config.min_lr >= 0 && (config.public_schedule || config.min_lr < config.lr), "optimizer.min_lr",
          "from 0 to below optimizer.lr");
  require(config.warmup_epochs >= 0, "optimizer.warmup_epochs", "0 or more");
  check_bootstrap_options(config.bootstrap);
}

FinetuneConfig load_finetune_config(const fs::path& path, const std::vector<std::string>& assignments) {
  Config file = Config::load(path);
  for (const std::string& assignment : assignments) file.set(assignment);
  file.allow_only({"seed", "output", "task", "model", "data", "loss", "loader", "augment", "train",
                   "optimizer", "checkpoint", "log", "validation", "evaluation", "compat"});
  FinetuneConfig config;
  parse_trainer_config(file,
                       {{"root", "table", "nlst", "patients", "train_fraction", "class_balanced"},
                        {"freeze", "probe_epochs", "patience_epochs", "monitor"},
                        {"layer_decay", "head_lr_factor", "min_lr", "warmup_epochs"}},
                       config);
  parse_task(file.get("task"), config);
  parse_model(file.get("model"), config);
  parse_finetune_data(file.get("data"), config);
  parse_loss(file.get("loss"), config);
  parse_finetune_training(file, config);
  try {
    check_finetune_config(config);
  } catch (const Error& error) {
    fail(ErrorCategory::input, "{}: {}", path, error.what());
  }
  return config;
}

}  // namespace pillar

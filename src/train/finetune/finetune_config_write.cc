#include "pillar/train/finetune_config.h"

#include "train/run/trainer_config.h"

#include <yaml-cpp/yaml.h>

namespace pillar {
namespace {

void write_task(YAML::Emitter& out, const OutcomeColumns& columns) {
  ConfigBlock task(out, "task");
  task("kind", to_string(columns.kind));
  task.quoted("labels", columns.labels).quoted("classes", columns.classes)("horizon", columns.horizon);
  ConfigBlock(out, "columns")
      .quoted("accession", columns.accession)
      .quoted("image", columns.image)
      .quoted("split", columns.split)
      .quoted("mask", columns.mask)
      .quoted("boxes", columns.boxes)
      .quoted("patient", columns.patient)
      .quoted("event", columns.event)
      .quoted("time", columns.time);
}

void write_model(YAML::Emitter& out, const FinetuneConfig& config) {
  ConfigBlock model(out, "model");
  model.quoted("init", config.init.string())
      .quoted("architecture", config.architecture)
      .quoted("tower", config.tower);
  model("features", to_string(config.features));
  model("hidden_width", config.hidden_width)("dropout", config.head_dropout);
  if (config.pad_value) model("pad_value", *config.pad_value);
  if (config.axes) model.quoted("axes", *config.axes);
  if (config.flip_depth) model("flip_depth", *config.flip_depth);
  if (!config.detection) return;
  const DetectionHeadConfig& d = *config.detection;
  ConfigBlock(out, "detection")("classes", d.classes)("queries", d.queries)("width", d.width)(
      "heads", d.heads)("feed_forward", d.feed_forward)("encoder_layers", d.encoder_layers)(
      "decoder_layers", d.decoder_layers)("dropout", d.dropout);
}

void write_data(YAML::Emitter& out, const FinetuneConfig& config) {
  ConfigBlock data(out, "data");
  data.quoted("table", config.table.string());
  if (config.nlst) {
    ConfigBlock(out, "nlst")
        .quoted("dataset", config.nlst->dataset.string())
        .quoted("samples", config.nlst->samples.string())
        .quoted("masks", config.nlst->masks.string())
        .quoted("google_test", config.nlst->google_test.string())
        .quoted("ignored_exams", config.nlst->ignored_exams);
  }
  data.quoted("patients", config.patients.string())("train_fraction", config.train_fraction)(
      "class_balanced", config.class_balanced)("max_bad_fraction", config.max_bad_fraction)(
      "max_mismatch_fraction", config.max_mismatch_fraction)("drop_last", config.drop_last);
}

}  // namespace

std::string format_finetune_config(const FinetuneConfig& config) {
  YAML::Emitter out;
  out << YAML::BeginMap;
  out << YAML::Key << "seed" << YAML::Value << config.seed;
  out << YAML::Key << "output" << YAML::Value << YAML::DoubleQuoted << config.output.string();
  write_task(out, config.columns);
  write_model(out, config);
  write_data(out, config);
  ConfigBlock(out, "loss")("kind", to_string(config.loss))(
      "positive_weight", to_string(config.positive_weight))("focal_gamma", config.focal_gamma)(
      "focal_alpha", config.focal_alpha)("image_attention", config.image_attention)(
      "volume_attention", config.volume_attention)("region", config.region)("detection",
                                                                            config.detection_weight);
  write_trainer_config(
      out, config,
      [&config](ConfigBlock& train) {
        train("freeze", to_string(config.freeze))("probe_epochs", config.probe_epochs)("patience_epochs",
                                                                                       config.patience_epochs)
            .quoted("monitor", config.monitor);
      },
      [&config](ConfigBlock& optimizer) {
        optimizer("layer_decay", config.layer_decay)("head_lr_factor", config.head_lr_factor)(
            "min_lr", config.min_lr)("warmup_epochs", config.warmup_epochs);
      });
  ConfigBlock(out, "evaluation")("calibration", config.calibration ? to_string(*config.calibration) : "none")(
      "threshold", to_string(config.threshold))("bootstrap", config.bootstrap.replicates)(
      "confidence", config.bootstrap.confidence);
  ConfigBlock(out, "compat")("public_schedule", config.public_schedule);
  out << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

}  // namespace pillar

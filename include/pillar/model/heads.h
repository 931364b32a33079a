// What stands on a tower after finetuning: attention pooling, classification, hazard and detection heads,
// under the official names of their weights (MultiAttentionPool, CumulativeProbabilityLayer and DETR3D of the
// public code).
#pragma once

#include "pillar/labels/outcomes.h"
#include "pillar/nn/weight_files.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

class Config;

// DETR3D. What its weights' shapes do not tell: heads and dropout.
struct DetectionHeadConfig {
  std::int64_t classes = 1, queries = 1;
  std::int64_t width = 128;  // d_model, a multiple of 16
  std::int64_t heads = 1, feed_forward = 128, encoder_layers = 2, decoder_layers = 2;
  double dropout = 0.1;
};

enum class HeadFeatures {
  readout,   // the maximum over all tokens of each scale
  attention  // MultiAttentionPool over the maps of all scales
};

const char* to_string(HeadFeatures features) noexcept;

// Of a configuration, a model's or a run's. Throw Error(input) naming file and key.
HeadFeatures parse_head_features(const Config& node);  // absent: readout
DetectionHeadConfig parse_detection_head(const Config& map);

// The block "finetune" of an exported model's config.json.
struct HeadsConfig {
  OutcomeKind kind = OutcomeKind::multilabel;
  std::vector<std::string> outputs;  // as OutcomeTable::outputs
  HeadFeatures features = HeadFeatures::readout;
  std::int64_t hidden_width = 0;  // of a classification head's hidden layer; 0: linear
  double dropout = 0;             // before the last layer of what gives the logits, in training
  // Of the pool's convolution along the first axis; an even one gives that axis one position more.
  std::int64_t pool_kernel = 11;
  std::optional<DetectionHeadConfig> detection;
};

// Throws Error(input) naming file and key.
HeadsConfig parse_heads_config(const Config& block);
// The same document with the block "finetune" in it, as parse_heads_config() reads it. Throws Error(input)
// where the document is no JSON object.
std::string with_heads_config(const std::string& config_json, const HeadsConfig& heads);
// What the public code's training checkpoints hold: attention pooling, the hazard head, and the detection
// head where there is one, with one attention head, which shapes do not tell. Throws Error(input) beginning
// with `source` for weights of other heads, or of none.
HeadsConfig infer_heads_config(const WeightMap& weights, const std::string& source);

// Axes of a map are called t, y and x in the order in which the tensor has them. Attentions without "softmax"
// in their public name are logarithms.
struct PoolOutput {
  at::Tensor image_attention_1;           // (B, T, Y*X), log
  at::Tensor image_attention_softmax_1;   // (B, T, 1, Y, X)
  at::Tensor multi_image_hidden_1;        // (B, C, T)
  at::Tensor volume_attention_1;          // (B, T), log
  at::Tensor volume_attention_softmax_1;  // (B, 1, T)
  at::Tensor hidden_1;                    // (B, C)
  at::Tensor multi_image_hidden_2;        // (B, C, T)
  at::Tensor volume_attention_2;          // (B, T), log
  at::Tensor volume_attention_softmax_2;  // (B, 1, T)
  at::Tensor hidden_2;                    // (B, C)
  at::Tensor maxpool_hidden;              // (B, C)
  at::Tensor hidden;                      // (B, C), what the heads take
};

struct DetectionOutput {
  at::Tensor pred_logits;  // (B, queries, classes + 1)
  at::Tensor pred_boxes;   // (B, queries, 6) of cx,cy,cz,w,h,d in [0, 1], x along the last axis
  at::Tensor
      volume_attention_map;  // (B, queries, X, T, Y): the public code's permuted view of the last layer
};

}  // namespace pillar

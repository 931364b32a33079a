// Losses of finetuning: survival, classification, and where a model ought to look.
//
// All take float32, bfloat16 or float16 logits, compute in float32 and return a scalar () in float32. Targets
// may be of any type and are on the logits' device. A batch with nothing to compare gives a zero that still
// has a gradient (of zeros): every process of a distributed run must reach every parameter in its backward.
// A logit that is NaN makes the loss NaN, which a run refuses.
#pragma once

#include "pillar/model/heads.h"
#include "pillar/nn/parameters.h"

#include <cstdint>
#include <optional>

#include <ATen/core/Tensor.h>

namespace pillar {

// Mean binary cross-entropy over all years that are known, of the batch as a whole. logits_ny are cumulative
// (HazardHead); is_event_ny and is_known_ny hold 0 and 1 (survival_targets()). Throws Error(input) for shapes
// that differ and values outside [0, 1].
at::Tensor survival_loss(const at::Tensor& logits_ny, const at::Tensor& is_event_ny,
                         const at::Tensor& is_known_ny);

struct LabelWeights {
  at::Tensor positive_l;  // (labels), factor of the positives' terms (pos_weight); undefined: 1
  at::Tensor label_l;     // (labels), weight of each label in the mean; undefined: 1
};

// Lin et al., arXiv 1708.02002: each cross-entropy is multiplied by (1 - probability of the truth)^gamma.
struct FocalOptions {
  double gamma = 2;
  // Multi-label only: weight of positives, that of negatives is 1 - alpha. Classes have their weights.
  std::optional<double> alpha = std::nullopt;
};

// Mean binary cross-entropy over the labels that are known, weighted by LabelWeights::label_l. targets_nl
// holds values of [0, 1] and NaN, unknown. Throws Error(input) for shapes that do not fit and other values.
at::Tensor multilabel_loss(const at::Tensor& logits_nl, const at::Tensor& targets_nl,
                           const LabelWeights& weights = {});
at::Tensor multilabel_focal_loss(const at::Tensor& logits_nl, const at::Tensor& targets_nl,
                                 const FocalOptions& focal, const LabelWeights& weights = {});

// Mean cross-entropy over the samples whose class is known, weighted by the weight of their class
// (class_weights_k, (classes); undefined: 1). classes_n holds classes and -1, unknown. Throws Error(input)
// for shapes that do not fit and classes outside [-1, K).
at::Tensor multiclass_loss(const at::Tensor& logits_nk, const at::Tensor& classes_n,
                           const at::Tensor& class_weights_k = {});
at::Tensor multiclass_focal_loss(const at::Tensor& logits_nk, const at::Tensor& classes_n,
                                 const FocalOptions& focal, const at::Tensor& class_weights_k = {});

// Where the findings of a batch are, at the size of the model's input.
struct RegionAnnotations {
  at::Tensor image_annotations_b1dhw;  // (B, 1, D, H, W), the mask by the area of its slice; float32
  at::Tensor annotation_areas_bd;      // (B, D), the share of each slice that is annotated; float32
  at::Tensor has_annotation_b;         // (B), bool
  at::Tensor laterality_b3;            // (B, 3): cancer on the right, on the left, elsewhere; 0 and 1
};
// From masks (B, D, H, W) of any type, 0 where nothing is annotated. Throws Error(input) for shapes that do
// not fit.
RegionAnnotations region_annotations(const at::Tensor& mask_bdhw, const at::Tensor& laterality_b3);

struct SybilRegionOptions {
  double lambda_image = 1, lambda_volume = 1;
};

// A loss and the terms that it is made of, before weights, under the public code's names.
struct LossWithTerms {
  at::Tensor total;
  NamedTensors terms;
};

// Sybil's region loss: the divergence of MultiAttentionPool's attentions from the annotations, in the planes
// (image_attention_loss_1) and over the planes (volume_attention_loss_1 and _2), and for a cancer that is
// known to be on one side of the body the cross-entropy of the attention on each half of the last axis
// (image_side_attention_loss_1, volume_side_attention_loss_1), which needs no annotation. total =
// lambda_image
// * (both of the image) + lambda_volume * (the other three). `map_tyx` is the size of the map that was
// pooled. Unlike the public code, areas are resized to the planes whenever their number differs.
LossWithTerms sybil_region_loss(const PoolOutput& pool, at::IntArrayRef map_tyx,
                                const RegionAnnotations& annotations, const SybilRegionOptions& options = {});

// RegionAnnotationLoss of the public code: -log of the attention within the annotation, at least 1e-6, mean
// over the samples that have one. attention_b1tyx are probabilities, 1 together for a sample;
// image_annotations are resized to its size, trilinearly, and weigh it.
// DetectionOutput::volume_attention_map is a scrambled view of (B, queries, T, Y, X): reshape it so, but to
// repeat the public numbers.
at::Tensor region_annotation_loss(const at::Tensor& attention_b1tyx, const RegionAnnotations& annotations);

}  // namespace pillar

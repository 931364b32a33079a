// Which training studies are used, how often each is drawn, and how much a rare label weighs.
#pragma once

#include "pillar/labels/outcomes.h"

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// A table with about `fraction` of the training studies, at least one; the other splits stay whole and the
// order is kept. All studies of a known patient stay together, so there may be a few more. Every answer to
// every label (class; event and year) keeps about its share, after each has come once, rarest first, as far
// as there is room. Decided by the seed, the names and the values alone: the order of the rows changes
// nothing, the result is the same on every machine, and a smaller fraction's studies are among those of a
// larger one. Throws Error(usage) unless 0 < fraction <= 1.
OutcomeTable subset(const OutcomeTable& table, double fraction, std::uint64_t seed);

// A weight for each training study, in the table's order, with which all classes are drawn equally often:
// 1 / (number of classes x studies of its class), the public sampler's; their sum is 1. Classes are the event
// (survival) or the class (multiclass; the unknown are a class of their own). With several labels a study's
// class is the rarest label that it has, by the training studies that have it, or none of them. Throws
// Error(input) where there is no training study.
std::vector<double> class_balanced_weights(const OutcomeTable& table);

// (labels) float32: known training studies without a label by those with it, as binary cross-entropy weighs
// positives; 1 where a label has no known positive. Throws Error(usage) unless the table is multilabel.
at::Tensor positive_weights(const OutcomeTable& table);

}  // namespace pillar

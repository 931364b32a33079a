// Internal: the tensors of each head under their official names.
#pragma once

#include "pillar/model/heads.h"
#include "pillar/model/weights.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pillar {

std::vector<WeightSpec> expected_pool_weights(std::int64_t channels, std::int64_t kernel);
std::vector<WeightSpec> expected_hazard_weights(std::int64_t channels, std::int64_t years);
// `hidden`: width of the layer before the last; 0: there is none.
std::vector<WeightSpec> expected_classification_weights(std::int64_t channels, std::int64_t hidden,
                                                        std::int64_t outputs);
std::vector<WeightSpec> expected_detection_weights(std::int64_t channels, const DetectionHeadConfig& config);

// The tensors whose names begin with `prefix`.
WeightMap weights_below(const WeightMap& weights, std::string_view prefix);

// The length of one axis of a tensor that must be there with so many axes, none of length 0. Throws
// Error(input) that begins with `source` otherwise.
std::int64_t axis_of(const WeightMap& weights, const std::string& name, std::int64_t axes, std::int64_t axis,
                     const std::string& source);

// Width, queries, classes, layers and hidden width of a detection head, off the shapes of its weights; heads
// and dropout are those of `known`. Throws what axis_of() throws.
DetectionHeadConfig detection_config_of(const WeightMap& weights, const DetectionHeadConfig& known,
                                        const std::string& source);

}  // namespace pillar

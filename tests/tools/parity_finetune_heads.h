// The heads of one golden, run on its map.
#pragma once

#include "pillar/core/config.h"
#include "pillar/core/safetensors.h"
#include "pillar/model/heads.h"
#include "pillar/nn/parameters.h"
#include "pillar/nn/weight_files.h"

#include <filesystem>
#include <optional>

#include <ATen/core/Tensor.h>
#include <nlohmann/json.hpp>

namespace pillar::test {

// Every tensor that the golden has a gradient of requires one.
struct HeadsRun {
  at::Tensor activ_bctyx;
  WeightMap weights;  // official names; the hazard head's mask requires no gradient
  PoolOutput pool;
  at::Tensor survival;  // (B, years)
  std::optional<DetectionOutput> detection;
};

// `config`: the golden's JSON. In evaluation, as the golden was made.
HeadsRun run_heads(const SafetensorsFile& golden, const Config& json);

// Adds grad.LOSS.* and out.target_boxes; returns what the golden keeps of its losses in JSON.
nlohmann::ordered_json add_heads_losses(const SafetensorsFile& golden, const Config& json,
                                        const HeadsRun& run, NamedTensors& out);

}  // namespace pillar::test

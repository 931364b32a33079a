// The calibrator of the Sybil code of 2022, on the probabilities of a golden.
#include "pillar/metrics/sybil_calibrator.h"

#include "tools/parity_finetune.h"

#include <vector>

#include <ATen/ops/tensor.h>
#include <nlohmann/json.hpp>

namespace pillar::test {

nlohmann::ordered_json finetune_calibration_of(const nlohmann::ordered_json& golden) {
  const SybilCalibrator calibrator = parse_sybil_calibrator(golden.at("json").dump(), "calibrator.json");
  nlohmann::ordered_json out = golden;
  nlohmann::ordered_json& calibrated_ny = out["calibrated"] = nlohmann::ordered_json::array();
  for (const std::vector<double> scores_y : golden.at("scores")) {
    const at::Tensor row = calibrate(calibrator, at::tensor(scores_y, at::kDouble).unsqueeze(0));
    const auto* values = row.const_data_ptr<double>();
    calibrated_ny.push_back(std::vector<double>(values, values + row.numel()));
  }
  return out;
}

}  // namespace pillar::test

// Finetuned models that answer for scans: one, or several whose answers are averaged.
#pragma once

#include "pillar/labels/outcomes.h"
#include "pillar/model/encoder.h"
#include "pillar/model/preprocess_spec.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// What the members of an ensemble are averaged in.
enum class AverageOf { probabilities, logits };
const char* to_string(AverageOf average) noexcept;
AverageOf parse_average_of(std::string_view text);  // throws Error(usage)

struct ScanPredictorOptions {
  // Each a run of `pillar-train finetune`, its export folder, or any folder as open_model_folder() takes it.
  std::vector<std::filesystem::path> models;
  EncoderOptions encoder;
  // auto: each member's calibration.json, where there is one; none; or a file, of what is averaged.
  std::string calibration = "auto";
  AverageOf average = AverageOf::probabilities;
};

struct ScanAnswers {
  at::Tensor logits_bn;         // (B, outputs) float32 on the CPU, not calibrated; of several: their mean
  at::Tensor probabilities_bn;  // (B, outputs) float32 on the CPU
  // Where each member looked, if that is wanted: (B,d,h,w) float32 on the CPU, of its finest tokens.
  std::vector<at::Tensor> attention_bdhw;
};

class ScanPredictor {
 public:
  // Throws Error(usage) for no model, members with other outputs, voxels or preprocessing than the first
  // (both are named), and for an average of logits of members with calibrations; Error(input) for a model
  // that was not finetuned, and what Encoder::load() and
  // FinetunedHeads throw.
  static ScanPredictor load(const ScanPredictorOptions& options);
  ScanPredictor(ScanPredictor&&) noexcept;
  ScanPredictor& operator=(ScanPredictor&&) noexcept;
  ~ScanPredictor();

  OutcomeKind kind() const noexcept;
  const std::vector<std::string>& outputs() const noexcept;
  const PreprocessSpec& preprocessing() const noexcept;
  // What the answers depend on: weights, preprocessing, type, calibration, average.
  const std::map<std::string, std::string>& settings() const noexcept;
  at::Device device() const noexcept;
  // Of a call's peak, weights included: the program's memory, and that of the device.
  std::uint64_t estimated_bytes(std::int64_t batch) const;
  std::uint64_t estimated_device_bytes(std::int64_t batch) const;

  // Throws Error(usage) naming the members without attention pooling, and those with it.
  void require_attention() const;
  // May be called from several threads. voxels_bcdhw as Encoder::readout() takes them. A logit that is NaN or
  // infinite is Error(input).
  ScanAnswers answer(const at::Tensor& voxels_bcdhw, bool want_attention) const;

 private:
  struct State;
  explicit ScanPredictor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace pillar

// Reports to vectors by a Qwen3 model with random weights.
#pragma once

#include "pillar/text/qwen3_model.h"

#include "runner.h"

#include <filesystem>
#include <functional>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace pillar::bench {

struct TextOptions {
  std::filesystem::path model;                               // folder with weights in float32
  std::filesystem::path folder;                              // for what both sides hand over
  std::string dtype = "fp32";                                // of ours; the baseline is always fp32
  std::int64_t reports = 200, shortest = 30, longest = 500;  // tokens of a report, drawn evenly
  std::int64_t baseline_batch = 16;
  int threads = 0;
  bool ours_only = false;
  std::function<double()> machine_gflops;  // the best that was measured so far in the type of ours
};

// 1e9 floating-point operations of texts of these lengths, a multiplication and its addition being two: the
// products of the layers, and attention to the tokens before alone.
double text_gflop(const Qwen3Config& config, const std::vector<TokenIds>& texts);

std::vector<Case> text_cases(const TextOptions& options);
void print_text_details(const nlohmann::ordered_json& results);

}  // namespace pillar::bench

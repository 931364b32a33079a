// What belongs to no other family: the public sampler, the public calibrator.
#include "pillar/core/file.h"
#include "pillar/data/public_order.h"

#include "tools/parity_finetune.h"

#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace pillar::test {
namespace {

using MiscJson = nlohmann::ordered_json;

// 1 / (classes * count of the class) for each sample.
std::vector<double> class_weights(const std::vector<std::int64_t>& y) {
  std::map<std::int64_t, std::int64_t> counts;
  for (const std::int64_t label : y) ++counts[label];
  std::vector<double> weights;
  for (const std::int64_t label : y)
    weights.push_back(1.0 / static_cast<double>(static_cast<std::int64_t>(counts.size()) * counts[label]));
  return weights;
}

MiscJson sampler_of(const MiscJson& golden) {
  MiscJson out = golden;
  const std::vector<double> weights = class_weights(golden.at("y"));
  out["weights"] = weights;
  for (MiscJson& run : out.at("runs")) {
    // Every process has the same list.
    run["rank0"] = public_weighted_order(weights, golden.at("seed"), run.at("epoch"), run.at("num_replicas"),
                                         run.at("drop_last"));
    run["all_ranks_identical"] = true;
  }
  return out;
}

}  // namespace

void parity_finetune_misc(const FinetuneCase& golden) {
  const MiscJson in = MiscJson::parse(read_text_file(golden.json));
  MiscJson out;
  out["weighted_sampler"] = sampler_of(in.at("weighted_sampler"));
  out["calibration"] = finetune_calibration_of(in.at("calibration"));
  write_file_atomic(golden.out_json, out.dump(1));
}

}  // namespace pillar::test

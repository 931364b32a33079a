// csv_loading_*: what the public CSV dataset makes of a study. Its crop and its labels outside of the horizon
// are defects of the public code; they are repeated here and nowhere in the library, which places voxels by
// pillar/image/axis_fit.h and refuses such labels by row.
#include "pillar/core/file.h"
#include "pillar/core/safetensors.h"
#include "pillar/labels/outcomes.h"

#include "tools/parity_finetune.h"

#include <algorithm>
#include <string>
#include <vector>

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/tensor.h>
#include <nlohmann/json.hpp>

namespace pillar::test {
namespace {

using CsvJson = nlohmann::ordered_json;

// The public crop takes (size - wanted) / 2 from both ends: an odd difference leaves one too many, and a
// difference of one takes the slice [0:-0], which is empty in Python. What is smaller is not padded.
at::Tensor public_side_crop(const at::Tensor& voxels, std::int64_t axis, std::int64_t wanted) {
  const std::int64_t size = voxels.size(axis);
  if (size <= wanted) return voxels;
  const std::int64_t cut = (size - wanted) / 2;
  return voxels.narrow(axis, cut, cut == 0 ? 0 : size - 2 * cut);
}

// Missing slices are filled with 0 HU, half of them before the first.
at::Tensor public_depth(const at::Tensor& voxels_dhw, std::int64_t wanted) {
  const std::int64_t size = voxels_dhw.size(0);
  if (size >= wanted) return voxels_dhw.narrow(0, (size - wanted) / 2, wanted);
  const std::int64_t before = (wanted - size) / 2;
  return at::constant_pad_nd(voxels_dhw, {0, 0, 0, 0, before, wanted - size - before}, 0);
}

CsvJson repeat_case(const CsvJson& golden, const CsvJson& study, const std::string& name,
                    const SafetensorsFile& tensors,
                    std::vector<std::pair<std::string, at::Tensor>>& results) {
  at::Tensor voxels_dhw = tensors.tensor(name + ".in");
  voxels_dhw = public_side_crop(voxels_dhw, 1, golden.at("img_size").at(0).get<std::int64_t>());
  voxels_dhw = public_side_crop(voxels_dhw, 2, golden.at("img_size").at(1).get<std::int64_t>());
  const at::Tensor x = public_depth(voxels_dhw, golden.at("num_images").get<std::int64_t>()).unsqueeze(0);
  const auto event = study.at("y").get<std::int64_t>(), time = study.at("time_at_event").get<std::int64_t>();
  const SurvivalTargets targets =
      survival_targets(at::tensor({event, time}, at::kLong).view({1, 2}), golden.value("max_followup", 6));
  if (x.numel() > 0) results.emplace_back(name + ".x", x);  // a golden has no empty tensors
  results.emplace_back(name + ".y_seq", targets.is_event_ny[0].to(at::kDouble));
  results.emplace_back(name + ".y_mask", targets.is_known_ny[0].to(at::kDouble));
  return {{"shape_in", study.at("shape_in")},
          {"y", event},
          {"time_at_event", time},
          {"shape_out", x.sizes().vec()},
          {"dtype", x.scalar_type() == at::kShort ? "torch.int16" : "torch.float32"}};
}

// The public labels, by Python's slices and repeated lists: a time at or above the horizon makes a mask that
// is too long, a negative one an event that is counted from the end and an empty mask.
CsvJson public_labels(std::int64_t event, std::int64_t time, std::int64_t horizon) {
  std::vector<double> is_event(static_cast<std::size_t>(horizon), 0.0);
  const std::int64_t first = time >= 0 ? std::min(time, horizon) : std::max<std::int64_t>(0, horizon + time);
  if (event != 0) std::fill(is_event.begin() + first, is_event.end(), 1.0);
  std::vector<double> is_known(static_cast<std::size_t>(std::max<std::int64_t>(0, time + 1)), 1.0);
  is_known.resize(is_known.size() + static_cast<std::size_t>(std::max<std::int64_t>(0, horizon - time - 1)),
                  0.0);
  return {{"y", event}, {"time_at_event", time}, {"y_seq", is_event}, {"y_mask", is_known}};
}

}  // namespace

void parity_finetune_csv_loading(const FinetuneCase& golden) {
  const CsvJson given = CsvJson::parse(read_text_file(golden.json));
  const SafetensorsFile tensors(golden.tensors);
  std::vector<std::pair<std::string, at::Tensor>> results;
  CsvJson ours = {{"num_images", given.at("num_images")}, {"img_size", given.at("img_size")}};
  for (std::size_t i = 0; i < given.at("cases").size(); ++i)
    ours["cases"].push_back(repeat_case(given, given["cases"][i], std::to_string(i), tensors, results));
  for (const CsvJson& paths : given.value("path_parsing", CsvJson::array())) {
    const auto cell = paths.at("in").get<std::string>();
    ours["path_parsing"].push_back({{"in", cell}, {"out", split_image_paths(cell)}});
  }
  for (const CsvJson& label : given.value("labels_out_of_range", CsvJson::array())) {
    ours["labels_out_of_range"].push_back(public_labels(label.at("y").get<std::int64_t>(),
                                                        label.at("time_at_event").get<std::int64_t>(),
                                                        given.value("max_followup", 6)));
  }
  write_safetensors(golden.out_tensors, results);
  write_file_atomic(golden.out_json, std::string_view(ours.dump(1) + "\n"));
}

}  // namespace pillar::test

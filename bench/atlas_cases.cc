#include "atlas_cases.h"

#include "pillar/core/safetensors.h"

#include "atlas_gflop.h"
#include "plain_atlas.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pillar::bench {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

fs::path readout_path(const fs::path& folder, const std::string& dtype, const char* side) {
  return folder / fmt::format("readout_{}_{}.safetensors", dtype, side);
}

std::string stage_figure(std::size_t stage) {
  return fmt::format("stage{}_s", stage);
}

void add_times(Measurement& m, const ReadoutTimes& times, double load_s) {
  m.figures = {{"load_s", load_s}, {"windows_s", times.windows_s}, {"stem_s", times.stem_s}};
  for (std::size_t s = 0; s < times.stages_s.size(); ++s)
    m.figures.emplace_back(stage_figure(s), times.stages_s[s]);
}

Measurement measure_ours(const AtlasOptions& options, const std::string& dtype) {
  at::set_num_threads(options.threads);
  const double start = now_seconds();
  EncoderOptions how;
  how.dtype = dtype;
  how.device = "cpu";
  const Encoder encoder = Encoder::load(model_path(options.folder), how);
  const double load_s = now_seconds() - start;
  const at::Tensor volume = load_volume(options.folder);
  Measurement m;
  ReadoutTimes times;
  const double begin = now_seconds();
  const at::Tensor readout = encoder.readout(volume, atlas_windows(encoder.tower()), &times);
  m.seconds = now_seconds() - begin;
  add_times(m, times, load_s);
  write_safetensors(readout_path(options.folder, dtype, "ours"), {{"readout", readout}});
  return m;
}

Measurement measure_plain(const AtlasOptions& options, const std::string& dtype) {
  at::set_num_threads(options.threads);
  const double start = now_seconds();
  const AtlasConfig config = load_atlas_config(model_path(options.folder) / "config.json");
  const TowerConfig& tower = config.tower("");
  WeightMap weights = load_weights(model_path(options.folder));
  for (auto& [name, tensor] : weights)
    tensor = tensor.clone();  // a module owns its parameters; ours are the file's pages
  check_weights(weights, expected_weights(config, tower, infer_patch_embed(tower, weights)),
                model_path(options.folder).string());
  const double load_s = now_seconds() - start;
  const at::Tensor volume = load_volume(options.folder);
  Measurement m;
  ReadoutTimes times;
  const double begin = now_seconds();
  const at::Tensor readout = plain_atlas(volume, atlas_windows(tower), config, tower, weights, times);
  m.seconds = now_seconds() - begin;
  add_times(m, times, load_s);
  write_safetensors(readout_path(options.folder, dtype, "baseline"), {{"readout", readout}});
  return m;
}

void add_rate(Json& side, double gflop, double machine) {
  const double rate = gflop / side["seconds"].get<double>();
  side["gflop"] = gflop;
  side["gflop_per_s"] = rate;
  side["of_machine_gemm"] = rate / machine;
}

void add_agreement(Json& entry, const fs::path& folder, const std::string& dtype) {
  const auto read = [&](const char* side) {
    return SafetensorsFile(readout_path(folder, dtype, side)).tensor("readout").to(at::kDouble).flatten();
  };
  const at::Tensor ours = read("ours"), plain = read("baseline");
  entry["readout_cosine"] = (ours.dot(plain) / (ours.norm() * plain.norm())).item<double>();
  entry["readout_max_abs_difference"] = (ours - plain).abs().max().item<double>();
}

void finish(Json& entry, const AtlasModel& model, const AtlasOptions& options, const std::string& dtype) {
  const TowerConfig& tower = model.config.towers[0];
  const double gflop = atlas_gflop(model.config, tower, model.kind);
  const bool plain = entry.contains("baseline");
  const GemmRates machine = options.machine();
  add_rate(entry["ours"], gflop, dtype == "bf16" ? machine.bf16 : machine.fp32);
  if (plain) add_rate(entry["baseline"], gflop, machine.fp32);
  if (plain) add_agreement(entry, options.folder, dtype);
  entry["machine_gemm_fp32_gflops"] = machine.fp32;
  entry["machine_gemm_bf16_gflops"] = machine.bf16;
  entry["parameters"] = model.parameters;
  entry["merge_ratio_dhw"] = tower.merge_ratio_dhw;
}

void print_side(const std::string& name, const char* side, const Json& figures, std::size_t stages) {
  const auto figure = [&](const std::string& what) { return figures[what].get<double>(); };
  std::string line = fmt::format("{:<34} {:<8} {:>7.2f} {:>8.3f} {:>8.3f}", name, side, figure("load_s"),
                                 figure("windows_s"), figure("stem_s"));
  for (std::size_t s = 0; s < stages; ++s) line += fmt::format(" {:>8.3f}", figure(stage_figure(s)));
  fmt::print("{} {:>9.1f} {:>8.2f}\n", line, figure("gflop_per_s"), figure("of_machine_gemm"));
}

}  // namespace

std::vector<Case> atlas_cases(const AtlasModel& model, const AtlasOptions& options) {
  const Size3 size = model.config.towers[0].size_dhw();
  std::vector<Case> cases;
  for (const std::string& dtype : options.dtypes) {
    Case c;
    c.name = fmt::format("atlas {} {}x{}x{}", dtype, size[0], size[1], size[2]);
    c.ours = [=] { return measure_ours(options, dtype); };
    c.baseline_what = "LibTorch fp32: whole maps, BatchNorm apart, keys repeated for each window";
    if (!options.ours_only) c.baseline = [=] { return measure_plain(options, dtype); };
    c.finish = [=](Json& entry) { finish(entry, model, options, dtype); };
    cases.push_back(std::move(c));
  }
  return cases;
}

void print_atlas_details(const Json& results, std::size_t stages) {
  std::string head =
      fmt::format("\n{:<34} {:<8} {:>7} {:>8} {:>8}", "seconds", "side", "load", "windows", "stem");
  for (std::size_t s = 0; s < stages; ++s) head += fmt::format(" {:>8}", fmt::format("stage{}", s));
  fmt::print("{} {:>9} {:>8}\n", head, "GFLOP/s", "of GEMM");
  for (const Json& entry : results) {
    for (const char* side : {"ours", "baseline"}) {
      if (entry.contains(side)) print_side(entry["name"].get<std::string>(), side, entry[side], stages);
    }
  }
  fmt::print("\n{:.0f} GFLOP a volume; this machine's GEMM: {:.0f} GFLOP/s in fp32, {:.0f} in bf16\n",
             results[0]["ours"]["gflop"].get<double>(), results[0]["machine_gemm_fp32_gflops"].get<double>(),
             results[0]["machine_gemm_bf16_gflops"].get<double>());
  for (const Json& entry : results) {
    if (!entry.contains("readout_cosine")) continue;
    fmt::print("{}: readouts agree to cosine {:.7f}, largest difference {:.2g}\n",
               entry["name"].get<std::string>(), entry["readout_cosine"].get<double>(),
               entry["readout_max_abs_difference"].get<double>());
  }
}

}  // namespace pillar::bench

#include "atlas_cases.h"

#include "pillar/core/safetensors.h"
#include "pillar/device/device_clock.h"

#include "atlas_gflop.h"
#include "atlas_limits.h"
#include "gpu_trace.h"
#include "plain_arithmetic.h"
#include "plain_atlas.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pillar::bench {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kLimits = "limits";

fs::path readout_path(const fs::path& folder, const std::string& dtype, const char* side) {
  return folder / fmt::format("readout_{}_{}.safetensors", dtype, side);
}

std::string stage_figure(std::size_t stage) {
  return fmt::format("stage{}_s", stage);
}

// Of calls in a row: the median of their seconds, and the mean of their parts.
struct Calls {
  std::vector<double> seconds;
  ReadoutTimes parts;             // all together
  at::Tensor readout;             // of the last
  std::optional<GpuTrace> trace;  // of one more

  void add(double call_s, const ReadoutTimes& of_call) {
    seconds.push_back(call_s);
    parts += of_call;
  }
};

// `call` returns the readout on the CPU, and adds to the times.
Calls call_again(const AtlasOptions& options, const std::function<at::Tensor(ReadoutTimes& times)>& call) {
  ReadoutTimes not_counted;
  for (int i = 0; i < options.warm_up; ++i) call(not_counted);
  peak_device_bytes(options.device, /*begin_anew=*/true);
  Calls calls;
  for (int i = 0; i < options.calls; ++i) {
    ReadoutTimes times;
    const double begin = now_seconds();
    calls.readout = call(times);
    calls.add(now_seconds() - begin, times);
  }
  if (options.launches) calls.trace = trace_gpu(options.device, [&] { call(not_counted); });
  return calls;
}

Measurement measurement_of(Calls calls, const AtlasOptions& options, double load_s) {
  std::sort(calls.seconds.begin(), calls.seconds.end());
  const auto count = static_cast<double>(calls.seconds.size());
  Measurement m;
  m.seconds = calls.seconds[(calls.seconds.size() - 1) / 2];
  m.figures = {{"load_s", load_s},
               {"windows_s", calls.parts.windows_s / count},
               {"stem_s", calls.parts.stem_s / count}};
  for (std::size_t s = 0; s < calls.parts.stages_s.size(); ++s)
    m.figures.emplace_back(stage_figure(s), calls.parts.stages_s[s] / count);
  if (options.device.is_cuda())
    m.figures.emplace_back("peak_device_mb",
                           static_cast<double>(peak_device_bytes(options.device)) / (1 << 20));
  if (calls.trace) {
    m.figures.emplace_back("launches", calls.trace->launches);
    m.figures.emplace_back("gpu_busy_s", calls.trace->busy_s);
  }
  return m;
}

Measurement measure_ours(const AtlasOptions& options, const std::string& dtype) {
  at::set_num_threads(options.threads);
  const double start = now_seconds();
  EncoderOptions how;
  how.dtype = dtype;
  how.device = options.device.str();
  how.cuda_graphs = options.cuda_graphs;
  const Encoder encoder = Encoder::load(model_path(options.folder), how);
  const double load_s = now_seconds() - start;
  const at::Tensor volume = load_volume(options.folder);
  const std::vector<Window> windows = atlas_windows(encoder.tower());
  Calls calls =
      call_again(options, [&](ReadoutTimes& times) { return encoder.readout(volume, windows, &times); });
  write_safetensors(readout_path(options.folder, dtype, "ours"), {{"readout", calls.readout}});
  return measurement_of(std::move(calls), options, load_s);
}

ReadoutTimes times_of(const std::vector<double>& laps) {
  ReadoutTimes times;
  times.windows_s = laps.at(0);
  times.stem_s = laps.at(1);
  times.stages_s.assign(laps.begin() + 2, laps.end());
  return times;
}

Measurement measure_plain(const AtlasOptions& options, const std::string& dtype, const std::string& format) {
  at::set_num_threads(options.threads);
  const at::NoGradGuard no_gradients;
  const double start = now_seconds();
  const AtlasConfig config = load_atlas_config(model_path(options.folder) / "config.json");
  const TowerConfig& tower = config.tower("");
  PlainHow how;
  how.channels_last = format == "ndhwc";
  const WeightMap weights = plain_weights(load_weights(model_path(options.folder)), options.device, how);
  check_weights(weights, expected_weights(config, tower, infer_patch_embed(tower, weights)),
                model_path(options.folder).string());
  const double load_s = now_seconds() - start;
  const at::Tensor volume = load_volume(options.folder);
  const std::string computes = options.plain_in_same_dtype ? dtype : "fp32";
  const PlainProducts products(computes == "tf32");
  Calls calls = call_again(options, [&](ReadoutTimes& times) {
    const PlainAutocast autocast(options.device, computes);
    DeviceClock clock(options.device);
    const at::Tensor readout = plain_atlas(volume, atlas_windows(tower), config, tower, weights, how, clock)
                                   .to(at::kCPU, at::kFloat);
    times = times_of(clock.laps());
    return readout;
  });
  write_safetensors(readout_path(options.folder, dtype, "baseline"), {{"readout", calls.readout}});
  return measurement_of(std::move(calls), options, load_s);
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
  add_rate(entry["ours"], gflop, machine.of(dtype));
  if (plain) add_rate(entry["baseline"], gflop, machine.of(options.plain_in_same_dtype ? dtype : "fp32"));
  if (plain) add_agreement(entry, options.folder, dtype);
  entry["machine_gemm_fp32_gflops"] = machine.fp32;
  if (machine.tf32 > 0) entry["machine_gemm_tf32_gflops"] = machine.tf32;
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

// Of both types that a machine's rates are given of, and tf32 where it is asked for.
Case limits_case(const AtlasModel& model, const AtlasOptions& options) {
  LimitOptions limits;
  limits.device = options.device;
  limits.dtypes = {"fp32", "bf16"};
  if (std::count(options.dtypes.begin(), options.dtypes.end(), "tf32") > 0) limits.dtypes.push_back("tf32");
  limits.gemm_sides = options.gemm_sides;
  Case c;
  c.name = kLimits;
  c.ours = [=] {
    at::set_num_threads(options.threads);
    return measure_limits(model.config, model.kind, limits);
  };
  c.finish = [rates = options.found_rates](Json& entry) {
    const Json& ours = entry["ours"];
    rates->fp32 = ours["gemm_fp32_gflops"].get<double>();
    rates->bf16 = ours["gemm_bf16_gflops"].get<double>();
    rates->tf32 = ours.value("gemm_tf32_gflops", 0.0);
  };
  return c;
}

std::string plain_in_words(const AtlasOptions& options, const std::string& dtype, const std::string& format) {
  const std::string computes = !options.plain_in_same_dtype ? "fp32"
                               : dtype == "bf16"            ? "bf16 autocast"
                                                            : dtype;
  return fmt::format("LibTorch {}{}: whole maps, BatchNorm apart, keys repeated for each window", computes,
                     format == "ndhwc" ? ", channels last" : "");
}

void print_limits(const Json& limits) {
  fmt::print("copy {:.0f} GB/s on the device, {:.1f} GB/s to it\n", limits["copy_gb_per_s"].get<double>(),
             limits["to_device_gb_per_s"].get<double>());
  for (const auto& [name, value] : limits.items()) {
    if (name.find("conv") != std::string::npos)
      fmt::print("{:<40} {:>9.3f} ms\n", name, 1e3 * value.get<double>());
  }
}

}  // namespace

std::vector<Case> atlas_cases(const AtlasModel& model, const AtlasOptions& options) {
  const Size3 size = model.config.towers[0].size_dhw();
  std::vector<Case> cases;
  if (options.limits) cases.push_back(limits_case(model, options));
  for (const std::string& dtype : options.dtypes) {
    for (const std::string& format : options.formats) {
      Case c;
      c.name = fmt::format("atlas {} {}x{}x{}", dtype, size[0], size[1], size[2]);
      if (options.formats.size() > 1) c.name += " " + format;
      c.ours = [=] { return measure_ours(options, dtype); };
      c.baseline_what = plain_in_words(options, dtype, format);
      if (!options.ours_only) c.baseline = [=] { return measure_plain(options, dtype, format); };
      c.finish = [=](Json& entry) { finish(entry, model, options, dtype); };
      cases.push_back(std::move(c));
    }
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
      if (entry["name"] == kLimits) continue;
      if (entry.contains(side)) print_side(entry["name"].get<std::string>(), side, entry[side], stages);
    }
  }
  const Json& last = results.back();
  fmt::print("\n{:.0f} GFLOP a volume; this machine's GEMM: {:.0f} GFLOP/s in fp32, {:.0f} in bf16\n",
             last["ours"]["gflop"].get<double>(), last["machine_gemm_fp32_gflops"].get<double>(),
             last["machine_gemm_bf16_gflops"].get<double>());
  if (results.front()["name"] == kLimits) print_limits(results.front()["ours"]);
  for (const Json& entry : results) {
    if (!entry.contains("readout_cosine")) continue;
    fmt::print("{}: readouts agree to cosine {:.7f}, largest difference {:.2g}\n",
               entry["name"].get<std::string>(), entry["readout_cosine"].get<double>(),
               entry["readout_max_abs_difference"].get<double>());
  }
}

}  // namespace pillar::bench

#include "train_cases.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/log.h"
#include "pillar/device/device_clock.h"
#include "pillar/model/atlas_config.h"
#include "pillar/train/pretrain.h"
#include "pillar/world/launch.h"

#include "plain_training.h"
#include "train_cohort.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <sstream>

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace pillar::bench {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr double kIdealOverhead = 4.0 / 3;  // forward 1, backward 2: once more forward
constexpr double kLargestGrowth = 1.05;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[(values.size() - 1) / 2];
}

// Steps of metrics.jsonl but the first, which also pays for memory that is used for the first time.
std::vector<Json> measured_steps(const fs::path& run) {
  std::istringstream lines(read_text_file(run / "metrics.jsonl"));
  std::vector<Json> rows;
  for (std::string line; std::getline(lines, line);) rows.push_back(Json::parse(line));
  if (rows.size() < 2) fail(ErrorCategory::input, "{}: no steps", run);
  rows.erase(rows.begin());
  return rows;
}

// Of a step's voxels, int16, which both passes need.
double input_megabytes(const fs::path& architecture, std::int64_t batch) {
  constexpr double kBytesOfMegabyte = 1048576;
  const SizeDhw size = load_atlas_config(architecture).towers.at(0).size_dhw();
  return static_cast<double>(batch * size[0] * size[1] * size[2] * 2) / kBytesOfMegabyte;
}

Measurement figures_of(const std::vector<Json>& rows, std::int64_t batch) {
  const auto each = [&](auto value) {
    std::vector<double> values;
    for (const Json& row : rows) values.push_back(value(row));
    return median(values);
  };
  const auto wall = [batch](const Json& row) {
    return static_cast<double>(batch) / row["samples_per_s"].get<double>();
  };
  Measurement m;
  m.seconds = each([](const Json& row) { return row["step_s"].get<double>(); });
  m.figures = {
      {"wall_s", each(wall)},
      {"load_wait_s", each([&](const Json& row) { return row["wait_share"].get<double>() * wall(row); })}};
  for (const char* part : {"first_pass_s", "loss_s", "second_pass_s", "optimiser_s"})
    m.figures.emplace_back(part, each([part](const Json& row) { return row[part].get<double>(); }));
  m.figures.emplace_back("studies_per_s", static_cast<double>(batch) / m.figures[0].second);
  return m;
}

constexpr const char* kDevicePeak = "peak_device_mb";

void add_device_memory(Measurement& m, at::Device device) {
  if (device.is_cuda())
    m.figures.emplace_back(kDevicePeak, static_cast<double>(peak_device_bytes(device)) / (1 << 20));
}

// A run's folder, gone when it has been measured.
struct TemporaryRun {
  fs::path path;
  ~TemporaryRun() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

struct Shape {
  std::int64_t batch = 0, micro_batch = 0;
  bool little_prefetch = false;  // so that waiting batches do not count as a step's memory
};

Measurement train(const TrainOptions& options, const Shape& shape, const World& world) {
  PretrainOptions run;
  run.config = train_cohort_config(options.folder, options.architecture);
  run.config.precision = options.precision;
  run.config.checkpoint_blocks = options.checkpoint_blocks;
  run.device = options.device;
  run.config.batch_size = shape.batch;
  run.config.micro_batch = shape.micro_batch;
  constexpr double kLittle = 1.0 / 1024;  // one study at a time, whatever its size
  if (shape.little_prefetch) run.config.loader_memory_gb = kLittle;
  run.config.loader_threads = std::max(1, options.threads / static_cast<int>(world.size()));
  run.max_steps = options.steps + 1;
  run.open_log = [](const fs::path& file) { init_logging({.level = "warn", .quiet = true, .file = file}); };
  run.version = "bench";
  at::set_num_threads(run.config.loader_threads);
  // The same for all ranks of one launch: their parent is the same.
  const pid_t owner = world.size() > 1 ? ::getppid() : ::getpid();
  run.config.output = options.folder / fmt::format("run-{}", owner);
  world.barrier();
  if (world.rank() != 0) {
    run_pretrain(run, world);
    return {};
  }
  const TemporaryRun folder{run.config.output};
  run_pretrain(run, world);
  Measurement m = figures_of(measured_steps(folder.path), shape.batch);
  m.figures.emplace_back("input_mb", input_megabytes(options.architecture, shape.batch));
  add_device_memory(m, options.device);
  return m;
}

Work alone(const TrainOptions& options, const Shape& shape) {
  return [options, shape] { return train(options, shape, World()); };
}

// Called in a child of the runner: it starts the ranks, which come here again with a launcher's variables.
Work together(const TrainOptions& options, const Shape& shape, std::int64_t processes) {
  return [options, shape, processes] {
    if (!launched_locally()) std::exit(launch_local(processes, options.words));
    const auto place = rendezvous_from_environment([](const char* name) { return std::getenv(name); });
    return train(options, shape, World::join(place.value(), at::kCPU, [] { std::_Exit(1); }));
  };
}

double figure(const Json& entry, const char* side, const char* what) {
  return entry[side][what].get<double>();
}

Case step_case(const TrainOptions& options) {
  Case c;
  c.name = fmt::format("train.step {}x{}", options.batch / options.micro_batch, options.micro_batch);
  c.ours = alone(options, {options.batch, options.micro_batch});
  c.baseline = alone(options, {options.batch, options.batch});
  c.baseline_what = "the same batch as one micro-batch, in a single pass";
  c.finish = [](Json& entry) {
    entry["two_pass_overhead"] = figure(entry, "ours", "seconds") / figure(entry, "baseline", "seconds");
    entry["two_pass_ideal"] = kIdealOverhead;
  };
  return c;
}

Case plain_case(const TrainOptions& options, bool channels_last) {
  Case c;
  c.name = fmt::format("train.plain {} {}", options.micro_batch, channels_last ? "ndhwc" : "ncdhw");
  c.ours = alone(options, {options.micro_batch, options.micro_batch});
  c.baseline = [options, channels_last] {
    at::set_num_threads(options.threads);
    PlainTraining plain;
    plain.config = load_atlas_config(options.architecture);
    plain.config.towers.resize(1);
    plain.device = options.device;
    plain.dtype = options.precision == Precision::bf16 ? "bf16" : "fp32";
    plain.channels_last = channels_last;
    plain.batch = options.micro_batch;
    plain.steps = options.steps;
    Measurement m = measure_plain_training(plain);
    add_device_memory(m, options.device);
    return m;
  };
  c.baseline_what = fmt::format("LibTorch {}{} under autograd: everything kept for the backward",
                                options.precision == Precision::bf16 ? "bf16 autocast" : "fp32",
                                channels_last ? ", channels last" : "");
  return c;
}

Case processes_case(const TrainOptions& options) {
  Case c;
  c.name = "train.2_processes";
  c.ours = together(options, {options.batch, options.micro_batch}, 2);
  c.baseline = alone(options, {options.batch, options.micro_batch});
  c.baseline_what = "one process with the threads of both";
  c.finish = [](Json& entry) {
    entry["ratio_studies_per_s"] =
        figure(entry, "ours", "studies_per_s") / figure(entry, "baseline", "studies_per_s");
  };
  return c;
}

void print_parts(const Json& entry, const char* side) {
  fmt::print("{:<24} {:<9} {:>9.3f} {:>9.3f} {:>9.3f} {:>9.3f} {:>9.3f} {:>10.2f} {:>9.0f}\n",
             entry["name"].get<std::string>(), side, figure(entry, side, "load_wait_s"),
             figure(entry, side, "first_pass_s"), figure(entry, side, "loss_s"),
             figure(entry, side, "second_pass_s"), figure(entry, side, "optimiser_s"),
             figure(entry, side, "studies_per_s"), figure(entry, side, "peak_rss_mb"));
}

double growth_of(const std::vector<double>& peaks) {
  const auto [least, most] = std::minmax_element(peaks.begin(), peaks.end());
  return *most / *least;
}

// On a GPU the memory that bounds is the GPU's.
double peak_of(const Json& ours) {
  return ours.value(kDevicePeak, ours["peak_rss_mb"].get<double>());
}

void print_verdicts(const Json& results) {
  std::vector<double> peaks, without_input;  // where there are two passes
  for (const Json& entry : results) {
    if (!entry.contains("peak_over_that_of_2")) continue;
    peaks.push_back(peak_of(entry["ours"]));
    without_input.push_back(peaks.back() - figure(entry, "ours", "input_mb"));
  }
  const double growth = growth_of(peaks);
  fmt::print("\ntwo passes take {:.2f} times a single one (ideal {:.2f})\n",
             results.front()["two_pass_overhead"].get<double>(), kIdealOverhead);
  fmt::print(
      "peak memory from 2 to {} micro-batches: largest / smallest {:.3f} (at most {}: {}); {:.3f} without "
      "the "
      "batch's voxels\n",
      *std::rbegin(kMemoryCases), growth, kLargestGrowth, growth <= kLargestGrowth ? "pass" : "FAIL",
      growth_of(without_input));
  if (!results.back().contains("ratio_studies_per_s")) return;
  fmt::print("two processes train {:.2f} times the studies/s of one with the same threads\n",
             results.back()["ratio_studies_per_s"].get<double>());
}

}  // namespace

std::vector<Case> train_cases(const TrainOptions& options) {
  std::vector<Case> cases = {step_case(options)};
  if (options.plain) {
    for (const bool channels_last : {false, true}) cases.push_back(plain_case(options, channels_last));
  }
  const auto peak_of_two = std::make_shared<double>(0);
  for (const std::int64_t count : kMemoryCases) {
    Case c;
    c.name = fmt::format("train.memory {}x{}", count, options.micro_batch);
    c.ours = alone(options, {count * options.micro_batch, options.micro_batch, true});
    c.finish = [count, peak_of_two](Json& entry) {
      const double peak = peak_of(entry["ours"]);
      if (count == 2) *peak_of_two = peak;
      entry["micro_batches"] = count;
      if (count >= 2) entry["peak_over_that_of_2"] = peak / *peak_of_two;
    };
    cases.push_back(std::move(c));
  }
  if (options.device.is_cpu()) cases.push_back(processes_case(options));
  return cases;
}

void print_train_details(const Json& results) {
  fmt::print("\n{:<24} {:<9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>10} {:>9}\n", "seconds a step (median)", "side",
             "load wait", "no grad", "loss", "grad", "optimiser", "studies/s", "peak MB");
  for (const Json& entry : results) {
    for (const char* side : {"ours", "baseline"}) {
      if (entry.contains(side)) print_parts(entry, side);
    }
  }
  print_verdicts(results);
}

}  // namespace pillar::bench

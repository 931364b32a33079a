// pillar-bench atlas: the encoder against the plain formulation.
#include "pillar/core/fail.h"
#include "pillar/core/thread_pool.h"
#include "pillar/train/training_options.h"

#include "atlas_cases.h"
#include "command.h"
#include "gemm_rate.h"
#include "support/data_folder.h"

#include <memory>
#include <set>

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace pillar::bench {
namespace {

struct AtlasArguments : CommonArguments {
  std::string architecture = "atlas-small-abdomen-ct";
  std::vector<std::int64_t> size_dhw;  // empty: the architecture's
  std::string device = "cpu";
  std::string plain_dtype;  // empty: fp32 on a CPU, same on a GPU
  bool limits = false;
  AtlasOptions atlas;
};

void check(const AtlasArguments& a) {
  const std::set<std::string> unique(a.atlas.dtypes.begin(), a.atlas.dtypes.end());
  if (unique.size() != a.atlas.dtypes.size())
    fail(ErrorCategory::usage, "--dtype {}: one twice", fmt::format("{}", fmt::join(a.atlas.dtypes, ",")));
  if (std::set<std::string>(a.atlas.formats.begin(), a.atlas.formats.end()).size() != a.atlas.formats.size())
    fail(ErrorCategory::usage, "--formats {}: one twice", fmt::format("{}", fmt::join(a.atlas.formats, ",")));
  if (!a.size_dhw.empty() && a.size_dhw.size() != 3)
    fail(ErrorCategory::usage, "--size {}: takes D,H,W", fmt::format("{}", fmt::join(a.size_dhw, ",")));
}

void print_model(const AtlasArguments& a, const AtlasModel& model) {
  const TowerConfig& tower = model.config.towers[0];
  fmt::print("{}: {:.1f} M parameters, {} voxels, {} windows, merge_ratio {}", a.architecture,
             static_cast<double>(model.parameters) / 1e6, fmt::join(tower.size_dhw(), "x"), tower.in_chans,
             fmt::join(tower.merge_ratio_dhw, ","));
  if (model.original_merge_dhw) {
    fmt::print(" (scaled down with the size: {} would leave fewer scales than the {} stages)",
               fmt::join(*model.original_merge_dhw, ","), model.config.stages.size());
  }
  fmt::print(", {} threads\n\n", a.atlas.threads);
  std::fflush(stdout);
}

// What is left open: on a GPU everything is measured, and calls are so short that one says little.
void choose_by_device(AtlasArguments& a) {
  AtlasOptions& atlas = a.atlas;
  const bool gpu = is_gpu(a.device);
  if (a.plain_dtype.empty()) a.plain_dtype = gpu ? "same" : "fp32";
  if (atlas.formats.empty() && atlas.ours_only) atlas.formats = {"ncdhw"};
  if (atlas.formats.empty())
    atlas.formats = gpu ? std::vector<std::string>{"ncdhw", "ndhwc"} : std::vector<std::string>{"ncdhw"};
  if (atlas.calls == 0) atlas.calls = gpu ? 10 : 1;
  if (atlas.warm_up < 0) atlas.warm_up = gpu ? 3 : 0;
  atlas.plain_in_same_dtype = a.plain_dtype == "same";
  atlas.limits = a.limits || gpu;
}

// GPUs are left to children: a parent that used one would keep memory of it.
GemmRates rates_so_far(const AtlasArguments& a, GemmRates& best) {
  if (a.atlas.limits) return *a.atlas.found_rates;
  best.fp32 = std::max(best.fp32, gemm_gflops(at::kFloat, a.atlas.gemm_sides));
  best.bf16 = std::max(best.bf16, gemm_gflops(at::kBFloat16, a.atlas.gemm_sides));
  return best;
}

std::vector<std::string> atlas_child(const AtlasArguments& a, const char* program) {
  const AtlasOptions& atlas = a.atlas;
  std::vector<std::string> words = {program,     "atlas",
                                    "--scratch", atlas.folder.string(),
                                    "--dtype",   fmt::format("{}", fmt::join(atlas.dtypes, ",")),
                                    "--device",  a.device,
                                    "--formats", fmt::format("{}", fmt::join(atlas.formats, ",")),
                                    "--plain",   a.plain_dtype,
                                    "--calls",   std::to_string(atlas.calls),
                                    "--warm-up", std::to_string(atlas.warm_up),
                                    "--gemm",    fmt::format("{}", fmt::join(atlas.gemm_sides, ",")),
                                    "--threads", std::to_string(atlas.threads)};
  if (a.limits) words.push_back("--limits");
  if (atlas.cuda_graphs) words.push_back("--cuda-graphs");
  if (atlas.launches) words.push_back("--launches");
  return words;
}

// What a child needs to know of the model is in the folder.
void measure_in_child(AtlasArguments& a) {
  a.atlas.device = training_device(a.device, 0);
  AtlasModel model;
  const std::filesystem::path path = model_path(a.atlas.folder);
  model.config = load_atlas_config(path / "config.json");
  model.kind = infer_patch_embed(model.config.towers[0], load_weights(path));
  run_cases(atlas_cases(model, a.atlas), a.run);
}

void bench_atlas(AtlasArguments& a, const char* program) {
  choose_by_device(a);
  check(a);
  if (a.atlas.threads == 0) a.atlas.threads = usable_processors();
  const Scratch scratch(a.scratch);
  a.atlas.folder = scratch.path;
  if (!a.run.only_case.empty()) return measure_in_child(a);
  std::optional<Size3> size;
  if (!a.size_dhw.empty()) size = Size3{a.size_dhw[0], a.size_dhw[1], a.size_dhw[2]};
  const AtlasModel model = write_atlas_model(find_architecture(a.architecture), size, scratch.path);
  print_model(a, model);
  at::set_num_threads(a.atlas.threads);
  a.atlas.machine = [&a, best = std::make_shared<GemmRates>()] { return rates_so_far(a, *best); };
  a.atlas.machine();
  a.run.child_command = atlas_child(a, program);
  print_atlas_details(run_and_report(atlas_cases(model, a.atlas), a, a.atlas.threads),
                      model.config.stages.size());
}

void add_device_options(CLI::App& command, AtlasArguments& a) {
  command.add_option("--device", a.device, "cpu, cuda or cuda:N, of both sides")->capture_default_str();
  command
      .add_option(
          "--plain", a.plain_dtype,
          "the baseline's type: fp32, or same: that of ours, of bf16 by autocast; fp32 on a CPU, same on "
          "a GPU")
      ->check(CLI::IsMember({"fp32", "same"}));
  command
      .add_option(
          "--formats", a.atlas.formats,
          "the baseline's maps in memory: ncdhw, ndhwc (channels last); a case each. ncdhw on a CPU, both "
          "on a GPU")
      ->delimiter(',')
      ->check(CLI::IsMember({"ncdhw", "ndhwc"}));
  command.add_option("--calls", a.atlas.calls, "whose median counts; 0: 1 on a CPU, 10 on a GPU")
      ->check(CLI::Range(0, 1000));
  command.add_option("--warm-up", a.atlas.warm_up, "calls before them; -1: none on a CPU, 3 on a GPU")
      ->check(CLI::Range(-1, 1000));
  command.add_flag("--limits", a.limits,
                   "measure copies and each convolution of the stem alone, too; always on a GPU");
  command.add_flag("--cuda-graphs", a.atlas.cuda_graphs, "ours replays its pass as a CUDA graph; on a GPU");
  command.add_flag(
      "--launches", a.atlas.launches,
      "count a GPU's kernels and their seconds in one more call, by LibTorch's profiler and CUPTI");
}

}  // namespace

void add_atlas(CLI::App& app, const char* program) {
  CLI::App* command = app.add_subcommand("atlas", "embedding a volume, against plain LibTorch operators");
  auto a = std::make_shared<AtlasArguments>();
  a->run.repeats = 1;
  a->atlas.dtypes = {"fp32"};
  a->atlas.formats = {};
  a->atlas.calls = 0;
  a->atlas.warm_up = -1;
  add_run_options(command, *a, a->atlas.threads);
  command
      ->add_option("--arch", a->architecture, "a config.json, or the name of one that comes with libpillar")
      ->capture_default_str()
      ->type_name("FILE");
  command->add_option("--size", a->size_dhw, "voxels D,H,W; without it the architecture's")
      ->delimiter(',')
      ->check(CLI::Range(1, 512))
      ->type_name("D,H,W");
  command->add_option("--dtype", a->atlas.dtypes, "of ours; tf32 is for GPUs")
      ->delimiter(',')
      ->check(CLI::IsMember({"fp32", "tf32", "bf16"}))
      ->capture_default_str()
      ->type_name("fp32|tf32|bf16");
  add_device_options(*command, *a);
  command->add_flag("--ours-only", a->atlas.ours_only, "leave out the baseline");
  command->add_option("--gemm", a->atlas.gemm_sides, "sides of the matrices that measure the machine")
      ->delimiter(',')
      ->check(CLI::Range(64, 8192))
      ->capture_default_str()
      ->type_name("N,...");
  command->add_option("--scratch", a->scratch, "folder for temporary files, kept afterwards");
  command->callback([a, program] { bench_atlas(*a, program); });
}

}  // namespace pillar::bench

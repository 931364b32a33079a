// pillar-bench atlas: the encoder against the plain formulation.
#include "pillar/core/fail.h"
#include "pillar/core/thread_pool.h"

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
  std::vector<std::int64_t> gemm_sides = {2048, 4096};
  AtlasOptions atlas;
};

void check(const AtlasArguments& a) {
  const std::set<std::string> unique(a.atlas.dtypes.begin(), a.atlas.dtypes.end());
  if (unique.size() != a.atlas.dtypes.size())
    fail(ErrorCategory::usage, "--dtype {}: one twice", fmt::format("{}", fmt::join(a.atlas.dtypes, ",")));
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

// What a child needs to know is in the folder.
void measure_in_child(const AtlasArguments& a) {
  AtlasModel model;
  model.config = load_atlas_config(model_path(a.atlas.folder) / "config.json");
  run_cases(atlas_cases(model, a.atlas), a.run);
}

void bench_atlas(AtlasArguments& a, const char* program) {
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
  a.atlas.machine = [sides = a.gemm_sides, best = std::make_shared<GemmRates>()] {
    best->fp32 = std::max(best->fp32, gemm_gflops(at::kFloat, sides));
    best->bf16 = std::max(best->bf16, gemm_gflops(at::kBFloat16, sides));
    return *best;
  };
  a.atlas.machine();
  a.run.child_command = {program,     "atlas",
                         "--scratch", scratch.path.string(),
                         "--dtype",   fmt::format("{}", fmt::join(a.atlas.dtypes, ",")),
                         "--threads", std::to_string(a.atlas.threads)};
  print_atlas_details(run_and_report(atlas_cases(model, a.atlas), a, a.atlas.threads),
                      model.config.stages.size());
}

}  // namespace

void add_atlas(CLI::App& app, const char* program) {
  CLI::App* command = app.add_subcommand("atlas", "embedding a volume, against plain LibTorch operators");
  auto a = std::make_shared<AtlasArguments>();
  a->run.repeats = 1;
  a->atlas.dtypes = {"fp32"};
  add_run_options(command, *a, a->atlas.threads);
  command
      ->add_option("--arch", a->architecture, "a config.json, or the name of one that comes with libpillar")
      ->capture_default_str()
      ->type_name("FILE");
  command->add_option("--size", a->size_dhw, "voxels D,H,W; without it the architecture's")
      ->delimiter(',')
      ->check(CLI::Range(1, 512))
      ->type_name("D,H,W");
  command->add_option("--dtype", a->atlas.dtypes, "of ours; the baseline is always fp32")
      ->delimiter(',')
      ->check(CLI::IsMember({"fp32", "bf16"}))
      ->capture_default_str()
      ->type_name("fp32|bf16");
  command->add_flag("--ours-only", a->atlas.ours_only, "leave out the baseline");
  command->add_option("--gemm", a->gemm_sides, "sides of the matrices that measure the machine")
      ->delimiter(',')
      ->check(CLI::Range(64, 8192))
      ->capture_default_str()
      ->type_name("N,...");
  command->add_option("--scratch", a->scratch, "folder for temporary files, kept afterwards");
  command->callback([a, program] { bench_atlas(*a, program); });
}

}  // namespace pillar::bench

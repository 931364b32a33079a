// pillar-train convert: a training checkpoint to a model's folder.
#include "pillar/model/model_export.h"
#include "pillar/model/weights.h"

#include "commands.h"
#include "support/data_folder.h"

#include <cstdio>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace pillar {
namespace {

struct ConvertArguments {
  std::string checkpoint, architecture, out, flip_depth;
  TowerExport changes;
  bool overwrite = false;
};

void print_converted(const ConvertedModel& model, const std::string& out) {
  std::printf("%s: tower %s, %zu tensors\n", out.c_str(), model.tower.c_str(), model.weights.size());
  if (model.heads) {
    fmt::print("heads   {}: {}{}\n", to_string(model.heads->kind), fmt::join(model.heads->outputs, ", "),
               model.heads->detection ? ", with detection" : "");
  } else {
    fmt::print("heads   none\n");
  }
  fmt::print("voxels  {}\n", describe(model.spec));
}

void convert(ConvertArguments& a, bool quiet) {
  check_model_target(a.out, a.overwrite);
  if (!a.flip_depth.empty()) a.changes.flip_depth = a.flip_depth == "on";
  const ConvertedModel model = convert_model(a.checkpoint, find_architecture(a.architecture), a.changes);
  write_checkpoint(a.out, model.config_json, model.weights);
  if (!quiet) print_converted(model, a.out);
}

}  // namespace

void add_convert(AppContext& context) {
  auto a = std::make_shared<ConvertArguments>();
  CLI::App* app = context.app.add_subcommand(
      "convert", "a training checkpoint to a model's folder: one tower, and its heads if it has any");
  app->footer(
      "Example, the released Sybil-1.5, which pads with 0 HU and takes slices as they are stored:\n"
      "  pillar-train convert seed0/epoch=2.ckpt --arch Pillar0-ChestCT/config.json --out sybil-0 "
      "--pad-value 0 --axes stored --flip-depth off\n"
      "pillar-eval predict and model.init of pillar-train finetune take the folder. Nothing in a checkpoint "
      "is ever run.");
  app->add_option("checkpoint", a->checkpoint, "weights: .ckpt, .pt, .pth, .safetensors, or a folder of them")
      ->required()
      ->type_name("FILE");
  app->add_option("--arch", a->architecture, "a config.json, or the name of one that comes with libpillar")
      ->required()
      ->type_name("FILE");
  app->add_option("--out,-o", a->out, "folder to write: config.json and model.safetensors")
      ->required()
      ->type_name("DIR");
  app->add_option("--tower", a->changes.tower, "which tower, where the architecture has several")
      ->type_name("NAME");
  app->add_option("--pad-value", a->changes.pad_value, "fill beyond the scan, in HU; else the architecture's")
      ->type_name("N");
  app->add_option("--axes", a->changes.axes,
                  "sides that D, H and W rise to, such as SPL, or stored; else the architecture's")
      ->type_name("AXES");
  app->add_option("--flip-depth", a->flip_depth,
                  "turn the order of stored slices round; else the architecture's")
      ->check(CLI::IsMember({"on", "off"}))
      ->type_name("on|off");
  app->add_flag("--overwrite", a->overwrite, "replace a model that is there");
  app->callback([a, &context] { convert(*a, context.log.quiet); });
}

}  // namespace pillar

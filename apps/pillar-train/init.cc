// pillar-train init: a model that has not been trained, in the layout of a released one.
#include "pillar/core/config.h"
#include "pillar/core/file.h"
#include "pillar/model/model_export.h"
#include "pillar/model/weights.h"
#include "pillar/text/qwen3_random.h"

#include "commands.h"
#include "support/data_folder.h"

#include <cstdio>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

struct InitArguments {
  std::string architecture;
  std::string out;
  std::uint64_t seed = 0;
  bool overwrite = false;
};

// "visual.patch_embeds.abdomen_ct" or "visual.atlas_models.0"; buffers are no parameters.
std::map<std::string, std::int64_t> parameters_by_part(const WeightMap& weights) {
  std::map<std::string, std::int64_t> parts;
  for (const auto& [name, tensor] : weights) {
    const bool is_buffer = name.ends_with(".running_mean") || name.ends_with(".running_var") ||
                           name.ends_with(".num_batches_tracked");
    if (is_buffer) continue;
    const std::size_t tower = name.find('.');
    const std::size_t part = tower == std::string::npos ? tower : name.find('.', tower + 1);
    parts[name.substr(0, part == std::string::npos ? part : name.find('.', part + 1))] += tensor.numel();
  }
  return parts;
}

void print_parameters(const std::string& part, std::int64_t count) {
  std::printf("%-40s %12lld parameters\n", part.c_str(), static_cast<long long>(count));
}

void run(const InitArguments& arguments, bool quiet) {
  const fs::path architecture = find_architecture(arguments.architecture);
  const std::string json = read_text_file(architecture, 4 << 20);
  const Config document = Config::parse(json, architecture);
  const fs::path out = arguments.out;
  check_model_target(out, arguments.overwrite);
  if (document.get("model_type").as_string("") == "qwen3") {
    const std::int64_t parameters = write_random_qwen3(out, json, architecture, arguments.seed);
    if (!quiet) print_parameters(out.string(), parameters);
    return;
  }
  const AtlasConfig config = parse_atlas_config(document);
  const WeightMap weights = random_weights(config, arguments.seed);
  write_checkpoint(out, json, weights);
  if (quiet) return;
  std::int64_t total = 0;
  for (const auto& [part, count] : parameters_by_part(weights)) {
    print_parameters(part, count);
    total += count;
  }
  print_parameters(out.string(), total);
}

}  // namespace

void add_init(AppContext& context) {
  auto arguments = std::make_shared<InitArguments>();
  CLI::App* app = context.app.add_subcommand("init", "write a model that has not been trained");
  app->footer(
      fmt::format("Configurations that come with libpillar: {}.", fmt::join(known_architectures(), ", ")));
  app->add_option("--arch", arguments->architecture,
                  "a config.json, or the name of one that comes with libpillar")
      ->required()
      ->type_name("FILE");
  app->add_option(
         "--out,-o", arguments->out,
         "folder to write: config.json and model.safetensors; a text model's has a tokenizer.json, too")
      ->required()
      ->type_name("DIR");
  app->add_option("--seed,-s", arguments->seed, "the same seed gives the same bytes")
      ->check(CLI::NonNegativeNumber)
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->type_name("S");
  app->add_flag("--overwrite", arguments->overwrite, "replace a model that is there");
  app->callback([arguments, &context] { run(*arguments, context.log.quiet); });
}

}  // namespace pillar

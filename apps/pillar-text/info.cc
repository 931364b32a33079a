// pillar-text info: what a cache holds, and lacks.
#include "pillar/text/text_info.h"

#include "commands.h"

#include <cstdio>
#include <memory>

#include <fmt/format.h>

namespace pillar {
namespace {

constexpr std::size_t kNamedStudies = 10;

struct InfoArguments {
  std::filesystem::path cache;
  std::vector<std::filesystem::path> json_lines;
};

void line(const std::string& text) {
  std::printf("%s\n", text.c_str());
}

bool print_missing(const TextCache& cache, const std::filesystem::path& file) {
  const auto missing = studies_without_text(cache, file);
  line(fmt::format("missing    {} of the studies of {}", missing.size(), file.string()));
  for (std::size_t i = 0; i < std::min(missing.size(), kNamedStudies); ++i)
    line(fmt::format("  {:?}", missing[i]));
  if (missing.size() > kNamedStudies) line(fmt::format("  and {} more", missing.size() - kNamedStudies));
  return !missing.empty();
}

ExitCode info(const InfoArguments& a, bool quiet) {
  const TextCache cache = TextCache::open(a.cache);
  const TextCacheInfo info = describe_text_cache(a.cache, quiet);
  line(fmt::format("cache      {} ({})", a.cache.string(), info.packed ? "packed" : "folder"));
  line(fmt::format("model      {}", info.model_name));
  line(fmt::format("dataset    {}, split {}", info.dataset_name, info.split));
  line(fmt::format("studies    {}", info.studies));
  line(fmt::format("width      {}", info.width));
  for (const TextCategoryInfo& category : info.categories) {
    line(fmt::format("category   {}: {} studies, length {:.4g} to {:.4g}, mean {:.4g}", category.name,
                     category.studies, category.min_norm, category.max_norm, category.mean_norm));
  }
  bool complete = info.broken == 0;
  if (info.broken > 0) line(fmt::format("broken     {}", info.broken));
  for (const std::string& fault : info.faults) line(fmt::format("  {}", fault));
  for (const auto& file : a.json_lines) complete &= !print_missing(cache, file);
  return complete ? ExitCode::ok : ExitCode::some_inputs_failed;
}

}  // namespace

void add_info(AppContext& context) {
  CLI::App* command = context.app.add_subcommand("info", "what a cache holds, and which studies it lacks");
  command->footer(
      "Examples:\n"
      "  pillar-text info text\n"
      "  pillar-text info text.safetensors --json train.jsonl --json valid.jsonl\n"
      "Reads every vector. Exit code 3: a vector is broken, or a study of --json is missing.");
  auto a = std::make_shared<InfoArguments>();
  command->add_option("CACHE", a->cache, "folder with metadata.json, or a packed file")->required();
  command->add_option("--json", a->json_lines, "JSON lines with sample_name: are they all there?")
      ->type_name("FILE");
  command->callback([a, &context] { context.result = info(*a, context.log.quiet); });
}

}  // namespace pillar

// pillar-text pack, unpack: the public folder to one file and back.
#include "pillar/text/text_pack.h"

#include "commands.h"

#include <cstdio>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace pillar {
namespace {

struct Arguments {
  std::filesystem::path from, to;
  std::string dtype = "fp32";
};

void report(const Arguments& a, const TextPackSummary& summary) {
  const std::string text = fmt::format("{}: {} studies, width {}, {}", a.to.string(), summary.studies,
                                       summary.width, fmt::join(summary.categories, ", "));
  std::printf("%s\n", text.c_str());
}

}  // namespace

void add_pack(AppContext& context) {
  CLI::App* command = context.app.add_subcommand("pack", "a cache to one memory-mapped file");
  command->footer(
      "Example:\n"
      "  pillar-text pack text --out text.safetensors --dtype bf16\n"
      "Training reads either form; the file opens at once and is half as large with bf16.");
  auto a = std::make_shared<Arguments>();
  command->add_option("CACHE", a->from, "folder with metadata.json")->required();
  command->add_option("--out,-o", a->to, "file to write; replaced at once")->required()->type_name("FILE");
  command->add_option("--dtype", a->dtype, "fp32 or bf16")
      ->check(CLI::IsMember({"fp32", "bf16"}))
      ->capture_default_str();
  command->callback([a, &context] {
    const at::ScalarType dtype = a->dtype == "bf16" ? at::kBFloat16 : at::kFloat;
    const TextPackSummary summary = pack_text_cache(a->from, a->to, {dtype, context.log.quiet});
    if (!context.log.quiet) report(*a, summary);
  });
}

void add_unpack(AppContext& context) {
  CLI::App* command = context.app.add_subcommand("unpack", "a packed file to the public folder");
  command->footer(
      "Example:\n"
      "  pillar-text unpack text.safetensors --out text\n"
      "Vectors become float32 .pt files, which the public Python code reads.");
  auto a = std::make_shared<Arguments>();
  command->add_option("FILE", a->from, "made by pack")->required();
  command->add_option("--out,-o", a->to, "folder to write; must not be there")->required()->type_name("DIR");
  command->callback([a, &context] {
    const TextPackSummary summary = unpack_text_cache(a->from, a->to, context.log.quiet);
    if (!context.log.quiet) report(*a, summary);
  });
}

}  // namespace pillar

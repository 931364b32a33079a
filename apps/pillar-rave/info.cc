#include "pillar/rave/verify.h"

#include "commands.h"

#include <fmt/format.h>

namespace pillar {

void add_info(AppContext& context) {
  CLI::App* command = context.app.add_subcommand("info", "what a sample holds, without decoding it");
  struct Arguments {
    std::filesystem::path sample;
    bool json = false;
  };
  auto a = std::make_shared<Arguments>();
  command->add_option("SAMPLE", a->sample, "folder, archive or video file")->required();
  command->add_flag("--json", a->json, "one JSON object, metadata.json included");
  command->callback([a] {
    const Sample sample = Sample::open(a->sample);
    fmt::print("{}", a->json ? sample_json(sample.info()) : describe_sample(sample.info()));
  });
}

}  // namespace pillar

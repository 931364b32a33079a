// pillar_parity KIND GOLDEN_DIR OUT.safetensors: what the library makes of a golden folder's inputs, for
// comparison with its expected outputs by whatever program wants to.
#include "tools/parity.h"

#include "pillar/core/error.h"

#include <cstdio>
#include <map>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace {

using pillar::test::ParityKind;

const std::map<std::string, ParityKind> kKinds = {
    {"atlas", pillar::test::parity_atlas},       {"atlas-grads", pillar::test::parity_atlas_grads},
    {"finetune", pillar::test::parity_finetune}, {"pretrain", pillar::test::parity_pretrain},
    {"qwen", pillar::test::parity_qwen},         {"windows", pillar::test::parity_windows},
};

constexpr std::string_view kQwenIds = "qwen-ids";  // the one kind with two inputs

int usage() {
  fmt::print(stderr, "usage: pillar_parity KIND GOLDEN_DIR OUT.safetensors\nkinds:");
  for (const auto& [name, kind] : kKinds) fmt::print(stderr, " {}", name);
  fmt::print(stderr, "\n       pillar_parity {} TOKENIZER.json TEXTS.json OUT.json\n", kQwenIds);
  return static_cast<int>(pillar::ExitCode::usage);
}

}  // namespace

int main(int argc, char** argv) {
  const auto kind = argc == 4 ? kKinds.find(argv[1]) : kKinds.end();
  const bool is_ids = argc == 5 && argv[1] == kQwenIds;
  if (kind == kKinds.end() && !is_ids) return usage();
  try {
    if (is_ids)
      pillar::test::parity_qwen_ids(argv[2], argv[3], argv[4]);
    else
      kind->second(argv[2], argv[3]);
    return 0;
  } catch (const pillar::Error& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return static_cast<int>(pillar::exit_code(error.category()));
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return static_cast<int>(pillar::ExitCode::failed);
  }
}

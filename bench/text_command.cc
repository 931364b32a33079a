// pillar-bench text: reports to vectors, against padded batches of plain LibTorch operators.
#include "pillar/core/config.h"
#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/thread_pool.h"
#include "pillar/text/qwen3_random.h"

#include "command.h"
#include "gemm_rate.h"
#include "support/data_folder.h"
#include "text_cases.h"

#include <algorithm>
#include <memory>

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pillar::bench {
namespace {

namespace fs = std::filesystem;

struct TextArguments : CommonArguments {
  std::string architecture = "qwen3-embedding-0.6b";
  std::int64_t layers = 0;  // 0: the architecture's
  std::vector<std::int64_t> gemm_sides = {2048, 4096};
  TextOptions text;
};

// The architecture with random weights in float32, which both sides read where they lie.
void write_model(const TextArguments& a) {
  if (fs::exists(a.text.model)) return;
  const fs::path file = find_architecture(a.architecture);
  auto json = nlohmann::ordered_json::parse(read_text_file(file, 4 << 20), nullptr, false);
  if (!json.is_object()) fail(ErrorCategory::input, "{}: no JSON object", file);
  json["torch_dtype"] = "float32";
  if (a.layers > 0) json["num_hidden_layers"] = a.layers;
  write_random_qwen3(a.text.model, json.dump(2), file, 1);
}

void bench_text(TextArguments& a, const char* program) {
  TextOptions& text = a.text;
  if (text.shortest > text.longest)
    fail(ErrorCategory::usage, "reports of {} to {} tokens", text.shortest, text.longest);
  if (text.threads == 0) text.threads = usable_processors();
  const Scratch scratch(a.scratch);
  text.folder = scratch.path;
  text.model = scratch.path / "model";
  if (!a.run.only_case.empty()) {
    run_cases(text_cases(text), a.run);
    return;
  }
  write_model(a);
  at::set_num_threads(text.threads);
  const at::ScalarType type = text.dtype == "bf16" ? at::kBFloat16 : at::kFloat;
  text.machine_gflops = [type, sides = a.gemm_sides, best = std::make_shared<double>(0)] {
    return *best = std::max(*best, gemm_gflops(type, sides));
  };
  text.machine_gflops();
  a.run.child_command = {program,      "text",
                         "--scratch",  scratch.path.string(),
                         "--dtype",    text.dtype,
                         "--reports",  std::to_string(text.reports),
                         "--shortest", std::to_string(text.shortest),
                         "--longest",  std::to_string(text.longest),
                         "--batch",    std::to_string(text.baseline_batch),
                         "--threads",  std::to_string(text.threads)};
  print_text_details(run_and_report(text_cases(text), a, text.threads));
}

}  // namespace

void add_text(CLI::App& app, const char* program) {
  CLI::App* command =
      app.add_subcommand("text", "reports to vectors, against padded batches in plain LibTorch");
  auto a = std::make_shared<TextArguments>();
  a->run.repeats = 1;
  add_run_options(command, *a, a->text.threads);
  command->add_option("--arch", a->architecture, "config.json of a text model, or the name of one")
      ->capture_default_str()
      ->type_name("FILE");
  const auto number = [&](const char* name, std::int64_t& value, std::int64_t least, const char* what) {
    command->add_option(name, value, what)
        ->check(CLI::Range(least, std::int64_t{1} << 20))
        ->capture_default_str();
  };
  number("--layers", a->layers, 0, "of the model; 0: as the architecture has");
  number("--reports", a->text.reports, 1, "how many");
  number("--shortest", a->text.shortest, 1, "tokens of a report");
  number("--longest", a->text.longest, 1, "tokens of a report");
  number("--batch", a->text.baseline_batch, 1, "reports in a batch of the baseline");
  command->add_option("--dtype", a->text.dtype, "of ours; the baseline is always fp32")
      ->check(CLI::IsMember({"fp32", "bf16"}))
      ->capture_default_str();
  command->add_flag("--ours-only", a->text.ours_only, "leave out the baseline");
  command->add_option("--gemm", a->gemm_sides, "sides of the matrices that measure the machine")
      ->delimiter(',')
      ->check(CLI::Range(64, 8192))
      ->capture_default_str()
      ->type_name("N,...");
  command->add_option("--scratch", a->scratch, "folder for temporary files, kept afterwards");
  command->callback([a, program] { bench_text(*a, program); });
}

}  // namespace pillar::bench

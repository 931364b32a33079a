// What the subcommands share: their common options, a scratch folder, the report.
#pragma once

#include "runner.h"
#include "support/app.h"

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace pillar::bench {

struct CommonArguments {
  std::filesystem::path json;
  std::filesystem::path scratch;
  RunOptions run;
};

// --json, --repeats, and what the parent tells its children.
void add_run_options(CLI::App* command, CommonArguments& a);
// And --threads.
void add_run_options(CLI::App* command, CommonArguments& a, int& threads);

// Whether --device names a GPU. Throws Error(usage) for auto, since a measurement says what it is of, and
// Error(unsupported) where there is no such device.
bool is_gpu(const std::string& device);

// `given`, or a folder of our own that is removed at the end.
struct Scratch {
  std::filesystem::path path;
  bool owned = false;
  explicit Scratch(const std::filesystem::path& given);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
};

// Runs, adds what machine it was, writes --json. In a child the call does not return.
nlohmann::ordered_json run_and_report(const std::vector<Case>& cases, const CommonArguments& a, int threads);

void add_atlas(CLI::App& app, const char* program);
void add_eval(CLI::App& app, const std::vector<std::string>& words);
void add_finetune(CLI::App& app, const std::vector<std::string>& words);
void add_index(CLI::App& app, const char* program);
void add_loader(CLI::App& app, const char* program);
void add_rate(CLI::App& app, const char* program);
void add_text(CLI::App& app, const char* program);
void add_tokenizer(CLI::App& app, const char* program);
void add_train(CLI::App& app, const std::vector<std::string>& words);

}  // namespace pillar::bench

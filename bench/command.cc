#include "command.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/thread_pool.h"
#include "pillar/device/device.h"

#include <cstdlib>
#include <fstream>

#include <nlohmann/json.hpp>

namespace pillar::bench {
namespace {

namespace fs = std::filesystem;

std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

}  // namespace

void add_run_options(CLI::App* command, CommonArguments& a) {
  command->add_option("--json", a.json, "write [{name, ours, baseline, ratio_time, ratio_rss}] to this file");
  command
      ->add_option("--repeats", a.run.repeats,
                   a.run.median ? "runs of each side, interleaved; the median counts"
                                : "runs of each side, interleaved; the best counts")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--case", a.run.only_case)->group("");
  command->add_option("--side", a.run.only_side)->check(CLI::IsMember({"ours", "baseline"}))->group("");
}

void add_run_options(CLI::App* command, CommonArguments& a, int& threads) {
  add_run_options(command, a);
  command->add_option("--threads", threads, "threads of both sides; 0: one a processor")
      ->check(CLI::NonNegativeNumber);
}

bool is_gpu(const std::string& device) {
  if (device == "auto") fail(ErrorCategory::usage, "--device auto: one of cpu, cuda, cuda:N");
  check_device(device, 0);
  return device != "cpu";
}

Scratch::Scratch(const fs::path& given) : path(given) {
  if (!path.empty()) return;
  std::string pattern = (fs::temp_directory_path() / "pillar-bench-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr)
    fail(ErrorCategory::io, "{}: cannot make a scratch folder", pattern);
  path = pattern;
  owned = true;
}

Scratch::~Scratch() {
  std::error_code ignored;
  if (owned) fs::remove_all(path, ignored);
}

nlohmann::ordered_json run_and_report(const std::vector<Case>& cases, const CommonArguments& a, int threads) {
  nlohmann::ordered_json results = run_cases(cases, a.run);
  for (auto& result : results) {
    result["machine"] = processor_name();
    result["processors"] = usable_processors();
    if (!result.contains("threads")) result["threads"] = threads;
  }
  if (!a.json.empty()) write_file_atomic(a.json, results.dump(2) + "\n");
  return results;
}

}  // namespace pillar::bench

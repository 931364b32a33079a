// pillar-bench index: what a folder of DICOM files holds, against ITK's series scan.
#include "pillar/core/thread_pool.h"

#include "command.h"
#include "index_cases.h"

#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pillar::bench {
namespace {

namespace fs = std::filesystem;

struct IndexArguments : CommonArguments {
  int series = 5;
  int slices = 600;
  int size = 128;
  IndexOptions index;
};

void bench_index(IndexArguments& a, const char* program) {
  const Scratch scratch(a.scratch);
  if (a.index.threads == 0) a.index.threads = usable_processors();
  a.index.scratch = scratch.path;
  a.index.programs = fs::read_symlink("/proc/self/exe").parent_path();
  const bool is_given = !a.index.folder.empty();
  if (!is_given) {
    a.index.folder = scratch.path / "folder";
    write_index_folder(a.index.folder, a.series, a.slices, a.size);
  }
  a.index.encode = a.index.folder.parent_path() == scratch.path;
  a.run.child_command = {program,     "index",
                         "--folder",  a.index.folder.string(),
                         "--scratch", scratch.path.string(),
                         "--threads", std::to_string(a.index.threads)};
  for (const auto& entry : run_and_report(index_cases(a.index), a, a.index.threads)) {
    const auto& ours = entry["ours"];
    if (!ours.contains("kept_bytes_a_file")) continue;
    fmt::print("{}: {:.0f} files of {:.0f} series, {:.0f} bytes a file kept\n",
               entry["name"].get<std::string>(), ours["files"].get<double>(), ours["series"].get<double>(),
               ours["kept_bytes_a_file"].get<double>());
  }
}

}  // namespace

void add_index(CLI::App& app, const char* program) {
  CLI::App* command = app.add_subcommand(
      "index", "what a folder of DICOM files holds, from headers, against ITK's series scan");
  auto a = std::make_shared<IndexArguments>();
  add_run_options(command, *a, a->index.threads);
  command->add_option("--folder", a->index.folder, "DICOM files, directly in it; without it some are written")
      ->check(CLI::ExistingDirectory);
  command->add_option("--series", a->series, "of the folder that is written")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command->add_option("--slices", a->slices, "of each series")
      ->check(CLI::Range(3, 100000))
      ->capture_default_str();
  command->add_option("--size", a->size, "rows and columns of a slice")
      ->check(CLI::Range(16, 1024))
      ->capture_default_str();
  command->add_option("--scratch", a->scratch, "folder for temporary files, kept afterwards");
  command->callback([a, program] { bench_index(*a, program); });
}

}  // namespace pillar::bench

#include "small_cohort.h"

#include "pillar/core/file.h"

#include <fmt/format.h>

namespace pillar::test {

std::filesystem::path rate_config_folder() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "../share/pillar/configs/rate";
}

void write_small_cohort(const std::filesystem::path& folder, int count) {
  std::string text = "Accession,Report Text\n";
  for (int i = 0; i < count; ++i) {
    text += fmt::format("{:04},\"Secretname{} was seen.\n{}{}{}Bones are fine.\"\n", i, i,
                        i % 2 == 0 ? "There is a nodule. " : "", i % 3 == 0 ? "There is an effusion. " : "",
                        i % 10 == 0  ? "There is maybe stone. "
                        : i % 5 == 0 ? "There is a stone. "
                                     : "");
  }
  write_file_atomic(folder / "reports.csv", text);
  write_file_atomic(folder / "questions.yaml", std::string_view(kSmallQuestions));
}

ExtractOptions small_options(const std::filesystem::path& folder, const std::string& url) {
  ExtractOptions options;
  options.reports = {folder / "reports.csv"};
  options.questions = folder / "questions.yaml";
  options.out = folder / "out";
  options.prompts = {rate_config_folder() / "prompts.yaml"};
  options.server.url = url;
  options.server.model = "m";
  options.server.connections = 8;
  options.server.first_wait_s = 0.01;
  options.quiet = true;
  return options;
}

std::string bytes_of(const std::filesystem::path& file) {
  return std::filesystem::exists(file) ? read_text_file(file) : "(no file)";
}

}  // namespace pillar::test

// The files that are derived from a journal, where they cannot be written.
#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/rate/extract.h"

#include "small_cohort.h"
#include "support/tiny_disk.h"

#include <fstream>
#include <map>

#include <gtest/gtest.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr const char* kQuestionsOfTheRules = R"(categories:
  Chest:
    description: Lungs
    questions: ["Is there a lung nodule?", "Is there a pleural effusion?"]
)";

std::map<std::string, std::string> bytes_of_all(const fs::path& folder) {
  std::map<std::string, std::string> found;
  for (const auto& entry : fs::directory_iterator(folder))
    found[entry.path().filename().string()] = test::bytes_of(entry.path());
  return found;
}

void fill_up(const fs::path& file) {
  std::ofstream out(file, std::ios::binary);
  const std::string block(512, 'x');
  while (out.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) continue;
}

TEST(DerivedFiles, AFullDiskLeavesThoseThatWereThere) {
  const test::TempDir dir;
  const int outcome = test::on_tiny_disk(dir.path(), 1024, [&] {
    test::write_small_cohort(dir.path(), 30);
    write_file_atomic(dir / "questions.yaml", std::string_view(kQuestionsOfTheRules));
    ExtractOptions options = test::small_options(dir.path(), "");
    options.provider = RateProvider::rules;
    options.rules = test::rate_config_folder() / "phantom_rules.yaml";
    run_rate_extract(options);
    const auto before = bytes_of_all(options.out);
    if (before.size() < 6) return 1;
    fill_up(dir / "filler");
    try {
      run_rate_extract(options);
      return 2;
    } catch (const Error& error) {
      if (error.category() != ErrorCategory::io) return 3;
    }
    return bytes_of_all(options.out) == before ? 0 : 4;
  });
  if (outcome == -1) GTEST_SKIP() << "no mount namespace";
  EXPECT_EQ(outcome, 0);
}

}  // namespace
}  // namespace pillar

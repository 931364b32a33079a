#include "train/tensorboard.h"

#include "support/program.h"

#include <sstream>

#include <gtest/gtest.h>

namespace pillar::test {

std::vector<std::string> tensorboard_points(const std::filesystem::path& folder) {
  // The system's Python, whose version the packages are for, with nothing else on its path.
  const ProgramResult result = run_program(
      {"/usr/bin/python3", "-I", "-S", PILLAR_EVENTS_SCRIPT, PILLAR_TEST_PACKAGES, folder.string()});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  std::vector<std::string> lines;
  std::istringstream text(result.out);
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

}  // namespace pillar::test

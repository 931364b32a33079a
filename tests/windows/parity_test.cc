// The program that others compare us with, run as they run it.
#include "pillar/core/safetensors.h"

#include "support/program.h"
#include "support/temp_dir.h"
#include "windows/golden_windows.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

namespace pillar {
namespace {

using ::testing::HasSubstr;

TEST(Parity, WindowsOfEveryGoldenFolder) {
  PILLAR_NEEDS_GOLDEN("windows");
  test::TempDir dir;
  for (const auto& folder : test::golden_window_folders()) {
    const auto out = dir / (folder.filename().string() + ".safetensors");
    const auto result = test::run_program({PILLAR_PARITY, "windows", folder.string(), out.string()});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const SafetensorsFile written(out);
    EXPECT_EQ(written.entries().size(), 1u);
    const at::Tensor expected = SafetensorsFile(folder / "io.safetensors").tensor("windowed");
    EXPECT_LE((written.tensor("windowed") - expected).abs().max().item<double>(),
              test::golden_window_tolerance(folder))
        << folder;
  }
}

TEST(Parity, WrongUse) {
  test::TempDir dir;
  const std::string out = (dir / "o.safetensors").string();
  EXPECT_EQ(test::run_program({PILLAR_PARITY}).exit_code, 2);
  const auto unknown = test::run_program({PILLAR_PARITY, "nonsense", dir.path().string(), out});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("windows"));
  const auto missing = test::run_program({PILLAR_PARITY, "windows", dir.path().string(), out});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_THAT(missing.err, HasSubstr("case.json"));
  EXPECT_FALSE(std::filesystem::exists(out));
}

}  // namespace
}  // namespace pillar

#include "pillar/core/safetensors.h"
#include "pillar/windows/windowed_volume.h"

#include "windows/golden_windows.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>

namespace pillar {
namespace {

WindowedVolume ours(const std::filesystem::path& folder) {
  const Config config = Config::load(folder / "case.json");
  const Config windows = config.get("windows");
  const auto list = windows.is_list() ? fmt::format("{}", fmt::join(test::golden_strings(windows), ","))
                                      : windows.as_string();
  return WindowedVolume(SafetensorsFile(folder / "io.safetensors").tensor("volume"),
                        parse_windows(list, parse_window_family(config.get("modality").as_string())));
}

TEST(WindowedVolumeGoldens, EveryFolder) {
  PILLAR_NEEDS_GOLDEN("windows");
  const auto folders = test::golden_window_folders();
  EXPECT_GE(folders.size(), 5u);
  for (const auto& folder : folders) {
    const at::Tensor expected = SafetensorsFile(folder / "io.safetensors").tensor("windowed");
    const at::Tensor windowed = ours(folder).all_bcdhw(at::kFloat);
    ASSERT_EQ(windowed.sizes(), expected.sizes()) << folder;
    EXPECT_LE((windowed - expected).abs().max().item<double>(), test::golden_window_tolerance(folder))
        << folder;
  }
}

TEST(WindowedVolumeGoldens, NamesInOrder) {
  PILLAR_NEEDS_GOLDEN("windows/ct_all/case.json");
  for (const char* name : {"windows/ct_all", "windows/mr_all"}) {
    const Config config = Config::load(test::golden(name) / "case.json");
    std::vector<std::string> names;
    for (const Window& window : known_windows(parse_window_family(config.get("modality").as_string()))) {
      names.push_back(window.name);
    }
    EXPECT_EQ(names, test::golden_strings(config.get("window_names_in_order")));
  }
}

}  // namespace
}  // namespace pillar

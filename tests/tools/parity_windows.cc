#include "pillar/core/config.h"
#include "pillar/core/safetensors.h"
#include "pillar/windows/windowed_volume.h"

#include "tools/parity.h"

#include <string>

namespace pillar::test {

void parity_windows(const std::filesystem::path& golden_dir, const std::filesystem::path& out) {
  const Config config = Config::load(golden_dir / "case.json");
  const WindowFamily family = parse_window_family(config.get("modality").as_string());
  const Config windows = config.get("windows");
  std::string list = windows.is_list() ? "" : windows.as_string();
  for (std::size_t i = 0; windows.is_list() && i < windows.size(); ++i)
    list += (i == 0 ? "" : ",") + windows.at(i).as_string();
  const at::Tensor voxels = SafetensorsFile(golden_dir / "io.safetensors").tensor("volume");
  write_safetensors(
      out, {{"windowed", WindowedVolume(voxels, parse_windows(list, family)).all_bcdhw(at::kFloat)}});
}

}  // namespace pillar::test

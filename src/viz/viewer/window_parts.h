// Internal: what the page and the sheet of windows share.
#pragma once

#include "pillar/viz/window_viewer.h"

namespace pillar::viz {

void check_windows(const std::vector<ShownWindow>& windows);  // throws Error(usage)

}  // namespace pillar::viz

// Internal: what a slice viewer page holds of an overlay.
#pragma once

#include "pillar/viz/slice_viewer.h"

#include <string>

namespace pillar::viz {

// All empty where there is none.
struct OverlayFields {
  std::string json = "null", control, voxels;
};

// Throws Error(input | usage) as slice_viewer_html() says.
OverlayFields token_fields(const TokenOverlay& overlay);

}  // namespace pillar::viz

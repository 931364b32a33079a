// Internal: the files of slice_viewer_page/ as text (CMakeLists.txt embeds them).
#pragma once

#include <string_view>

namespace pillar::viz {

extern const std::string_view kPageHtml;  // with {{name}} where slice_viewer.cc fills in
extern const std::string_view kPageStyle;
extern const std::string_view kPageScript;

}  // namespace pillar::viz

// Internal: HTML pages that hold a volume and load nothing from anywhere.
#pragma once

#include "viz/viewer/packed_voxels.h"

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar::viz {

// The files of a page's folder as text (CMakeLists.txt embeds them); the HTML has {{name}} where something is
// filled in.
struct PageText {
  std::string_view html;
  std::string_view style;
  std::string_view script;
};
extern const PageText kSliceViewerPage;
extern const PageText kWindowViewerPage;
extern const PageText kReportPage;
extern const PageText kLabelReviewPage;

using Fields = std::map<std::string_view, std::string>;  // already escaped
using Facts = std::vector<std::pair<std::string, std::string>>;

// Puts in the fields, style and script, and the hashes for the page's content security policy. "script
// policy" and "script element" are empty where there is no script.
std::string fill_page(const PageText& page, Fields fields);

std::string facts_rows(const Facts& facts);  // of an HTML table
std::string about_volume(const at::Tensor& volume, const std::array<double, 3>& spacing_xyz_mm,
                         const PackedVoxels& packed);

void check_longest_side(int longest_side);  // throws Error(usage)

}  // namespace pillar::viz

#include "viz/viewer/page.h"

#include "pillar/core/fail.h"
#include "pillar/core/sha256.h"

#include "viz/viewer/text_encoding.h"

#include <fmt/format.h>

namespace pillar::viz {
namespace {

// Replaces each {{name}} of the template in one pass, so that braces in what is filled in mean nothing.
std::string fill(std::string_view page, const Fields& fields) {
  std::size_t size = page.size();
  for (const auto& [name, value] : fields) size += value.size();
  std::string filled;
  filled.reserve(size);
  for (;;) {
    std::size_t begin = page.find("{{");
    filled += page.substr(0, begin);
    if (begin == std::string_view::npos) return filled;
    std::size_t end = page.find("}}", begin);
    filled += fields.at(page.substr(begin + 2, end - begin - 2));
    page.remove_prefix(end + 2);
  }
}

// For the page's content security policy: nothing but this very text may run or style the page.
std::string policy_hash(std::string_view text) {
  return "'sha256-" + base64(sha256(as_bytes(text))) + "'";
}

}  // namespace

std::string fill_page(const PageText& page, Fields fields) {
  fields["style"] = page.style;
  fields["style hash"] = policy_hash(page.style);
  fields["script"] = page.script;
  fields["script hash"] = policy_hash(page.script);
  fields["script policy"] = page.script.empty() ? "" : fmt::format("script-src {}; ", fields["script hash"]);
  fields["script element"] = page.script.empty() ? "" : fmt::format("<script>{}</script>\n", page.script);
  return fill(page.html, fields);
}

std::string facts_rows(const Facts& facts) {
  std::string rows;
  for (const auto& [name, value] : facts) {
    rows +=
        fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", escape_html(name), escape_html(value));
  }
  return rows;
}

std::string about_volume(const at::Tensor& volume, const std::array<double, 3>& spacing_xyz_mm,
                         const PackedVoxels& packed) {
  std::string text =
      fmt::format("{} × {} × {} voxels of {:.4g} × {:.4g} × {:.4g} mm", volume.size(2), volume.size(1),
                  volume.size(0), spacing_xyz_mm[0], spacing_xyz_mm[1], spacing_xyz_mm[2]);
  auto [columns, rows, slices] = packed.size_xyz;
  if (columns * rows * slices != volume.numel())
    text += fmt::format(", thinned to {} × {} × {}", columns, rows, slices);
  if (packed.levels.empty()) text += fmt::format(", values in steps of {:.4g}", packed.scale);
  return text;
}

void check_longest_side(int longest_side) {
  if (longest_side >= 8 && longest_side <= 512) return;
  fail(ErrorCategory::usage, "a viewer can keep 8 to 512 voxels along an axis, not {}", longest_side);
}

}  // namespace pillar::viz

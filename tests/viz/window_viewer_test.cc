#include "pillar/viz/window_viewer.h"

#include "pillar/core/file.h"
#include "pillar/core/sha256.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "viz/unpack.h"
#include "viz/viewer/text_encoding.h"

#include <cmath>
#include <numeric>

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::array<double, 3> kSpacing = {0.75, 0.5, 2};
const std::vector<ShownWindow> kWindows = {{"lung", -1350, 150}, {"brain", 0, 80}};

at::Tensor head_like() {
  return (at::arange(9 * 10 * 11, at::kShort).reshape({9, 10, 11}) * 3 - 1024).contiguous();
}

std::string page_of(const std::vector<ShownWindow>& windows, const WindowViewerOptions& options = {}) {
  return window_viewer_html(head_like(), kSpacing, windows, options);
}

nlohmann::json scan_of(const std::string& page) {
  return nlohmann::json::parse(
      test::between(page, R"(<script id="scan" type="application/json">)", "</script>"));
}

TEST(WindowViewer, PageHoldsVoxelsWindowsAndHistogram) {
  const std::string page = page_of(kWindows);
  const std::vector<double> values = test::unpack_values(test::packed_voxels_of(page));
  ASSERT_EQ(values.size(), 990u);
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i], static_cast<double>(i) * 3 - 1024);
  const auto scan = scan_of(page);
  EXPECT_EQ(scan["windows"], nlohmann::json::parse(R"([{"name":"lung","low":-1350,"high":150},
                                                       {"name":"brain","low":0,"high":80}])"));
  const std::vector<std::int64_t> counts = scan["histogram"]["counts"];
  EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}), 990);
  EXPECT_EQ(scan["fullSize"], nlohmann::json({11, 10, 9}));
}

TEST(WindowViewer, NoticeAndWarning) {
  EXPECT_THAT(page_of(kWindows), Not(HasSubstr("id=\"notice\"")));
  WindowViewerOptions options;
  options.notice = "air & <fat>";
  EXPECT_THAT(page_of(kWindows, options),
              HasSubstr("<p id=\"notice\" class=\"note\">air &amp; &lt;fat&gt;</p>"));
  options.warning = true;
  EXPECT_THAT(page_of(kWindows, options), HasSubstr("class=\"warning\"><b>Warning.</b> air"));
}

TEST(WindowViewer, HostileTextStaysText) {
  const std::string attack = "</script><script>alert(1)</script>\"'\\<!--{{voxels}}\n";
  WindowViewerOptions options;
  options.title = attack;
  options.notice = attack;
  options.value_unit = attack;
  options.facts = {{attack, attack}};
  const std::string page = page_of({{attack, 0, 1}}, options);
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  EXPECT_EQ(scan_of(page)["windows"][0]["name"], attack);
  EXPECT_EQ(test::packed_voxels_of(page).size_xyz[0], 11);
}

TEST(WindowViewer, PolicyAdmitsThePagesOwnScriptAndStyleOnly) {
  const std::string page = page_of(kWindows);
  const std::string policy = test::between(page, "Content-Security-Policy\"\n      content=\"", "\"");
  EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
  for (const char* element : {"script", "style"}) {
    const std::string text = test::between(page, fmt::format("<{}>", element), fmt::format("</{}>", element));
    EXPECT_THAT(policy,
                HasSubstr(fmt::format("{}-src 'sha256-{}'", element, viz::base64(sha256(as_bytes(text))))));
  }
  for (const char* remote : {"http://", "https://", "src=\"", "href=", "@import", "url("}) {
    EXPECT_THAT(page, Not(HasSubstr(remote)));
  }
}

TEST(WindowViewer, FileHoldsThePageOrIsNotThere) {
  test::TempDir dir;
  write_window_viewer(dir / "w.html", head_like(), kSpacing, kWindows, {});
  EXPECT_EQ(read_text_file(dir / "w.html"), page_of(kWindows));
  at::Tensor volume = head_like().to(at::kFloat);
  volume[1][2][3] = NAN;
  EXPECT_PILLAR_ERROR(write_window_viewer(dir / "bad.html", volume, kSpacing, kWindows, {}),
                      ErrorCategory::input, HasSubstr("nan"));
  EXPECT_FALSE(std::filesystem::exists(dir / "bad.html"));
}

TEST(WindowViewer, WrongRequestsAreRefused) {
  EXPECT_PILLAR_ERROR(page_of({}), ErrorCategory::usage, HasSubstr("0 windows"));
  EXPECT_PILLAR_ERROR(page_of(std::vector<ShownWindow>(65)), ErrorCategory::usage, HasSubstr("65 windows"));
  for (const ShownWindow& window : {ShownWindow{"w", 1, 1}, ShownWindow{"w", 2, 1}, ShownWindow{"w", NAN, 1},
                                    ShownWindow{"w", 0, INFINITY}, ShownWindow{"w", -1e308, 1e308}}) {
    EXPECT_PILLAR_ERROR(page_of({window}), ErrorCategory::usage, HasSubstr("window 'w'"));
    EXPECT_PILLAR_ERROR(window_sheet(head_like(), kSpacing, {window}, {}), ErrorCategory::usage,
                        HasSubstr("window 'w'"));
  }
  WindowViewerOptions options;
  options.longest_side = 7;
  EXPECT_PILLAR_ERROR(page_of(kWindows, options), ErrorCategory::usage, HasSubstr("7"));
  EXPECT_PILLAR_ERROR(window_viewer_html(head_like(), {1, 0, 1}, kWindows, {}), ErrorCategory::input,
                      HasSubstr("spacing"));
  EXPECT_PILLAR_ERROR(window_viewer_html(at::zeros({2, 2}), kSpacing, kWindows, {}), ErrorCategory::input,
                      HasSubstr("three axes"));
}

}  // namespace
}  // namespace pillar

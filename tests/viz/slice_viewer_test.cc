#include "pillar/viz/slice_viewer.h"

#include "pillar/core/file.h"
#include "pillar/core/safetensors.h"
#include "pillar/core/sha256.h"

#include "support/expect_error.h"
#include "support/goldens.h"
#include "support/temp_dir.h"
#include "viz/unpack.h"
#include "viz/viewer/text_encoding.h"

#include <limits>

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::array<double, 3> kSpacing = {0.75, 0.5, 2};

at::Tensor head_like() {
  return (at::arange(9 * 10 * 11, at::kShort).reshape({9, 10, 11}) * 3 - 1024).contiguous();
}

nlohmann::json scan_of(const std::string& page) {
  return nlohmann::json::parse(
      test::between(page, R"(<script id="scan" type="application/json">)", "</script>"));
}

TEST(SliceViewer, PageHoldsTheVoxels) {
  at::Tensor volume = head_like();
  std::vector<double> values =
      test::unpack_values(test::packed_voxels_of(slice_viewer_html(volume, kSpacing, {})));
  ASSERT_EQ(values.size(), static_cast<std::size_t>(volume.numel()));
  for (std::int64_t i = 0; i < volume.numel(); ++i)
    EXPECT_EQ(values[i], volume.const_data_ptr<std::int16_t>()[i]);
}

TEST(SliceViewer, PageHoldsARealHeadScan) {
  PILLAR_NEEDS_GOLDEN("rave/head_ct/expected.safetensors");
  at::Tensor volume = SafetensorsFile(test::golden("rave/head_ct/expected.safetensors")).tensor("loaded");
  std::string page = slice_viewer_html(volume, {0.957, 0.957, 1.5}, {});
  EXPECT_LT(page.size(), volume.nbytes() * 6 / 10);
  std::vector<double> values = test::unpack_values(test::packed_voxels_of(page));
  at::Tensor decoded = at::from_blob(values.data(), volume.sizes(), at::kDouble).to(at::kShort);
  EXPECT_TRUE(at::equal(decoded, volume));
}

TEST(SliceViewer, PageDescribesTheScan) {
  SliceViewerOptions options;
  options.window = {-600, 1500};
  options.lps_axial = true;
  options.slices_ascend = false;
  auto scan = scan_of(slice_viewer_html(head_like(), kSpacing, options));
  EXPECT_EQ(scan["size"], nlohmann::json({11, 10, 9}));
  EXPECT_EQ(scan["fullSize"], nlohmann::json({11, 10, 9}));
  EXPECT_EQ(scan["spacing"], nlohmann::json({0.75, 0.5, 2}));
  EXPECT_EQ(scan["window"], nlohmann::json({-600, 1500}));
  EXPECT_EQ(scan["lpsAxial"], true);
  EXPECT_EQ(scan["slicesAscend"], false);
  DisplayWindow automatic = automatic_window(head_like());
  EXPECT_EQ(scan["automatic"], nlohmann::json({automatic.center, automatic.width}));
  EXPECT_EQ(scan_of(slice_viewer_html(head_like(), kSpacing, {}))["lpsAxial"], false);
}

TEST(SliceViewer, PageSaysWhatItLost) {
  SliceViewerOptions options;
  options.longest_side = 8;
  std::string thinned = slice_viewer_html(head_like(), kSpacing, options);
  EXPECT_THAT(thinned, HasSubstr("<p>11 × 10 × 9 voxels of 0.75 × 0.5 × 2 mm, thinned to 8 × 8 × 8</p>"));
  EXPECT_EQ(scan_of(thinned)["fullSize"], nlohmann::json({11, 10, 9}));
  std::string rounded = slice_viewer_html(at::linspace(0, 6.5535, 8).reshape({2, 2, 2}), kSpacing, {});
  EXPECT_THAT(rounded, HasSubstr("mm, values in steps of 0.0001</p>"));
  EXPECT_THAT(slice_viewer_html(head_like(), kSpacing, {}), HasSubstr("2 mm</p>"));
}

TEST(SliceViewer, AnOverlayComesInStepsOfItsMaximum) {
  SliceViewerOptions options;
  options.overlay = {at::zeros({9, 10, 11}), "<b>attention</b>", 0.5};
  options.overlay->values_dhw[4][5][6] = 3e-6;
  options.overlay->values_dhw[4][5][7] = 1e-6;
  std::string page = slice_viewer_html(head_like(), kSpacing, options);
  EXPECT_EQ(scan_of(page)["overlay"]["levels"], nlohmann::json({0, 85, 255}));
  EXPECT_EQ(scan_of(page)["overlay"]["name"], "<b>attention</b>");
  EXPECT_THAT(page, AllOf(Not(HasSubstr("<b>attention")), HasSubstr("id=\"opacity\""),
                          HasSubstr("<script id=\"overlay\" type=\"text/plain\">")));
  std::string plain = slice_viewer_html(head_like(), kSpacing, {});
  EXPECT_TRUE(scan_of(plain)["overlay"].is_null());
  EXPECT_THAT(plain, AllOf(Not(HasSubstr("id=\"opacity\"")), Not(HasSubstr("id=\"overlay\""))));
  options.overlay->values_dhw = at::zeros({9, 10, 12});
  EXPECT_PILLAR_ERROR(slice_viewer_html(head_like(), kSpacing, options), ErrorCategory::input,
                      HasSubstr("an overlay of 9 x 10 x 12"));
}

TEST(SliceViewer, HostileTextStaysText) {
  const std::string attack =
      "</title><script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{voxels}}{{scan}}";
  SliceViewerOptions options;
  options.title = attack;
  options.value_unit = attack;
  options.facts = {{attack, attack}, {"Schädel & Hals", "2 < 3"}};
  std::string page = slice_viewer_html(head_like(), kSpacing, options);
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_THAT(page, HasSubstr("<title>" + viz::escape_html(attack) + "</title>"));
  EXPECT_THAT(page, HasSubstr("<h1>" + viz::escape_html(attack) + "</h1>"));
  EXPECT_THAT(page, HasSubstr("<body data-unit=\"" + viz::escape_html(attack) + "\">"));
  EXPECT_THAT(page, HasSubstr("<tr><th scope=\"row\">Schädel &amp; Hals</th><td>2 &lt; 3</td></tr>"));
  EXPECT_EQ(test::packed_voxels_of(page).size_xyz[0], 11);
}

// A browser runs and applies nothing whose hash is not in the policy, and loads nothing at all.
TEST(SliceViewer, PolicyAdmitsThePagesOwnScriptAndStyleOnly) {
  std::string page = slice_viewer_html(head_like(), kSpacing, {});
  std::string policy = test::between(page, "Content-Security-Policy\"\n      content=\"", "\"");
  EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  for (const char* element : {"script", "style"}) {
    std::string text = test::between(page, fmt::format("<{}>", element), fmt::format("</{}>", element));
    EXPECT_FALSE(text.empty());
    EXPECT_THAT(policy,
                HasSubstr(fmt::format("{}-src 'sha256-{}'", element, viz::base64(sha256(as_bytes(text))))));
  }
  for (const char* remote : {"http://", "https://", "src=\"", "href=", "@import", "url("}) {
    EXPECT_THAT(page, Not(HasSubstr(remote)));
  }
}

TokenOverlay two_scales() {
  TokenOverlay overlay;
  overlay.along_dhw = {{{0.25, 0, 0}, {0, 0.25, 0}, {0, 0, 0.25}}};
  overlay.scales = {{"finest", {3, 3, 3}, {1, 1, 1}}, {"coarsest", {1, 1, 1}, {2, 2, 2}}};
  TokenOverlay::Layer layer;
  layer.name = "Is there <b>air</b>?";
  layer.about = "logit 2";
  layer.of_scale_dhw = {at::zeros({3, 3, 3}), at::full({1, 1, 1}, 127 * 0.5)};
  layer.of_scale_dhw[0][0][0][1] = -2.54;
  layer.of_scale_dhw[0][2][2][2] = 1.27;
  layer.places = {{{8, 9, 10}, "-57, 42, -130 mm"}};
  overlay.layers = {layer};
  return overlay;
}

TEST(SliceViewer, PageHoldsTokens) {
  SliceViewerOptions options;
  options.tokens = two_scales();
  const std::string page = slice_viewer_html(head_like(), kSpacing, options);
  const auto overlay = scan_of(page)["overlay"];
  EXPECT_EQ(overlay["scales"][1]["finest"], (std::vector<int>{2, 2, 2}));
  EXPECT_NEAR(overlay["layers"][0]["steps"][0].get<double>(), 0.02, 1e-6);
  EXPECT_NEAR(overlay["layers"][0]["steps"][1].get<double>(), 0.5, 1e-6);
  EXPECT_EQ(overlay["layers"][0]["places"][0]["voxel"], (std::vector<int>{10, 9, 8}));
  EXPECT_THAT(page, HasSubstr("Is there &lt;b&gt;air&lt;/b&gt;?"));
  EXPECT_THAT(page, HasSubstr("<option value=\"1\">coarsest</option>"));
}

TEST(SliceViewer, TokensThatDoNotFitAreRefused) {
  SliceViewerOptions options;
  options.tokens = two_scales();
  options.overlay = {at::zeros({9, 10, 11}), "attention"};
  EXPECT_PILLAR_ERROR(slice_viewer_html(head_like(), kSpacing, options), ErrorCategory::usage,
                      HasSubstr("one overlay"));
  options.overlay.reset();
  options.tokens->layers[0].of_scale_dhw[0] = at::zeros({3, 3, 2});
  EXPECT_PILLAR_ERROR(slice_viewer_html(head_like(), kSpacing, options), ErrorCategory::input,
                      HasSubstr("3 x 3 x 3"));
  options.tokens->layers[0].of_scale_dhw[0] = at::full({3, 3, 3}, NAN);
  EXPECT_PILLAR_ERROR(slice_viewer_html(head_like(), kSpacing, options), ErrorCategory::input,
                      HasSubstr("nan"));
  options.tokens->layers.clear();
  EXPECT_PILLAR_ERROR(slice_viewer_html(head_like(), kSpacing, options), ErrorCategory::usage,
                      HasSubstr("without layers"));
}

TEST(SliceViewer, FileHoldsThePage) {
  test::TempDir dir;
  write_slice_viewer(dir / "a b.html", head_like(), kSpacing, {});
  EXPECT_EQ(read_text_file(dir / "a b.html"), slice_viewer_html(head_like(), kSpacing, {}));
  EXPECT_PILLAR_ERROR(write_slice_viewer(dir / "nowhere/v.html", head_like(), kSpacing, {}),
                      ErrorCategory::io, HasSubstr("nowhere"));
}

TEST(SliceViewer, ARefusedVolumeLeavesNoFile) {
  test::TempDir dir;
  at::Tensor volume = head_like().to(at::kFloat);
  volume[1][2][3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_PILLAR_ERROR(write_slice_viewer(dir / "v.html", volume, kSpacing, {}), ErrorCategory::input,
                      HasSubstr("nan"));
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

TEST(SliceViewer, WrongRequestsAreRefused) {
  auto page = [](const at::Tensor& volume, std::array<double, 3> spacing, SliceViewerOptions options = {}) {
    return slice_viewer_html(volume, spacing, options);
  };
  EXPECT_PILLAR_ERROR(page(at::Tensor(), kSpacing), ErrorCategory::input, HasSubstr("no volume"));
  EXPECT_PILLAR_ERROR(page(at::zeros({1, 2, 3, 4}), kSpacing), ErrorCategory::input,
                      HasSubstr("three axes, not 4"));
  EXPECT_PILLAR_ERROR(page(at::zeros({4, 4, 0}), kSpacing), ErrorCategory::input, HasSubstr("4 x 4 x 0"));
  EXPECT_PILLAR_ERROR(page(at::zeros({2, 2, 2}, at::kBool), kSpacing), ErrorCategory::unsupported,
                      HasSubstr("Bool"));
  EXPECT_PILLAR_ERROR(page(head_like(), {1, 1, 0}), ErrorCategory::input, HasSubstr("spacing"));
  EXPECT_PILLAR_ERROR(page(head_like(), {1, 1, INFINITY}), ErrorCategory::input, HasSubstr("spacing"));
  SliceViewerOptions options;
  options.window.width = -1;
  EXPECT_PILLAR_ERROR(page(head_like(), kSpacing, options), ErrorCategory::usage, HasSubstr("window"));
  options = {};
  options.longest_side = 513;
  EXPECT_PILLAR_ERROR(page(head_like(), kSpacing, options), ErrorCategory::usage, HasSubstr("513"));
}

}  // namespace
}  // namespace pillar

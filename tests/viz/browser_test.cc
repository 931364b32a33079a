// The pages in a real browser, where there is one: what is clicked and pressed, and that nothing is loaded.
#include "pillar/core/file.h"
#include "pillar/viz/evaluation_report.h"
#include "pillar/viz/label_pages.h"
#include "pillar/viz/slice_viewer.h"

#include "support/program.h"
#include "support/sample_metrics.h"
#include "support/temp_dir.h"
#include "support/volumes.h"

#include <cstdlib>
#include <sstream>

#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

namespace pillar {
namespace {

using test::TempDir;

bool has_chromium() {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  std::error_code ignored;
  for (std::string folder; std::getline(folders, folder, ':');)
    if (std::filesystem::exists(std::filesystem::path(folder) / "chromium", ignored)) return true;
  return false;
}

#define PILLAR_NEEDS_CHROMIUM() \
  if (!has_chromium()) GTEST_SKIP() << "no chromium: the page was not opened (apt package chromium)"

void expect_page(const char* kind, const std::filesystem::path& page) {
  const test::ProgramResult result =
      test::run_program({"/usr/bin/python3", "-B", PILLAR_BROWSER_CHECKS, kind, page.string()});
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

std::filesystem::path report_of(const TempDir& dir, const test::Json& metrics) {
  test::write_run(dir / "run", metrics);
  const std::filesystem::path page = dir / "the page #1.html";
  write_evaluation_report(dir / "run", page);
  return page;
}

TEST(Browser, AProbePageSortsFiltersAndOpensQuestions) {
  PILLAR_NEEDS_CHROMIUM();
  const TempDir dir;
  expect_page("probe", report_of(dir, test::probe_metrics(40, 50)));
}

TEST(Browser, AComparePageSortsAndFilters) {
  PILLAR_NEEDS_CHROMIUM();
  const TempDir dir;
  expect_page("compare", report_of(dir, test::compare_metrics(40)));
}

TEST(Browser, AProbePageIsWholeOnPaperAndWithoutScript) {
  PILLAR_NEEDS_CHROMIUM();
  const TempDir dir;
  expect_page("paper", report_of(dir, test::probe_metrics(8, 50)));
}

TEST(Browser, ALabelReviewIsAnsweredByKeysAndSavesAndLoadsItsAnswers) {
  PILLAR_NEEDS_CHROMIUM();
  const TempDir dir;
  const std::string report = "There is a\nnodule. No stone. </script><b>";
  write_label_review(
      "Review of labels",
      {{"Q0001", "human_label", "question", "Is there a <nodule>?", report, "", {"a nodule"}, "Yes"},
       {"Q0002", "human_label", "question", "Is there a stone?", report, "", {}, "No"},
       {"C0001", "correct", "category", "Is this what it says of Chest?", report, "A nodule.", {}, ""}},
      dir / "review.html");
  expect_page("review", dir / "review.html");
}

TEST(Browser, ASliceViewersSliderShowsAnotherSlice) {
  PILLAR_NEEDS_CHROMIUM();
  const TempDir dir;
  const Volume volume = test::smooth_volume(20, 24, 28, 3);
  write_slice_viewer(dir / "viewer.html", volume.voxels_dhw, {1, 1, 1}, {});
  expect_page("viewer", dir / "viewer.html");
}

TEST(Browser, AnOverlayIsColouredAndFadesWithItsSlider) {
  PILLAR_NEEDS_CHROMIUM();
  const TempDir dir;
  const Volume volume = test::smooth_volume(20, 24, 28, 3);
  SliceViewerOptions options;
  options.overlay = {at::zeros({20, 24, 28}), "attention", 0.6};
  options.overlay->values_dhw.narrow(0, 8, 5).narrow(1, 9, 6).narrow(2, 10, 8).fill_(0.25);
  write_slice_viewer(dir / "viewer.html", volume.voxels_dhw, {1, 1, 1}, options);
  expect_page("overlay", dir / "viewer.html");
}

TEST(Browser, TokensAreColouredByTheirSignAndScale) {
  PILLAR_NEEDS_CHROMIUM();
  const TempDir dir;
  const Volume volume = test::smooth_volume(20, 24, 28, 3);
  SliceViewerOptions options;
  TokenOverlay& overlay = options.tokens.emplace();
  overlay.along_dhw = {{{0.2, 0, 0}, {0, 1.0 / 6, 0}, {0, 0, 1.0 / 7}}};
  overlay.scales = {{"finest", {4, 4, 4}, {1, 1, 1}}, {"coarsest", {2, 2, 2}, {2, 2, 2}}};
  TokenOverlay::Layer layer{"Is there a stone?", "logit 2", {at::zeros({4, 4, 4}), at::zeros({2, 2, 2})}, {}};
  layer.of_scale_dhw[0][2][2][2] = 1;
  layer.places = {{{12, 14, 17}, "1, 2, 3 mm"}};
  overlay.layers = {layer};
  write_slice_viewer(dir / "viewer.html", volume.voxels_dhw, {1, 1, 1}, options);
  expect_page("tokens", dir / "viewer.html");
}

// So that a check above is not passed by a page that does nothing.
TEST(Browser, APageWithoutItsScriptFailsTheChecks) {
  PILLAR_NEEDS_CHROMIUM();
  const TempDir dir;
  const std::filesystem::path page = report_of(dir, test::probe_metrics(12, 20));
  std::string html = read_text_file(page);
  html.at(html.find("// Sorting, ") + 3) = 's';  // its hash is no longer the policy's
  write_file_atomic(page, html);
  const test::ProgramResult result =
      test::run_program({"/usr/bin/python3", "-B", PILLAR_BROWSER_CHECKS, "probe", page.string()});
  EXPECT_EQ(result.exit_code, 1) << result.out << result.err;
}

}  // namespace
}  // namespace pillar

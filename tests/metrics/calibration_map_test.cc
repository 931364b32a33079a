#include "pillar/metrics/calibration_map.h"

#include "pillar/core/file.h"
#include "pillar/core/random.h"

#include "support/expect_error.h"
#include "support/goldens.h"
#include "support/temp_dir.h"

#include <cmath>

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using CalibrationScores = std::vector<double>;
using CalibrationAnswers = std::vector<std::int8_t>;

TEST(CalibrationMap, TheCalibratorOfThePublicCode) {
  PILLAR_NEEDS_GOLDEN("finetune/misc_a.json")
  const auto golden =
      nlohmann::json::parse(read_text_file(test::golden("finetune/misc_a.json"))).at("calibration");
  const TempDir dir;
  write_file_atomic(dir / "calibrator.json", std::string_view(golden.at("json").dump()));
  const SybilCalibrator calibrator = read_sybil_calibrator(dir / "calibrator.json");
  const auto &scores = golden.at("scores"), &expected = golden.at("calibrated");
  ASSERT_FALSE(scores.empty());
  for (std::size_t n = 0; n < scores.size(); ++n) {
    ASSERT_EQ(scores[n].size(), calibrator.size());
    for (std::size_t k = 0; k < calibrator.size(); ++k)
      EXPECT_NEAR(calibrated(calibrator[k], scores[n][k].get<double>()), expected[n][k].get<double>(), 1e-12);
  }
}

TEST(CalibrationMap, IsotonicPoolsWhatFalls) {
  const CalibrationScores scores = {0.1, 0.2, 0.3, 0.3, 0.8, 0.9};
  const IsotonicMap map = fit_isotonic(scores, CalibrationAnswers{0, 1, 0, 0, 1, 1});
  EXPECT_THAT(map.x, ElementsAre(0.1, 0.2, 0.3, 0.8, 0.9));
  EXPECT_THAT(map.y, ElementsAre(0, 1.0 / 3, 1.0 / 3, 1, 1));
  const CalibrationMap isotonic{CalibrationKind::isotonic, {}, map};
  EXPECT_EQ(calibrated(isotonic, 0), 0);
  EXPECT_EQ(calibrated(isotonic, 1), 1);
  EXPECT_NEAR(calibrated(isotonic, 0.15), 1.0 / 6, 1e-15);
}

TEST(CalibrationMap, PlattFindsTheLineThatMadeTheAnswers) {
  SplitMix64 random{3};
  CalibrationScores scores;
  CalibrationAnswers answers;
  for (int i = 0; i < 50000; ++i) {
    const double logit = 8 * unit_interval(random.next()) - 4;
    scores.push_back(1 / (1 + std::exp(-logit)));
    answers.push_back(unit_interval(random.next()) < 1 / (1 + std::exp(-(0.5 * logit - 1))) ? 1 : 0);
  }
  const PlattMap map = fit_platt(scores, answers);
  EXPECT_NEAR(map.slope, 0.5, 0.03);
  EXPECT_NEAR(map.intercept, -1, 0.05);
  // At the minimum the mean probability is the mean of the smoothed answers.
  double sum = 0, yes = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    sum += calibrated({CalibrationKind::platt, map, {}}, scores[i]);
    yes += answers[i];
  }
  EXPECT_NEAR(sum, yes, 2);
}

TEST(CalibrationMap, PlattOfSeparatedAndExtremeScoresIsFinite) {
  const PlattMap map = fit_platt(CalibrationScores{0, 0, 1, 1}, CalibrationAnswers{0, 0, 1, 1});
  EXPECT_TRUE(std::isfinite(map.slope) && std::isfinite(map.intercept));
  EXPECT_NEAR(calibrated({CalibrationKind::platt, map, {}}, 1), 0.75, 1e-6);
}

TEST(CalibrationMap, IsReadAsItWasWritten) {
  const TempDir dir;
  CalibrationMaps maps;
  maps["nodule, \"old\""] = {CalibrationKind::platt, {1.0 / 3, -0.1}, {}};
  maps["cyst"] = {CalibrationKind::isotonic, {}, {{0.1, 2.0 / 3}, {0, 1}}};
  write_calibration(dir / "calibration.json", maps);
  const CalibrationMaps read = read_calibration(dir / "calibration.json");
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read.at("nodule, \"old\"").platt.slope, 1.0 / 3);
  EXPECT_EQ(read.at("cyst").isotonic.x, maps["cyst"].isotonic.x);
  EXPECT_EQ(read.at("cyst").isotonic.y, maps["cyst"].isotonic.y);
}

TEST(CalibrationMap, FaultsAreNamed) {
  EXPECT_PILLAR_ERROR(fit_platt(CalibrationScores{0.1, 0.2}, CalibrationAnswers{1, 1}), ErrorCategory::input,
                      HasSubstr("2 yes and 0 no"));
  EXPECT_PILLAR_ERROR(fit_isotonic(CalibrationScores{0.1, 1.2}, CalibrationAnswers{1, 0}),
                      ErrorCategory::input, HasSubstr("score 1: 1.2"));
  const TempDir dir;
  const auto refused = [&](const char* text, const char* key) {
    write_file_atomic(dir / "c.json", std::string_view(text));
    EXPECT_PILLAR_ERROR(read_calibration(dir / "c.json"), ErrorCategory::input,
                        AllOf(HasSubstr("c.json: "), HasSubstr(key)));
  };
  refused(R"({"format": 2})", "format");
  refused(R"({"format": 1, "outputs": {"a": {"kind": "spline"}}})", "outputs.a.kind");
  refused(R"({"format": 1, "outputs": {"a": {"kind": "isotonic", "x": [1, 1], "y": [0, 1]}}})",
          "outputs.a.x");
  refused(R"({"format": 1, "outputs": {"a": {"kind": "isotonic", "x": [0, 1], "y": [0]}}})", "outputs.a.y");
  refused(R"({"format": 1, "outputs": {"a": {"kind": "platt", "slope": null, "intercept": 0}}})",
          "outputs.a.slope");
  write_file_atomic(dir / "c.json", std::string_view(R"({"Year2": []})"));
  EXPECT_PILLAR_ERROR(read_sybil_calibrator(dir / "c.json"), ErrorCategory::input, HasSubstr("Year1"));
}

}  // namespace
}  // namespace pillar

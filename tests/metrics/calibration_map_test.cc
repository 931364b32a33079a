#include "pillar/metrics/calibration_map.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

const std::vector<std::string> kYears = {"year 1", "year 2", "year 3"};

// Logits and answers of three outputs, every class and every year with both answers.
struct MapSamples {
  at::Tensor logits_no, answers_no;
};

at::Tensor normal_n3(std::mt19937_64& random, std::int64_t studies) {
  std::normal_distribution<double> normal;
  at::Tensor values_n3 = at::empty({studies, 3}, at::kDouble);
  std::generate_n(values_n3.mutable_data_ptr<double>(), 3 * studies, [&] { return normal(random); });
  return values_n3;
}

MapSamples random_map_samples(std::int64_t studies) {
  std::mt19937_64 random(3);
  const at::Tensor logits_no = normal_n3(random, studies) * 2;
  return {logits_no, (logits_no + normal_n3(random, studies) > 0).to(at::kChar)};
}

CalibrationMap platt_map(OutcomeKind kind, const std::vector<PlattCurve>& curves) {
  CalibrationMap map{kind, {}};
  for (std::size_t i = 0; i < curves.size(); ++i) map.outputs.push_back({kYears[i], curves[i]});
  return map;
}

at::Tensor logits_row(std::vector<double> values) {
  return at::tensor(values, at::kDouble).unsqueeze(0);
}

TEST(CalibrationMap, EachOutputHasItsOwnCurve) {
  const MapSamples samples = random_map_samples(200);
  const CalibrationMap map = fit_calibration(CalibrationMethod::platt, OutcomeKind::multilabel, kYears,
                                             samples.logits_no, samples.answers_no);
  const at::Tensor probabilities_no = calibrate_logits(map, samples.logits_no);
  ASSERT_EQ(probabilities_no.sizes(), samples.logits_no.sizes());
  for (std::int64_t i = 0; i < 3; ++i) {
    const at::Tensor scores = samples.logits_no.select(1, i).contiguous();
    const at::Tensor answers = samples.answers_no.select(1, i).contiguous();
    const PlattCurve alone =
        fit_platt({scores.const_data_ptr<double>(), 200}, {answers.const_data_ptr<std::int8_t>(), 200});
    EXPECT_EQ(std::get<PlattCurve>(map.outputs[i].curve).slope, alone.slope);
    EXPECT_TRUE(at::allclose(probabilities_no.select(1, i),
                             at::sigmoid(alone.slope * scores + alone.intercept), 1e-13));
  }
  EXPECT_EQ(calibrate_logits(map, samples.logits_no.to(at::kFloat)).scalar_type(), at::kFloat);
}

TEST(CalibrationMap, ProbabilitiesAndTheirLogitsGiveTheSame) {
  const MapSamples samples = random_map_samples(100);
  for (const OutcomeKind kind : {OutcomeKind::multilabel, OutcomeKind::multiclass, OutcomeKind::survival}) {
    for (const CalibrationMethod method : {CalibrationMethod::platt, CalibrationMethod::isotonic}) {
      const CalibrationMap map = fit_calibration(method, kind, kYears, samples.logits_no, samples.answers_no);
      const at::Tensor probabilities_no = kind == OutcomeKind::multiclass ? at::softmax(samples.logits_no, 1)
                                                                          : at::sigmoid(samples.logits_no);
      EXPECT_TRUE(at::allclose(calibrate_probabilities(map, probabilities_no),
                               calibrate_logits(map, samples.logits_no), 1e-10, 1e-10));
    }
  }
}

TEST(CalibrationMap, YearsNeverFall) {
  // The curve of year 2 lies below that of year 1: year 2 keeps what year 1 has, year 3 is above both.
  const CalibrationMap map = platt_map(OutcomeKind::survival, {{1, 0}, {1, -3}, {1, 2}});
  const at::Tensor probabilities = calibrate_logits(map, logits_row({0, 0, 0}));
  EXPECT_TRUE(at::allclose(probabilities, at::sigmoid(logits_row({0, 0, 2})), 1e-15));
  const at::Tensor logits_no = random_map_samples(50).logits_no.cumsum(1);
  EXPECT_TRUE((calibrate_logits(map, logits_no).diff(1, 1) >= 0).all().item<bool>());
  // Findings are each on their own.
  CalibrationMap findings = map;
  findings.kind = OutcomeKind::multilabel;
  EXPECT_TRUE(at::allclose(calibrate_logits(findings, logits_row({0, 0, 0})),
                           at::sigmoid(logits_row({0, -3, 2})), 1e-15));
}

TEST(CalibrationMap, ClassesSumToOne) {
  const MapSamples samples = random_map_samples(60);
  const CalibrationMap as_it_is = platt_map(OutcomeKind::multiclass, {{1, 0}, {1, 0}, {1, 0}});
  EXPECT_TRUE(
      at::allclose(calibrate_logits(as_it_is, samples.logits_no), at::softmax(samples.logits_no, 1), 1e-12));
  const CalibrationMap map = fit_calibration(CalibrationMethod::isotonic, OutcomeKind::multiclass, kYears,
                                             samples.logits_no, samples.answers_no);
  const at::Tensor sums = calibrate_logits(map, samples.logits_no).sum(1);
  EXPECT_TRUE((sums - 1).abs().max().item<double>() < 1e-14);
  // No class is likely at all: all are the same.
  const CalibrationMap never = platt_map(OutcomeKind::multiclass, {{0, -800}, {0, -800}, {0, -800}});
  EXPECT_TRUE(at::allclose(calibrate_logits(never, logits_row({5, 0, 1})), logits_row({1, 1, 1}) / 3));
  // A class that is as good as sure still has finite log-odds: 50 - log(2), not those of a rounded 1.
  const CalibrationMap flat = platt_map(OutcomeKind::multiclass, {{0.1, 0}, {0, -800}, {0, -800}});
  const CalibrationMap two = platt_map(OutcomeKind::multiclass, {{0.1, 0}, {0, 0}, {0, 0}});
  EXPECT_NEAR(calibrate_logits(flat, logits_row({50, 0, 0}))[0][0].item<double>(), 1, 1e-15);
  const double odds = 1 / (1 + std::exp(-0.1 * (50 - std::log(2))));
  EXPECT_NEAR(calibrate_logits(two, logits_row({50, 0, 0}))[0][0].item<double>(), odds / (odds + 1), 1e-14);
}

TEST(CalibrationMap, CertainProbabilitiesAreFinite) {
  const CalibrationMap map = platt_map(OutcomeKind::multilabel, {{0, 1}, {1, 0}, {1, 0}});
  const at::Tensor probabilities = calibrate_probabilities(map, logits_row({1, 1, 0}));
  EXPECT_TRUE(at::allclose(probabilities, logits_row({1 / (1 + std::exp(-1)), 1, 0})));
}

TEST(CalibrationMap, DegenerateValidationIsRefusedByOutput) {
  MapSamples samples = random_map_samples(20);
  const auto refused = [&](const char* fault) {
    EXPECT_PILLAR_ERROR(fit_calibration(CalibrationMethod::isotonic, OutcomeKind::multilabel, kYears,
                                        samples.logits_no, samples.answers_no),
                        ErrorCategory::input, AllOf(HasSubstr("year 2"), HasSubstr(fault)));
  };
  samples.answers_no.select(1, 1).fill_(0);
  refused("all 20 known are no");
  samples.answers_no.select(1, 1).fill_(-1);
  refused("no study has a known answer");
  samples.answers_no[0][1] = 2;
  refused("not 1 (yes), 0 (no) or -1");
  samples.logits_no[4][1] = std::numeric_limits<double>::quiet_NaN();
  refused("study 5");
}

TEST(CalibrationMap, RefusesOtherShapesAndValues) {
  const MapSamples samples = random_map_samples(20);
  const CalibrationMap map = platt_map(OutcomeKind::survival, {{1, 0}, {1, 0}, {1, 0}});
  EXPECT_PILLAR_ERROR(fit_calibration(CalibrationMethod::platt, OutcomeKind::multilabel, kYears,
                                      samples.logits_no, samples.answers_no.to(at::kFloat)),
                      ErrorCategory::usage, HasSubstr("int8"));
  EXPECT_PILLAR_ERROR(fit_calibration(CalibrationMethod::platt, OutcomeKind::multilabel, {"a"},
                                      samples.logits_no, samples.answers_no),
                      ErrorCategory::usage, HasSubstr("each of 1 outputs"));
  EXPECT_PILLAR_ERROR(calibrate_logits(map, logits_row({1, 2})), ErrorCategory::usage,
                      HasSubstr("each of 3 outputs"));
  EXPECT_PILLAR_ERROR(calibrate_logits(map, samples.answers_no), ErrorCategory::usage, HasSubstr("float32"));
  EXPECT_PILLAR_ERROR(calibrate_logits(map, logits_row({1, INFINITY, 2})), ErrorCategory::input,
                      HasSubstr("study 1, output year 2: the logit inf is not finite"));
  EXPECT_PILLAR_ERROR(calibrate_probabilities(map, logits_row({0, 0.5, 1.1})), ErrorCategory::input,
                      HasSubstr("study 1, output year 3: 1.1 is no probability"));
  EXPECT_PILLAR_ERROR(calibrate_logits(platt_map(OutcomeKind::multiclass, {{1, 0}}), logits_row({1})),
                      ErrorCategory::usage, HasSubstr("one class alone"));
}

TEST(CalibrationMap, FilesGiveTheSameBits) {
  const TempDir folder;
  const MapSamples samples = random_map_samples(100);
  for (const CalibrationMethod method : {CalibrationMethod::platt, CalibrationMethod::isotonic}) {
    const CalibrationMap map =
        fit_calibration(method, OutcomeKind::survival, kYears, samples.logits_no, samples.answers_no);
    write_calibration(folder / "calibration.json", map);
    const CalibrationMap read = read_calibration(folder / "calibration.json", kYears);
    EXPECT_EQ(read.kind, OutcomeKind::survival);
    EXPECT_TRUE(
        at::equal(calibrate_logits(read, samples.logits_no), calibrate_logits(map, samples.logits_no)));
    const CalibrationMap turned =
        read_calibration(folder / "calibration.json", {kYears[2], kYears[0], kYears[1]});
    EXPECT_EQ(turned.outputs[0].output, kYears[2]);
  }
  CalibrationMap named = platt_map(OutcomeKind::multilabel, {{1, 0}});
  named.outputs[0].output = "\xff";
  EXPECT_PILLAR_ERROR(write_calibration(folder / "other.json", named), ErrorCategory::input,
                      AllOf(HasSubstr("other.json"), HasSubstr("UTF-8")));
}

TEST(CalibrationMap, HostileFilesAreRefused) {
  const TempDir folder;
  const auto refused = [&](const std::string& text, const std::string& fault) {
    write_file_atomic(folder / "c.json", std::string_view(text));
    EXPECT_PILLAR_ERROR(read_calibration(folder / "c.json", {"x"}), ErrorCategory::input,
                        AllOf(HasSubstr("c.json"), HasSubstr(fault)));
  };
  const auto with = [](const std::string& curves) {
    return R"({"format": 1, "kind": "multilabel", "outputs": [)" + curves + "]}";
  };
  const auto isotonic = [&](const std::string& scores, const std::string& probabilities) {
    return with(R"({"output": "x", "method": "isotonic", "scores": )" + scores + R"(, "probabilities": )" +
                probabilities + "}");
  };
  const std::string platt = R"({"output": "x", "method": "platt", "slope": 1, "intercept": 0})";
  refused("", "not a JSON object");
  refused(with(platt).substr(0, 60), "not a JSON object");
  refused(R"({"format": 2})", "format must be 1");
  refused(R"({"format": 1, "kind": "regression", "outputs": []})", "kind must be multilabel");
  refused(with(""), "no calibration of the output x");
  refused(with(platt + "," + platt), "the output x twice");
  refused(with(R"({"output": "y", "method": "platt", "slope": 1, "intercept": 0})"), "output y, which");
  refused(with(R"({"output": "x", "method": "beta"})"), "outputs[0].method must be platt or isotonic");
  refused(with(R"({"output": "x", "method": "platt", "slope": 1})"), "outputs[0].intercept is missing");
  refused(with(R"({"output": "x", "method": "platt", "slope": null, "intercept": 0})"),
          "outputs[0].slope must be a finite number");
  refused(with(R"({"output": "x", "method": "platt", "slope": NaN, "intercept": 0})"), "not a JSON object");
  refused(with(R"({"output": "x", "method": "platt", "slope": -1, "intercept": 0})"),
          "outputs[0].slope must be from 0");
  refused(isotonic("[]", "[]"), "outputs[0].scores must be a list of at least one");
  refused(isotonic("[1, 1]", "[0, 1]"), "outputs[0].scores[1] must be larger");
  refused(isotonic("[1, 1e200]", "[0, 1]"), "outputs[0].scores[1] must be a score within");
  refused(isotonic("[1, 2]", "[0.5, 0.4]"), "outputs[0].probabilities[1] must be at least");
  refused(isotonic("[1, 2]", "[0.5, 1.4]"), "outputs[0].probabilities[1] must be a probability");
  refused(isotonic("[1, 2]", "[0.5, null]"), "outputs[0].probabilities[1] must be a finite number");
  refused(isotonic("[1, 2]", "[0.5]"), "outputs[0].probabilities must be a list of one");
  refused(isotonic("[1, \"2\"]", "[0, 1]"), "outputs[0].scores[1] must be a number");
}

}  // namespace
}  // namespace pillar

#include "pillar/metrics/sybil_calibrator.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/goldens.h"
#include "support/temp_dir.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/tensor.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

at::Tensor matrix_of(const nlohmann::json& rows) {
  std::vector<double> values;
  for (const auto& row : rows)
    for (const auto& value : row) values.push_back(value.get<double>());
  return at::tensor(values, at::kDouble).view({static_cast<std::int64_t>(rows.size()), -1});
}

std::string one_year(const std::string& fold) {
  return R"({"Year1": [)" + fold + "]}";
}

TEST(SybilCalibrator, PublicCode) {
  PILLAR_NEEDS_GOLDEN("finetune/misc_a.json");
  const auto reference =
      nlohmann::json::parse(read_text_file(test::golden("finetune/misc_a.json"))).at("calibration");
  const test::TempDir folder;
  write_file_atomic(folder / "calibrator.json", std::string_view(reference.at("json").dump()));
  const SybilCalibrator calibrator = read_sybil_calibrator(folder / "calibrator.json");
  const at::Tensor calibrated_ny = calibrate(calibrator, matrix_of(reference.at("scores")));
  EXPECT_LT((calibrated_ny - matrix_of(reference.at("calibrated"))).abs().max().item<double>(), 1e-15);
}

TEST(SybilCalibrator, ByHand) {
  const SybilCalibrator calibrator = parse_sybil_calibrator(
      one_year(
          R"({"coef": [[2]], "intercept": [-1], "x0": [-1, 1], "y0": [0, 0.5], "x_min": -0.5, "x_max": 1},
                  {"coef": [[0]], "intercept": [0], "x0": [0], "y0": [0.25], "x_min": 0, "x_max": 0})"),
      "c.json");
  const at::Tensor calibrated_ny = calibrate(calibrator, at::tensor({0.0, 0.5, 1.0}).view({3, 1}));
  // The first fold: scores -1 (kept at -0.5), 0 and 1.
  EXPECT_DOUBLE_EQ(calibrated_ny[0][0].item<double>(), (0.125 + 0.25) / 2);
  EXPECT_DOUBLE_EQ(calibrated_ny[1][0].item<double>(), 0.25);
  EXPECT_DOUBLE_EQ(calibrated_ny[2][0].item<double>(), (0.5 + 0.25) / 2);
}

TEST(SybilCalibrator, HostileInput) {
  const auto refused = [](const std::string& text, const std::string& fault) {
    EXPECT_PILLAR_ERROR(parse_sybil_calibrator(text, "c.json"), ErrorCategory::input,
                        AllOf(HasSubstr("c.json"), HasSubstr(fault)));
  };
  const auto fold = [](const std::string& coef, const std::string& x0, const std::string& y0) {
    return one_year(R"({"coef": )" + coef + R"(, "intercept": [0], "x_min": 0, "x_max": 1, "x0": )" + x0 +
                    R"(, "y0": )" + y0 + "}");
  };
  refused("[]", "not a JSON object");
  refused("{}", "must be an object of Year1");
  refused(R"({"Year2": []})", "Year1 is missing");
  refused(R"({"Year1": []})", "Year1 must be a list of at least one fold");
  refused(R"({"Year1": [{}]})", "Year1[0].coef is missing");
  refused(fold("[[1, 2]]", "[0]", "[0]"), "Year1[0].coef[0] must be a list of one item");
  refused(fold("[[null]]", "[0]", "[0]"), "Year1[0].coef[0][0] must be a finite number");
  refused(fold("[[1]]", "[0, 0]", "[0, 1]"), "Year1[0].x0[1] must be larger");
  refused(fold("[[1]]", "[0, 1]", "[1, 0]"), "Year1[0].y0[1] must be at least");
  refused(one_year(R"({"coef": [[1]], "intercept": [0], "x_min": 2, "x_max": 1, "x0": [0], "y0": [0]})"),
          "Year1[0].x_min must be at most x_max");
  const SybilCalibrator calibrator = parse_sybil_calibrator(fold("[[1]]", "[0, 1]", "[0, 1]"), "c.json");
  EXPECT_PILLAR_ERROR(calibrate(calibrator, at::tensor({0.5, 1.5}).view({2, 1})), ErrorCategory::input,
                      HasSubstr("study 2, year 1: 1.5 is no probability"));
  EXPECT_PILLAR_ERROR(calibrate(calibrator, at::tensor({0.5, 0.5}).view({1, 2})), ErrorCategory::usage,
                      HasSubstr("1 years wanted"));
}

}  // namespace
}  // namespace pillar

// Curves that turn a score (higher: more likely yes) into a probability, fitted on studies whose answers are
// known: what makes a model's "0.3" mean that three of ten such studies are a yes.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace pillar {

enum class CalibrationMethod {
  platt,    // two numbers: good with few studies
  isotonic  // any rising shape: needs many studies
};
const char* to_string(CalibrationMethod method) noexcept;
CalibrationMethod parse_calibration_method(std::string_view text);  // throws Error(usage)

// 1 / (1 + exp(-(slope * score + intercept))).
struct PlattCurve {
  double slope = 1;  // from 0 on
  double intercept = 0;
};

// Straight lines between the points; before the first and after the last the probability stays as it is
// there.
struct IsotonicCurve {
  std::vector<double> scores;         // rising, no two the same; at least one
  std::vector<double> probabilities;  // one for each score, from 0 to 1, never falling
};

// Logistic regression on the score (Platt 1999, "Probabilistic outputs for support vector machines"). With P
// yes and N no, a yes counts as (P + 1) / (P + 2) and a no as 1 / (N + 2), so that the fit is finite even
// where the scores part them. Found by Newton's method as Lin, Lin and Weng (2007, "A note on Platt's
// probabilistic outputs") have it. Scores that fall where answers rise give the best curve that does not
// fall: a constant.
// `answers`: 1 yes, 0 no, -1 not known (left out). Throws Error(input) where the known ones are not of both
// classes, and as rank_scores() does; scores must lie within 1e150 on either side of 0.
PlattCurve fit_platt(std::span<const double> scores, std::span<const std::int8_t> answers);

// The never falling function with the smallest squared error to the answers (pool adjacent violators, Ayer et
// al. 1955), at the scores that were seen. Throws as fit_platt() does.
IsotonicCurve fit_isotonic(std::span<const double> scores, std::span<const std::int8_t> answers);

// The probability of a finite score.
double probability_at(const PlattCurve& curve, double score) noexcept;
double probability_at(const IsotonicCurve& curve, double score) noexcept;

}  // namespace pillar

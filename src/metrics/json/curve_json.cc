#include "metrics/json/curve_json.h"

#include "metrics/curve_limits.h"

#include <cmath>

namespace pillar {

double read_finite(const JsonPlace& place) {
  const double number = place.number();
  if (!std::isfinite(number)) place.refuse("a finite number");
  return number;
}

IsotonicCurve read_isotonic_curve(const JsonPlace& place, const char* scores_key,
                                  const char* probabilities_key) {
  IsotonicCurve curve;
  for (const JsonPlace& item : place.at(scores_key).items()) {
    const double score = read_finite(item);
    if (std::abs(score) > kMostCurveScore) item.refuse("a score within 1e150 of 0");
    if (!curve.scores.empty() && score <= curve.scores.back()) item.refuse("larger than the score before it");
    curve.scores.push_back(score);
  }
  if (curve.scores.empty()) place.at(scores_key).refuse("a list of at least one score");
  for (const JsonPlace& item : place.at(probabilities_key).items()) {
    const double probability = read_finite(item);
    if (probability < 0 || probability > 1) item.refuse("a probability from 0 to 1");
    if (!curve.probabilities.empty() && probability < curve.probabilities.back())
      item.refuse("at least the probability before it");
    curve.probabilities.push_back(probability);
  }
  if (curve.probabilities.size() != curve.scores.size())
    place.at(probabilities_key).refuse("a list of one probability for each score");
  return curve;
}

}  // namespace pillar

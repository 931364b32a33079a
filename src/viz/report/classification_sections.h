// Internal: what a model says at thresholds, and which class of several, as parts of a run's page.
#pragma once

#include "pillar/metrics/classification.h"

#include <string>

namespace pillar::viz {

std::string thresholds_section(const ThresholdedEvaluation& evaluation);
std::string classes_section(const ClassEvaluation& evaluation);

}  // namespace pillar::viz

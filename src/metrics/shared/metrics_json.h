// Internal: what metrics.json of every kind of run is made of.
#pragma once

#include "pillar/metrics/bootstrap.h"
#include "pillar/metrics/run_record.h"

#include <cstdint>
#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

namespace pillar {

using MetricsJson = nlohmann::ordered_json;

// "format", "kind", "created", "command", "versions", "inputs", "settings": what every kind begins with.
MetricsJson metrics_head(const RunRecord& record);

MetricsJson number_json(double value);  // null where it is not finite
MetricsJson interval_json(const Interval& interval);
MetricsJson bootstrap_json(const BootstrapOptions& options, const std::string& unit, std::int64_t units);

// Makes the folder; bytes that are no UTF-8 become U+FFFD. Throws Error(io).
void write_metrics_json(const std::filesystem::path& run_folder, const MetricsJson& metrics);

// Makes the folder of a run. Throws Error(io) naming it.
void make_run_folder(const std::filesystem::path& run_folder);

}  // namespace pillar

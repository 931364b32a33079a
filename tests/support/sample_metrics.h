// metrics.json files of runs that never were, in the form that pillar-eval writes.
#pragma once

#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

namespace pillar::test {

using Json = nlohmann::ordered_json;

// `questions` of them in four categories, some 200 points a ROC curve; the last has one class only. Question
// 0 holds commas, quotes and markup. Errors name the studies "S0001", "S0002", ...
Json probe_metrics(int questions, int points = 200);
Json compare_metrics(int questions);
Json retrieve_metrics(int pairs);
Json survival_metrics(int years);
Json zero_shot_without_labels(int questions);

// Makes the folder, with `metrics` as its metrics.json.
void write_run(const std::filesystem::path& run, const Json& metrics);

}  // namespace pillar::test

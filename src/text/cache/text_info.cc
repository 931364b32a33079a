#include "pillar/text/text_info.h"

#include "pillar/core/error.h"
#include "pillar/core/printable.h"
#include "pillar/core/progress.h"
#include "pillar/text/report_lines.h"

#include "text/cache/vector_store.h"

#include <algorithm>
#include <cmath>

#include <ATen/core/grad_mode.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

constexpr std::size_t kNamedFaults = 10;
constexpr std::size_t kInfoReleaseEvery = 1024;  // studies

std::string metadata_text(const nlohmann::json& info, const char* key) {
  const auto found = info.find(key);
  return found != info.end() && found->is_string() ? printable(found->get<std::string>()) : "";
}

double norm_of(const at::Tensor& vector) {
  double sum = 0;
  const float* values = vector.const_data_ptr<float>();
  for (std::int64_t i = 0; i < vector.numel(); ++i) sum += static_cast<double>(values[i]) * values[i];
  return std::sqrt(sum);
}

// mean_norm is the sum until the end.
void add(TextCategoryInfo& category, double norm) {
  category.min_norm = category.studies == 0 ? norm : std::min(category.min_norm, norm);
  category.max_norm = std::max(category.max_norm, norm);
  category.mean_norm += norm;
  ++category.studies;
}

}  // namespace

TextCacheInfo describe_text_cache(const std::filesystem::path& cache, bool quiet) {
  const at::NoGradGuard no_grad;
  const auto store = open_vector_store(cache);
  TextCacheInfo info;
  info.packed = !std::filesystem::is_directory(cache);
  const nlohmann::json metadata = nlohmann::json::parse(store->info());
  info.model_name = metadata_text(metadata, "model_name");
  info.dataset_name = metadata_text(metadata, "dataset_name");
  info.split = metadata_text(metadata, "split");
  info.studies = static_cast<std::int64_t>(store->studies().size());
  info.width = store->width();
  Progress progress({.label = "read", .unit = "studies", .total = info.studies, .quiet = quiet});
  std::map<std::string, TextCategoryInfo> categories;
  for (std::size_t place = 0; place < store->studies().size(); ++place) {
    try {
      for (const auto& [name, vector] : store->stored(place))
        add(categories[name], norm_of(checked_vector(vector, info.width, store->file(place).string())));
    } catch (const Error& error) {
      if (++info.broken <= static_cast<std::int64_t>(kNamedFaults)) info.faults.emplace_back(error.what());
    }
    progress.advance();
    if (place % kInfoReleaseEvery == 0) store->release_pages();
  }
  for (auto& [name, category] : categories) {
    category.name = name;
    if (category.studies > 0) category.mean_norm /= static_cast<double>(category.studies);
    info.categories.push_back(category);
  }
  return info;
}

std::vector<std::string> studies_without_text(const TextCache& cache,
                                              const std::filesystem::path& json_lines) {
  std::vector<std::string> missing;
  for_each_report(json_lines, [&](const ReportLine& line) {
    if (!cache.contains(line.study)) missing.push_back(line.study);
  });
  return missing;
}

}  // namespace pillar

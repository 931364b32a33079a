#include "pillar/data/manifest.h"

#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/printable.h"

#include "core/shared/joined.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::uint64_t kMaxJsonLinesBytes = 1ull << 33;
constexpr std::size_t kNamedDuplicates = 10;

// Collects names that come twice, so that one error names them all.
class UniqueNames {
 public:
  void add(const std::string& name) {
    if (!seen_.insert(name).second) repeated_.insert(name);
  }
  void check(const fs::path& file) const {
    if (repeated_.empty()) return;
    std::vector<std::string> named;
    for (const std::string& name : repeated_) {
      if (named.size() < kNamedDuplicates) named.push_back(printable(name));
    }
    fail(ErrorCategory::input, "{}: sample_name given twice: {}{}", file, joined(named, ", "),
         repeated_.size() > named.size() ? fmt::format(" and {} more", repeated_.size() - named.size()) : "");
  }

 private:
  std::set<std::string> seen_, repeated_;
};

// Where a table says whose a sample is.
std::optional<std::size_t> patient_column(const CsvTable& table) {
  for (const char* name : {"patient", "patient_id"}) {
    const auto found = std::find(table.header.begin(), table.header.end(), name);
    if (found != table.header.end()) return static_cast<std::size_t>(found - table.header.begin());
  }
  return std::nullopt;
}

std::vector<ManifestSample> read_table(const fs::path& csv) {
  const CsvTable table = read_csv(csv);
  const std::size_t name = table.column("sample_name", csv), path = table.column("image_cache_path", csv);
  const std::optional<std::size_t> patient = patient_column(table);
  std::vector<ManifestSample> samples;
  UniqueNames names;
  std::set<std::pair<std::string, fs::path>> seen;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    ManifestSample sample{table.rows[row][name], table.rows[row][path], ""};
    if (sample.name.empty()) fail(ErrorCategory::input, "{}: row {}: sample_name is empty", csv, row + 2);
    if (sample.path.empty())
      fail(ErrorCategory::input, "{}: row {}: image_cache_path is empty", csv, row + 2);
    if (patient) sample.patient = table.rows[row][*patient];
    if (sample.path.is_relative()) sample.path = csv.parent_path() / sample.path;
    // The same row once more says nothing new: earlier versions of our encoder wrote such.
    if (!seen.emplace(sample.name, sample.path.lexically_normal()).second) continue;
    names.add(sample.name);
    samples.push_back(std::move(sample));
  }
  names.check(csv);
  return samples;
}

// A text value of a line, empty where the key is absent or null.
std::string text_of(const Json& object, const char* key, const fs::path& file, std::size_t line) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return {};
  if (!found->is_string()) fail(ErrorCategory::input, "{}:{}: {} is no text", file, line, key);
  return found->get<std::string>();
}

ManifestSample parse_line(std::string_view text, const fs::path& file, std::size_t line) {
  const Json object = Json::parse(text, nullptr, false);
  if (!object.is_object()) fail(ErrorCategory::input, "{}:{}: no JSON object", file, line);
  ManifestSample sample;
  sample.name = text_of(object, "sample_name", file, line);
  if (sample.name.empty()) fail(ErrorCategory::input, "{}:{}: sample_name is missing or empty", file, line);
  sample.report = text_of(object, "report_metadata", file, line);
  return sample;
}

std::vector<ManifestSample> read_json_lines(const fs::path& file) {
  const std::string text = read_text_file(file, kMaxJsonLinesBytes);
  std::vector<ManifestSample> samples;
  UniqueNames names;
  std::size_t line = 0;
  for (std::size_t begin = 0; begin < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view content = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    if (content.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    samples.push_back(parse_line(content, file, line + 1));
    names.add(samples.back().name);
  }
  names.check(file);
  return samples;
}

}  // namespace

Manifest load_manifest(const fs::path& csv, const fs::path& json_lines) {
  Manifest manifest;
  manifest.samples = read_table(csv);
  if (manifest.samples.empty()) fail(ErrorCategory::input, "{}: no samples", csv);
  if (json_lines.empty()) return manifest;

  std::map<std::string, ManifestSample> listed;
  for (ManifestSample& sample : manifest.samples) {
    std::string name = sample.name;
    listed.emplace(std::move(name), std::move(sample));
  }
  manifest.samples.clear();
  for (ManifestSample& sample : read_json_lines(json_lines)) {
    const auto found = listed.find(sample.name);
    if (found == listed.end()) {
      manifest.missing.push_back(std::move(sample.name));
      continue;
    }
    sample.path = found->second.path;
    sample.patient = found->second.patient;
    manifest.samples.push_back(std::move(sample));
  }
  if (manifest.samples.empty()) fail(ErrorCategory::input, "{}: names no sample of {}", json_lines, csv);
  return manifest;
}

std::vector<ScanEntry> scan_entries(const Manifest& manifest) {
  std::vector<ScanEntry> entries;
  for (const ManifestSample& sample : manifest.samples) entries.push_back({sample.path, sample.name});
  return entries;
}

}  // namespace pillar

#include "pillar/data/manifest.h"

#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/printable.h"

#include "core/shared/joined.h"
#include "core/shared/python_json.h"

#include <algorithm>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::uint64_t kMaxJsonLinesBytes = 1ull << 33;
constexpr std::size_t kNamedDuplicates = 10;

[[noreturn]] void fail_repeated(const std::set<std::string>& repeated, const fs::path& file) {
  std::vector<std::string> named;
  for (const std::string& name : repeated)
    if (named.size() < kNamedDuplicates) named.push_back(printable(name));
  fail(ErrorCategory::input, "{}: sample_name given twice: {}{}", file, joined(named, ", "),
       repeated.size() > named.size() ? fmt::format(" and {} more", repeated.size() - named.size()) : "");
}

// The text of a path, relative ones taken from the folder.
std::string path_from(const fs::path& folder, std::string_view text) {
  const fs::path path(text);
  return path.is_relative() ? (folder / path).string() : path.string();
}

// Where a table says whose a sample is; empty where it does not.
std::string patient_column(const fs::path& csv) {
  const std::vector<std::string> header = read_csv_header(csv);
  for (const char* name : {"patient", "patient_id"})
    if (std::find(header.begin(), header.end(), name) != header.end()) return name;
  return {};
}

// Rows are visited, not kept: of some hundred thousand samples with their reports, that is the memory.
std::vector<ManifestSample> read_table(const fs::path& csv) {
  const fs::path folder = csv.parent_path();
  std::vector<ManifestSample> samples;
  std::unordered_map<std::string, std::size_t> place_of;
  std::set<std::string> repeated;
  std::vector<std::string> columns = {"sample_name", "image_cache_path"};
  if (const std::string patient = patient_column(csv); !patient.empty()) columns.push_back(patient);
  visit_csv(csv, columns, [&](std::span<const std::string_view> fields, std::size_t line) {
    if (fields[0].empty()) fail(ErrorCategory::input, "{}: row {}: sample_name is empty", csv, line);
    if (fields[1].empty()) fail(ErrorCategory::input, "{}: row {}: image_cache_path is empty", csv, line);
    ManifestSample sample{std::string(fields[0]), path_from(folder, fields[1]), ""};
    if (fields.size() > 2) sample.patient = fields[2];
    const auto [place, is_new] = place_of.emplace(sample.name, samples.size());
    if (is_new) {
      samples.push_back(std::move(sample));
      return;
    }
    // The same row once more says nothing new: earlier versions of our encoder wrote such.
    const fs::path first = samples[place->second].path, second = sample.path;
    if (first.lexically_normal() != second.lexically_normal()) repeated.insert(sample.name);
  });
  if (!repeated.empty()) fail_repeated(repeated, csv);
  return samples;
}

ManifestSample parse_line(std::string_view text, const fs::path& file, std::size_t line) {
  const Json object = parse_python_json(text);
  if (!object.is_object()) fail(ErrorCategory::input, "{}:{}: no JSON object", file, line);
  ManifestSample sample;
  const auto name = object.find("sample_name"), report = object.find("report_metadata");
  if (name != object.end() && !name->is_null()) {
    const std::optional<std::string> said = name_in(*name);
    if (!said) fail(ErrorCategory::input, "{}:{}: sample_name is no text", file, line);
    sample.name = *said;
  }
  if (sample.name.empty()) fail(ErrorCategory::input, "{}:{}: sample_name is missing or empty", file, line);
  if (report != object.end() && report->is_string()) sample.report = report->get<std::string>();
  return sample;
}

std::vector<ManifestSample> read_json_lines(const fs::path& file) {
  const std::string text = read_text_file(file, kMaxJsonLinesBytes);
  std::vector<ManifestSample> samples;
  std::unordered_set<std::string> seen;
  std::set<std::string> repeated;
  std::size_t line = 0;
  for (std::size_t begin = 0; begin < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view content = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    if (content.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    samples.push_back(parse_line(content, file, line + 1));
    if (!seen.insert(samples.back().name).second) repeated.insert(samples.back().name);
  }
  if (!repeated.empty()) fail_repeated(repeated, file);
  return samples;
}

}  // namespace

Manifest load_manifest(const fs::path& csv, const fs::path& json_lines) {
  Manifest manifest;
  manifest.samples = read_table(csv);
  if (manifest.samples.empty()) fail(ErrorCategory::input, "{}: no samples", csv);
  if (json_lines.empty()) return manifest;

  std::unordered_map<std::string, ManifestSample> listed;
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

std::vector<ScanEntry> scan_entries(Manifest manifest) {
  std::vector<ScanEntry> entries;
  entries.reserve(manifest.samples.size());
  for (ManifestSample& sample : manifest.samples)
    entries.push_back({std::move(sample.path), std::move(sample.name)});
  return entries;
}

}  // namespace pillar

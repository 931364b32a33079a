#include "pillar/text/report_lines.h"

#include "pillar/core/file.h"

#include "core/fail.h"

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::size_t kReleaseEvery = 4096;  // lines

std::string text_of(const Json& object, const char* key, const fs::path& file, std::size_t line) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return {};
  if (!found->is_string()) fail(ErrorCategory::input, "{}:{}: {} is no text", file, line, key);
  return found->get<std::string>();
}

ReportLine parse_line(std::string_view text, const fs::path& file, std::size_t line) {
  const Json object = Json::parse(text, nullptr, false);
  if (!object.is_object()) fail(ErrorCategory::input, "{}:{}: no JSON object", file, line);
  ReportLine report{text_of(object, "sample_name", file, line),
                    text_of(object, "report_metadata", file, line), line};
  if (report.study.empty()) fail(ErrorCategory::input, "{}:{}: sample_name is missing or empty", file, line);
  return report;
}

}  // namespace

void for_each_report(const fs::path& file, const std::function<void(const ReportLine&)>& take) {
  const MappedFile mapped(file);
  const std::string_view text(reinterpret_cast<const char*>(mapped.bytes().data()), mapped.bytes().size());
  std::size_t line = 0;
  for (std::size_t begin = 0; begin < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view content = text.substr(begin, end - begin);
    begin = end + 1;
    if (content.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    take(parse_line(content, file, line + 1));
    if (line % kReleaseEvery == 0) mapped.release_pages();
  }
}

}  // namespace pillar

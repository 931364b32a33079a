#include "pillar/text/report_lines.h"

#include "core/shared/object_lines.h"

#include <fmt/format.h>

namespace pillar {

void for_each_report(const std::filesystem::path& file, const std::function<void(const ReportLine&)>& take) {
  for_each_object(file, [&](const nlohmann::json& object, std::size_t line) {
    ReportLine report;
    report.study = name_of(object, file, line);
    report.line = line;
    const auto text = object.find("report_metadata");
    if (text != object.end() && text->is_string())
      report.report = text->get<std::string>();
    else if (text != object.end() && !text->is_null())
      report.fault = fmt::format("the report is no text but of type {}", text->type_name());
    take(report);
  });
}

}  // namespace pillar

#include "pillar/text/report_lines.h"

#include "pillar/core/fail.h"

#include "core/shared/object_lines.h"

namespace pillar {

void for_each_report(const std::filesystem::path& file, const std::function<void(const ReportLine&)>& take) {
  for_each_object(file, [&](const nlohmann::json& object, std::size_t line) {
    const ReportLine report{text_of(object, "sample_name", file, line),
                            text_of(object, "report_metadata", file, line), line};
    if (report.study.empty())
      fail(ErrorCategory::input, "{}:{}: sample_name is missing or empty", file, line);
    take(report);
  });
}

}  // namespace pillar

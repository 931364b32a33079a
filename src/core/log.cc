#include "pillar/core/log.h"

#include "pillar/core/fail.h"

#include <algorithm>
#include <memory>
#include <vector>

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace pillar {

void init_logging(const LogOptions& options) {
  spdlog::level::level_enum level = spdlog::level::from_str(options.level);
  if (level == spdlog::level::off && options.level != "off") {
    fail(ErrorCategory::usage, "unknown log level '{}'; one of trace, debug, info, warn, error, off",
         options.level);
  }
  auto terminal = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  terminal->set_level(options.quiet ? std::max(level, spdlog::level::err) : level);
  terminal->set_pattern("%^%l%$: %v");
  std::vector<spdlog::sink_ptr> sinks = {terminal};
  if (!options.file.empty()) {
    try {
      auto file = std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.file.string());
      file->set_level(level);
      file->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
      sinks.push_back(file);
    } catch (const spdlog::spdlog_ex& error) {
      fail(ErrorCategory::io, "{}: cannot open the log file: {}", options.file, error.what());
    }
  }
  auto logger = std::make_shared<spdlog::logger>("pillar", sinks.begin(), sinks.end());
  logger->set_level(level);
  logger->flush_on(spdlog::level::warn);
  spdlog::set_default_logger(logger);
}

}  // namespace pillar

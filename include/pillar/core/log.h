// Set-up of the process-wide log (spdlog, to standard error). Library code logs; programs choose what is
// shown.
#pragma once

#include <filesystem>
#include <string>

namespace pillar {

struct LogOptions {
  std::string level = "info";       // trace, debug, info, warn, error, off
  bool quiet = false;               // only errors on the terminal; the file, if any, keeps `level`
  std::filesystem::path file = {};  // also append to this file; empty: none
};

// Throws Error(usage) on an unknown level and Error(io) where the file cannot be opened.
void init_logging(const LogOptions& options);

}  // namespace pillar

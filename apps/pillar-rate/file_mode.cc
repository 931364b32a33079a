#include "pillar/core/fail.h"

#include "commands.h"

#include <sys/stat.h>

namespace pillar {

void set_file_mode(const std::string& mode) {
  if (mode.empty() || mode.size() > 4 || mode.find_first_not_of("01234567") != std::string::npos)
    fail(ErrorCategory::usage, "--mode: '{}' is no octal file mode, 600 or 640 say", mode);
  const auto bits = static_cast<unsigned>(std::stoul(mode, nullptr, 8));
  if ((bits & 0600) != 0600) fail(ErrorCategory::usage, "--mode: the owner must be able to read and write");
  ::umask(0777 & ~(bits | (bits & 0444) >> 2));
}

void add_mode_option(CLI::App& command, std::string& mode) {
  command.add_option("--mode", mode, "of all files that are written: reports are patients' data")
      ->capture_default_str()
      ->type_name("OCTAL");
}

}  // namespace pillar

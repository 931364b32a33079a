#include "pillar/core/notes.h"

#include <spdlog/spdlog.h>

namespace pillar {

void Notes::add(std::string line) {
  lines_.push_back(std::move(line));
}

void Notes::add(const Notes& others) {
  lines_.insert(lines_.end(), others.begin(), others.end());
}

void log_notes(const Notes& notes) {
  for (const std::string& line : notes) spdlog::warn("{}", line);
}

}  // namespace pillar

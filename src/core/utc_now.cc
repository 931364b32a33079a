#include "core/shared/utc_now.h"

#include <ctime>

#include <fmt/chrono.h>

namespace pillar {

std::string utc_now() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

}  // namespace pillar

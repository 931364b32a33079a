// Internal: what a Config points at.
#pragma once

#include "pillar/core/config.h"

#include "core/config_value.h"

namespace pillar {

struct Config::Node {
  std::shared_ptr<ConfigValue> value;         // null pointer: absent
  std::string path;                           // "a.b[2]", by the way it was reached
  std::shared_ptr<const std::string> origin;  // of the value, or of the nearest parent there is
  int line = 0;                               // of the key; 0: not from a file
};

}  // namespace pillar

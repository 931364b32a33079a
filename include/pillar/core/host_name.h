// Which machine this is.
#pragma once

#include <string>

namespace pillar {

// As the system says it; localhost where it does not.
std::string host_name();

}  // namespace pillar

// API keys out of the environment.
#pragma once

#include <string>

namespace pillar {

// The value of the environment variable `name`, or of OPENAI_API_KEY where no name is given; empty where that
// one is not set. Throws Error(usage) for a name of which there is none.
std::string api_key_from_environment(const std::string& name);

}  // namespace pillar

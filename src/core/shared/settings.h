// Settings as texts by name, kept beside what was made with them, so that it is not continued with others.
#pragma once

#include <map>
#include <string>

namespace pillar {

using Settings = std::map<std::string, std::string>;

// The value of a key; "unset" where there is none.
std::string setting(const Settings& settings, const std::string& key);
// "dtype: 'bf16' then, 'fp32' now"; empty where nothing differs.
std::string differences(const Settings& then, const Settings& now);

}  // namespace pillar

// Internal: what the outputs of a batch were made with, kept beside them, so that they are not continued with
// something else.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace pillar {

using Settings = std::map<std::string, std::string>;

// Unset where there is no file. Throws Error(io), and Error(input) for anything but an object of texts.
std::optional<Settings> read_settings(const std::filesystem::path& file);
// Makes the folder, and the file as a whole. Throws Error(io).
void write_settings(const std::filesystem::path& file, const Settings& settings);

// The value of a key; "unset" where there is none.
std::string setting(const Settings& settings, const std::string& key);
// "dtype: 'bf16' then, 'fp32' now"; empty where nothing differs.
std::string differences(const Settings& then, const Settings& now);

}  // namespace pillar

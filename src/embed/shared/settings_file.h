// Internal: what the outputs of a batch were made with, kept beside them, so that they are not continued with
// something else.
#pragma once

#include "core/shared/settings.h"

#include <filesystem>
#include <optional>

namespace pillar {

// Unset where there is no file. Throws Error(io), and Error(input) for anything but an object of texts.
std::optional<Settings> read_settings(const std::filesystem::path& file);
// Makes the folder, and the file as a whole. Throws Error(io).
void write_settings(const std::filesystem::path& file, const Settings& settings);

}  // namespace pillar

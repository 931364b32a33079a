// A file system of a few kilobytes that only this process sees.
#pragma once

#include <filesystem>
#include <functional>

namespace pillar::test {

// Runs `body` in a child process in which `folder` is an empty tmpfs of `kilobytes`. Returns the child's
// answer (0 to 99), or -1 where the system grants no mount namespace.
int on_tiny_disk(const std::filesystem::path& folder, int kilobytes, const std::function<int()>& body);

}  // namespace pillar::test

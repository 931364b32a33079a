// Reference data made with the original Python code (CMake cache variable PILLAR_GOLDENS).
#pragma once

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

namespace pillar::test {

std::filesystem::path golden(const std::string& relative);

}  // namespace pillar::test

// First line of a test that reads goldens: skips it, and says so, where they are not there.
#define PILLAR_NEEDS_GOLDEN(relative)                                                    \
  if (!std::filesystem::exists(::pillar::test::golden(relative))) {                      \
    GTEST_SKIP() << "no reference data at " << ::pillar::test::golden(relative).string() \
                 << " (set the CMake cache variable PILLAR_GOLDENS)";                    \
  }

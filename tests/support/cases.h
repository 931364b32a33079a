// Scans as they come in clinics, each with its right answer in right.json (CMake cache variable
// PILLAR_CASES).
#pragma once

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

namespace pillar::test {

std::filesystem::path scan_case(const std::string& relative);

}  // namespace pillar::test

// First line of a test that reads such a scan: skips it, and says so, where it is not there.
#define PILLAR_NEEDS_CASE(relative)                                               \
  if (!std::filesystem::exists(::pillar::test::scan_case(relative))) {            \
    GTEST_SKIP() << "no scan at " << ::pillar::test::scan_case(relative).string() \
                 << " (set the CMake cache variable PILLAR_CASES)";               \
  }

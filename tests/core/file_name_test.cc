#include "pillar/core/file_name.h"

#include <gtest/gtest.h>

namespace pillar {
namespace {

TEST(FileName, NamesSurviveAndNeverLeaveTheirFolder) {
  for (const std::string name : {"PH000001", "CT/2026/7", "..", ".hidden", "a%b", "100%25", "tab\there",
                                 "gr\xC3\xB6\xC3\x9F"
                                 "e",
                                 "a.b.c", "back\\slash"}) {
    const std::string stem = file_stem(name);
    EXPECT_EQ(stem.find('/'), std::string::npos) << name;
    EXPECT_FALSE(stem.starts_with(".")) << name;
    EXPECT_EQ(accession_of(stem), name);
  }
  EXPECT_EQ(file_stem("CT/7"), "CT%2F7");
  EXPECT_EQ(file_stem("plain.1.0"), "plain.1.0");
}

TEST(FileName, OtherProgramsPercentSignsStay) {
  EXPECT_EQ(accession_of("50%"), "50%");
  EXPECT_EQ(accession_of("50%zz"), "50%zz");
  EXPECT_EQ(accession_of("a%20b"), "a%20b") << "no code of ours: a space needs none";
}

}  // namespace
}  // namespace pillar

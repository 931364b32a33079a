#include "core/shared/loaded_file.h"

#include <gtest/gtest.h>

namespace pillar {
namespace {

TEST(LoadedFile, IsTheLibraryOfAFunction) {
  const std::filesystem::path file = loaded_file(reinterpret_cast<const void*>(&loaded_file));
  EXPECT_TRUE(file.filename().string().starts_with("libpillar.so")) << file;
  EXPECT_TRUE(std::filesystem::exists(file));
}

TEST(LoadedFile, IsEmptyForWhatWasNotLoaded) {
  const int on_stack = 0;
  EXPECT_TRUE(loaded_file(&on_stack).empty());
}

}  // namespace
}  // namespace pillar

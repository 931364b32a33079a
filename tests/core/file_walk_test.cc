#include "pillar/core/file_walk.h"

#include "support/temp_dir.h"

#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

void make_file(const fs::path& path) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << path.filename();
}

std::vector<std::string> names_below(const FileWalk& walk, const fs::path& folder) {
  std::vector<std::string> names;
  for (const WalkedFile& file : walk.files) names.push_back(file.path.lexically_relative(folder).string());
  return names;
}

TEST(FileWalk, FilesOfAFolderComeBeforeThoseBelowIt) {
  TempDir dir;
  for (const char* name : {"b", "a/2", "a/1", "c/d/3"}) make_file(dir / name);
  const FileWalk walk = walk_files({dir.path()});
  EXPECT_THAT(names_below(walk, dir.path()), ElementsAre("b", "a/1", "a/2", "c/d/3"));
  EXPECT_THAT(walk.unreadable, IsEmpty());
}

TEST(FileWalk, LinksThatLeadInCirclesEnd) {
  TempDir dir;
  make_file(dir / "s/x");
  fs::create_directory_symlink("..", dir / "s/up");
  fs::create_directory_symlink("s", dir / "again");
  fs::create_symlink("x", dir / "s/x too");
  fs::create_hard_link(dir / "s/x", dir / "s/z");
  fs::create_symlink("nothing", dir / "s/dangling");
  EXPECT_THAT(walk_files({dir.path()}).files, SizeIs(1));
}

TEST(FileWalk, RootsMayLieWithinEachOther) {
  TempDir dir;
  for (const char* name : {"a/1", "a/b/2", "c"}) make_file(dir / name);
  const FileWalk walk = walk_files({dir / "a/b/", dir / "a", dir / "c", dir / "a"});
  EXPECT_THAT(names_below(walk, dir.path()), ElementsAre("a/b/2", "a/1", "c"));
  EXPECT_EQ(walk.files[0].root, 0u);
  EXPECT_EQ(walk.files[1].root, 1u);
  EXPECT_EQ(walk.files[2].root, 2u);
}

TEST(FileWalk, ASkippedFolderIsCounted) {
  TempDir dir;
  for (const char* name : {"a/1", "out/2", "out/deep/3"}) make_file(dir / name);
  const FileWalk walk = walk_files({dir.path()}, dir / "out");
  EXPECT_THAT(names_below(walk, dir.path()), ElementsAre("a/1"));
  EXPECT_EQ(walk.skipped_files, 2u);
}

TEST(FileWalk, AMissingRootIsNamed) {
  TempDir dir;
  const FileWalk walk = walk_files({dir / "none"});
  ASSERT_THAT(walk.unreadable, SizeIs(1));
  EXPECT_EQ(walk.unreadable[0].first, dir / "none");
  EXPECT_THAT(walk.unreadable[0].second, HasSubstr("No such"));
}

}  // namespace
}  // namespace pillar

// All files at and below some paths, each real file once.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace pillar {

struct WalkedFile {
  std::filesystem::path path;
  std::size_t root = 0;  // which of the roots it was found below
};

struct FileWalk {
  std::vector<WalkedFile> files;  // roots in their order; of a folder its files by name, then its subfolders
  std::vector<std::pair<std::filesystem::path, std::string>> unreadable;  // folders and roots, and why
  std::size_t skipped_files = 0;                                          // below `skip`
};

// Links are followed. A file or folder that has been met, by whatever name (device and inode), is not met
// again, so links that lead in circles end and roots may lie within each other. `skip`, if not empty, is a
// folder that is only counted, such as the output of what walks. What is neither file nor folder is passed
// over.
FileWalk walk_files(const std::vector<std::filesystem::path>& roots, const std::filesystem::path& skip = {});

}  // namespace pillar

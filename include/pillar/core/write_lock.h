// One writer at a time: of a folder, a split, a table, whichever processes want it.
#pragma once

#include <filesystem>

namespace pillar {

// Held as long as it lives. The kernel gives the lock up when the process ends, however it ends, so that a
// killed owner is in nobody's way; the hidden file that carries it is removed by its owner, or stays and does
// no harm. Where the file system has no locks, the log warns and the work goes on without.
class WriteLock {
 public:
  enum class IfHeld {
    refuse,  // throws Error(usage) that names the owner: its process and host
    wait,    // a short piece of work: until it is free; throws Error(io) that names the owner after 5 minutes
  };

  // Of all that is written in a folder, which is made if need be; the lock is its `.lock`. Throws Error(io)
  // where it cannot be written.
  static WriteLock of_folder(const std::filesystem::path& folder, IfHeld if_held = IfHeld::refuse);
  // Of one file or folder, there or not; the lock lies beside it as `.<name>.lock`. The folder around it is
  // made if need be.
  static WriteLock beside(const std::filesystem::path& path, IfHeld if_held = IfHeld::refuse);

  ~WriteLock();
  WriteLock(WriteLock&& other) noexcept;
  WriteLock& operator=(WriteLock&&) = delete;

 private:
  WriteLock(std::filesystem::path lock_file, const std::filesystem::path& guarded, IfHeld if_held);

  std::filesystem::path lock_file_;
  int descriptor_ = -1;
};

}  // namespace pillar

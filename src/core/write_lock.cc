#include "pillar/core/write_lock.h"

#include "pillar/core/fail.h"
#include "pillar/core/host_name.h"

#include "core/shared/path_format.h"
#include "core/shared/settled_path.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

using LockClock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLockPoll{20};
constexpr std::chrono::seconds kLockPatience{5};  // before the log says whom it waits for
constexpr std::chrono::minutes kLockBound{5};
constexpr std::size_t kMaxOwnerBytes = 512;

int open_lock_file(const fs::path& file, const fs::path& guarded) {
  std::error_code error;
  if (file.has_parent_path()) fs::create_directories(file.parent_path(), error);
  if (error) fail(ErrorCategory::io, "{}: cannot make the folder: {}", file.parent_path(), error.message());
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor < 0)
    fail(ErrorCategory::io, "{}: cannot be written: {}: {}", guarded, file, std::strerror(errno));
  return descriptor;
}

// Whether the open file is still the one of that name. A lock on a file that its last owner has removed
// keeps nobody out.
bool is_the_file_there(int descriptor, const fs::path& file) {
  struct stat open_one = {}, named_one = {};
  return ::fstat(descriptor, &open_one) == 0 && ::stat(file.c_str(), &named_one) == 0 &&
         open_one.st_ino == named_one.st_ino && open_one.st_dev == named_one.st_dev;
}

std::string owner_of(int descriptor) {
  std::array<char, kMaxOwnerBytes> buffer = {};
  const ssize_t got = ::pread(descriptor, buffer.data(), buffer.size(), 0);
  std::string owner(buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  owner = owner.substr(0, owner.find('\n'));
  return owner.empty() ? "process unknown" : owner;
}

// Only words for messages: the lock itself is the kernel's.
void write_owner(int descriptor) {
  const std::string owner = fmt::format("process {} on {}\n", ::getpid(), host_name());
  if (::ftruncate(descriptor, 0) != 0 || ::pwrite(descriptor, owner.data(), owner.size(), 0) < 0) errno = 0;
}

struct LockAttempt {
  int descriptor = -1;  // open; the lock is held unless `owner` says by whom else
  std::string owner;
};

LockAttempt try_lock(const fs::path& file, const fs::path& guarded) {
  while (true) {
    const int descriptor = open_lock_file(file, guarded);
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) {
      if (is_the_file_there(descriptor, file)) return {descriptor, ""};
    } else if (errno == EWOULDBLOCK) {
      return {descriptor, owner_of(descriptor)};
    } else if (errno != EINTR) {
      spdlog::warn("{}: no lock can be had here ({}); see to it that no other process writes there", guarded,
                   std::strerror(errno));
      return {descriptor, ""};
    }
    ::close(descriptor);
  }
}

int wait_for_lock(const fs::path& file, const fs::path& guarded) {
  const LockClock::time_point begin = LockClock::now();
  for (bool told = false;;) {
    const LockAttempt attempt = try_lock(file, guarded);
    if (attempt.owner.empty()) return attempt.descriptor;
    ::close(attempt.descriptor);
    const auto waited = LockClock::now() - begin;
    if (waited > kLockBound) {
      fail(ErrorCategory::io, "{}: {} has been writing here for {} minutes; stop it, and run this again",
           guarded, attempt.owner, kLockBound.count());
    }
    if (waited > kLockPatience && !std::exchange(told, true))
      spdlog::warn("{}: waits for {}, which is writing here", guarded, attempt.owner);
    std::this_thread::sleep_for(kLockPoll);
  }
}

int lock_or_refuse(const fs::path& file, const fs::path& guarded) {
  const LockAttempt attempt = try_lock(file, guarded);
  if (attempt.owner.empty()) return attempt.descriptor;
  ::close(attempt.descriptor);
  fail(ErrorCategory::usage,
       "{}: another run is writing here ({}); wait for it, stop it, or choose another output", guarded,
       attempt.owner);
}

}  // namespace

WriteLock::WriteLock(fs::path lock_file, const fs::path& guarded, IfHeld if_held)
    : lock_file_(std::move(lock_file)) {
  descriptor_ =
      if_held == IfHeld::wait ? wait_for_lock(lock_file_, guarded) : lock_or_refuse(lock_file_, guarded);
  write_owner(descriptor_);
}

WriteLock WriteLock::of_folder(const fs::path& folder, IfHeld if_held) {
  return WriteLock(settled_path(folder) / ".lock", folder, if_held);
}

WriteLock WriteLock::beside(const fs::path& path, IfHeld if_held) {
  const fs::path settled = settled_path(path);
  return WriteLock(settled.parent_path() / fmt::format(".{}.lock", settled.filename()), path, if_held);
}

WriteLock::WriteLock(WriteLock&& other) noexcept
    : lock_file_(std::move(other.lock_file_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

WriteLock::~WriteLock() {
  if (descriptor_ < 0) return;
  // Removed while it is held: who has opened it meanwhile sees that it is gone and makes a new one.
  if (is_the_file_there(descriptor_, lock_file_)) ::unlink(lock_file_.c_str());
  ::close(descriptor_);
}

}  // namespace pillar

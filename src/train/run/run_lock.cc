#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/train/run_checkpoint.h"

#include <cerrno>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

namespace pillar {

RunLock::RunLock(const std::filesystem::path& run_folder) {
  const std::filesystem::path file = run_folder / ".lock";
  std::error_code error;
  std::filesystem::create_directories(run_folder, error);
  if (error) fail(ErrorCategory::io, "{}: cannot make the run's folder: {}", run_folder, error.message());
  descriptor_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor_ < 0)
    fail(ErrorCategory::io, "{}: the run's folder cannot be written: {}", run_folder, std::strerror(errno));
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    const std::string owner = read_text_file(file, 4096);
    ::close(descriptor_);
    fail(ErrorCategory::usage,
         "{}: another run is writing here ({}); wait for it, stop it, or choose another output", run_folder,
         owner.empty() ? "process unknown" : owner.substr(0, owner.find('\n')));
  }
  char host[256] = "";
  ::gethostname(host, sizeof host - 1);
  const std::string owner = fmt::format("process {} on {}\n", ::getpid(), host);
  // Only words for the message above: the lock itself is the kernel's and ends with the process.
  if (::ftruncate(descriptor_, 0) != 0 || ::pwrite(descriptor_, owner.data(), owner.size(), 0) < 0) errno = 0;
}

RunLock::~RunLock() {
  ::close(descriptor_);
}

}  // namespace pillar

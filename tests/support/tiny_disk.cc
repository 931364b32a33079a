#include "support/tiny_disk.h"

#include <cstdio>
#include <exception>
#include <string>

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pillar::test {
namespace {

constexpr int kNoNamespace = 120;
constexpr int kThrew = 121;

bool mount_tmpfs(const std::filesystem::path& folder, int kilobytes) {
  const int flags = ::geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER;
  if (::unshare(flags) != 0) return false;
  // Private, so that the mount stays in this process.
  ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  const std::string size = "size=" + std::to_string(kilobytes) + "k";
  return ::mount("tmpfs", folder.c_str(), "tmpfs", 0, size.c_str()) == 0;
}

}  // namespace

int on_tiny_disk(const std::filesystem::path& folder, int kilobytes, const std::function<int()>& body) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (!mount_tmpfs(folder, kilobytes)) ::_exit(kNoNamespace);
    int answer = kThrew;
    try {
      answer = body();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "on a tiny disk: %s\n", error.what());
    }
    ::_exit(answer);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : kThrew;
  return code == kNoNamespace ? -1 : code;
}

}  // namespace pillar::test

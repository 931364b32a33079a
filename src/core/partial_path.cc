// Files and folders that appear at their place all at once.
#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/host_name.h"

#include "core/shared/path_format.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <string>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = ".partial-";

std::string host_in_partial_name() {
  std::string name = host_name();
  std::replace(name.begin(), name.end(), '-', '_');  // "-" separates the fields of a partial name
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
}

void sync_path(const fs::path& path, int flags) {
  int fd = ::open(path.c_str(), flags | O_CLOEXEC);
  if (fd < 0) fail(ErrorCategory::io, "{}: cannot open to sync: {}", path, std::strerror(errno));
  int failed = ::fsync(fd);
  int reason = errno;
  ::close(fd);
  // Some filesystems refuse fsync on a folder; their renames are durable without it.
  if (failed != 0 && reason != EINVAL)
    fail(ErrorCategory::io, "{}: cannot sync: {}", path, std::strerror(reason));
}

void sync_tree(const fs::path& path) {
  if (!fs::is_directory(path)) {
    sync_path(path, O_RDONLY);
    return;
  }
  for (const auto& entry : fs::directory_iterator(path)) sync_tree(entry.path());
  sync_path(path, O_RDONLY | O_DIRECTORY);
}

// A process that has ended stays visible, with its number, until its parent has asked for it; it writes
// nothing.
bool is_running(pid_t pid) {
  if (::kill(pid, 0) != 0) return errno != ESRCH;
  std::string stat;  // "1234 (a name) Z ..."
  std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/stat"), stat);
  const std::size_t name_end = stat.rfind(") ");
  const char state = name_end == std::string::npos ? 'R' : stat[name_end + 2];
  return state != 'Z' && state != 'X';
}

fs::path parent_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

}  // namespace

PartialPath::PartialPath(fs::path target) : target_(std::move(target)) {
  if (!target_.has_filename()) target_ = target_.parent_path();
  static std::atomic<unsigned> counter{0};
  partial_ = parent_of(target_) / fmt::format("{}{}-{}-{}-{}", kPrefix, host_in_partial_name(), ::getpid(),
                                              counter++, target_.filename());
}

PartialPath::~PartialPath() {
  std::error_code ignored;
  if (!committed_) fs::remove_all(partial_, ignored);
}

void PartialPath::commit() {
  std::error_code error;
  if (!fs::exists(partial_, error)) fail(ErrorCategory::io, "{}: nothing was written to it", target_);
  sync_tree(partial_);
  // rename() replaces a file at once but never a folder with something in it: that one steps aside first.
  fs::path aside;
  if (fs::is_directory(target_, error)) {
    aside = PartialPath(target_).path();
    fs::rename(target_, aside, error);
    if (error) fail(ErrorCategory::io, "{}: cannot replace: {}", target_, error.message());
  }
  fs::rename(partial_, target_, error);
  if (error) {
    std::error_code ignored;
    if (!aside.empty()) fs::rename(aside, target_, ignored);
    fail(ErrorCategory::io, "{}: cannot move into place: {}", target_, error.message());
  }
  committed_ = true;
  if (!aside.empty()) fs::remove_all(aside, error);
  sync_path(parent_of(target_), O_RDONLY | O_DIRECTORY);
}

int remove_stale_partials(const fs::path& folder) {
  std::error_code error;
  int removed = 0;
  const std::string ours = fmt::format("{}{}-", kPrefix, host_in_partial_name());
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!name.starts_with(ours)) continue;
    long pid = 0;
    const char* begin = name.data() + ours.size();
    auto [rest, parse_error] = std::from_chars(begin, name.data() + name.size(), pid);
    if (parse_error != std::errc() || *rest != '-' || pid <= 0) continue;
    if (pid == ::getpid() || is_running(static_cast<pid_t>(pid))) continue;
    std::error_code remove_error;
    if (fs::remove_all(it->path(), remove_error) > 0) ++removed;
  }
  return removed;
}

}  // namespace pillar

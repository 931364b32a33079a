#include "pillar/core/file.h"

#include "pillar/core/fail.h"

#include "core/shared/descriptor.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pillar {
namespace {

std::uint64_t regular_file_size(int fd, const std::filesystem::path& path) {
  struct stat status = {};
  if (::fstat(fd, &status) != 0) fail(ErrorCategory::io, "{}: cannot stat: {}", path, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) fail(ErrorCategory::io, "{}: not a regular file", path);
  return static_cast<std::uint64_t>(status.st_size);
}

template <typename Container>
Container read_all(const std::filesystem::path& path, std::uint64_t max_bytes) {
  Descriptor file(path, O_RDONLY);
  std::uint64_t size = regular_file_size(file.get(), path);
  if (size > max_bytes) {
    fail(ErrorCategory::input, "{}: {} bytes, more than the {} that this kind of file may have", path, size,
         max_bytes);
  }
  Container content;
  content.resize(size);
  std::uint64_t done = 0;
  while (done < size) {
    ssize_t got = ::read(file.get(), content.data() + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(ErrorCategory::io, "{}: cannot read: {}", path, std::strerror(errno));
    if (got == 0) fail(ErrorCategory::io, "{}: became shorter while it was read", path);
    done += static_cast<std::uint64_t>(got);
  }
  return content;
}

}  // namespace

Bytes read_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
  return read_all<Bytes>(path, max_bytes);
}

std::string read_text_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
  return read_all<std::string>(path, max_bytes);
}

void write_file_atomic(const std::filesystem::path& path, ByteView bytes) {
  PartialPath partial(path);
  {
    const Descriptor file = Descriptor::create(partial.path(), path);
    write_all(file, bytes, path);
  }
  partial.commit();
}

void write_file_atomic(const std::filesystem::path& path, std::string_view text) {
  write_file_atomic(path, as_bytes(text));
}

MappedFile::MappedFile(const std::filesystem::path& path) {
  Descriptor file(path, O_RDONLY);
  size_ = regular_file_size(file.get(), path);
  if (size_ == 0) return;
  void* mapping = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (mapping == MAP_FAILED) fail(ErrorCategory::io, "{}: cannot map: {}", path, std::strerror(errno));
  data_ = static_cast<const std::uint8_t*>(mapping);
}

void MappedFile::release_pages() const noexcept {
  if (size_ > 0)
    ::madvise(const_cast<std::uint8_t*>(data_), size_, MADV_DONTNEED);  // a hint; the pages are the file's
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::uint8_t*>(data_), size_);
}

}  // namespace pillar

#include "rave/sample/tar_members.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include <algorithm>
#include <memory>
#include <new>

#include <archive.h>
#include <archive_entry.h>
#include <spdlog/spdlog.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

struct ArchiveDeleter {
  void operator()(archive* p) const { archive_read_free(p); }
};
using Reader = std::unique_ptr<archive, ArchiveDeleter>;

[[noreturn]] void fail_reading(archive* reader, const fs::path& path) {
  const char* reason = archive_error_string(reader);
  fail(ErrorCategory::input, "{}: not a whole tar archive: {}", path,
       printable(reason ? reason : "unknown fault"));
}

std::string entry_name(archive_entry* entry, const fs::path& path) {
  const char* name = archive_entry_pathname_utf8(entry);
  if (name == nullptr) name = archive_entry_pathname(entry);
  if (name == nullptr || *name == '\0')
    fail(ErrorCategory::input, "{}: a member without a readable name", path);
  return name;
}

void check_entry(archive_entry* entry, const std::string& name, const fs::path& path) {
  const fs::path member(name);
  bool leaves = member.is_absolute();
  for (const fs::path& part : member) leaves = leaves || part == "..";
  if (leaves) fail(ErrorCategory::input, "{}: member {} leaves the archive", path, printable(name));
  if (archive_entry_symlink(entry) != nullptr || archive_entry_hardlink(entry) != nullptr) {
    fail(ErrorCategory::input, "{}: member {} is a link", path, printable(name));
  }
  const auto type = archive_entry_filetype(entry);
  if (type != AE_IFREG && type != AE_IFDIR) {
    fail(ErrorCategory::input, "{}: member {} is neither file nor folder", path, printable(name));
  }
  if (archive_entry_sparse_count(entry) > 0) {
    fail(ErrorCategory::input, "{}: member {} is a sparse file", path, printable(name));
  }
}

// The member's bytes: a view of the archive where libarchive hands out one run of it, else a copy.
ByteView member_bytes(archive* reader, std::uint64_t size, ByteView whole, SampleMembers& members,
                      const fs::path& path) {
  if (size > whole.size())
    fail(ErrorCategory::input, "{}: a member claims {} of {} bytes", path, size, whole.size());
  const std::uint8_t* begin = nullptr;
  std::uint64_t taken = 0;
  Bytes* copy = nullptr;
  while (true) {
    const void* block = nullptr;
    std::size_t length = 0;
    la_int64_t offset = 0;
    int status = archive_read_data_block(reader, &block, &length, &offset);
    if (status == ARCHIVE_EOF) break;
    if (status != ARCHIVE_OK) fail_reading(reader, path);
    const auto* data = static_cast<const std::uint8_t*>(block);
    if (static_cast<std::uint64_t>(offset) != taken || length > size - taken) {
      fail(ErrorCategory::input, "{}: a member with holes", path);
    }
    if (length == 0) continue;
    const bool in_place = data >= whole.data() && data + length <= whole.data() + whole.size();
    if (begin == nullptr) begin = data;
    if (copy == nullptr && (!in_place || data != begin + taken)) {
      members.buffers.push_back(
          std::make_unique<Bytes>(begin == data ? Bytes() : Bytes(begin, begin + taken)));
      copy = members.buffers.back().get();
    }
    if (copy != nullptr) copy->insert(copy->end(), data, data + length);
    taken += length;
  }
  if (taken != size) fail(ErrorCategory::input, "{}: {} bytes of a member that claims {}", path, taken, size);
  return copy != nullptr ? ByteView(*copy) : ByteView(begin, taken);
}

}  // namespace

void list_tar(ByteView bytes, const fs::path& path, SampleMembers& members) {
  Reader reader(archive_read_new());
  if (!reader) throw std::bad_alloc();
  archive_read_support_format_tar(reader.get());
  if (archive_read_open_memory(reader.get(), bytes.data(), bytes.size()) != ARCHIVE_OK)
    fail_reading(reader.get(), path);
  archive_entry* entry = nullptr;
  while (true) {
    int status = archive_read_next_header(reader.get(), &entry);
    if (status == ARCHIVE_EOF) return;
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) fail_reading(reader.get(), path);
    const std::string name = entry_name(entry, path);
    check_entry(entry, name, path);
    if (archive_entry_filetype(entry) == AE_IFDIR) continue;
    const std::string base = fs::path(name).filename().string();
    if (!is_member_name(base)) {
      spdlog::debug("{}: member {} is not part of a sample", path.string(), printable(name));
      continue;
    }
    const auto size = static_cast<std::uint64_t>(std::max<la_int64_t>(archive_entry_size(entry), 0));
    members.add(base, member_bytes(reader.get(), size, bytes, members, path), path);
  }
}

}  // namespace pillar

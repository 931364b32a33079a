#include "rave/sample/tar_write.h"

#include "pillar/core/fail.h"

#include <exception>
#include <memory>
#include <new>

#include <archive.h>
#include <archive_entry.h>

namespace pillar {
namespace {

constexpr std::uint64_t kBlock = 512;
constexpr std::uint64_t kRecord = 10240;  // archives are padded to a multiple of this

std::uint64_t round_up(std::uint64_t value, std::uint64_t step) {
  return (value + step - 1) / step * step;
}

struct ArchiveWriteDeleter {
  void operator()(archive* p) const { archive_write_free(p); }
};
struct EntryDeleter {
  void operator()(archive_entry* p) const { archive_entry_free(p); }
};

// What libarchive's callback gets: the sink, and room for its exception, which must not pass through C
// frames.
struct Output {
  ArchiveSink* sink;
  std::exception_ptr error;
};

la_ssize_t on_write(archive*, void* client, const void* data, std::size_t size) {
  auto& output = *static_cast<Output*>(client);
  if (output.error) return -1;
  try {
    output.sink->write(ByteView(static_cast<const std::uint8_t*>(data), size));
  } catch (...) {
    output.error = std::current_exception();
    return -1;
  }
  return static_cast<la_ssize_t>(size);
}

void check(bool done, archive* writer, const Output& output) {
  if (output.error) std::rethrow_exception(output.error);
  if (done) return;
  const char* reason = archive_error_string(writer);
  fail(ErrorCategory::io, "cannot write the archive: {}", reason ? reason : "unknown fault");
}

void write_member(archive* writer, const OutputMember& member, const Output& output) {
  std::unique_ptr<archive_entry, EntryDeleter> entry(archive_entry_new());
  if (!entry) throw std::bad_alloc();
  archive_entry_set_pathname(entry.get(), member.name.c_str());
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(member.size()));
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0644);
  archive_entry_set_mtime(entry.get(), 0, 0);
  check(archive_write_header(writer, entry.get()) == ARCHIVE_OK, writer, output);
  for (ByteView piece : member.pieces) {
    while (!piece.empty()) {
      la_ssize_t put = archive_write_data(writer, piece.data(), piece.size());
      check(put > 0, writer, output);
      piece = piece.subspan(static_cast<std::size_t>(put));
    }
  }
}

}  // namespace

std::uint64_t OutputMember::size() const noexcept {
  std::uint64_t total = 0;
  for (ByteView piece : pieces) total += piece.size();
  return total;
}

std::uint64_t tar_size(const std::vector<OutputMember>& members) noexcept {
  std::uint64_t total = 2 * kBlock;
  for (const OutputMember& member : members) total += kBlock + round_up(member.size(), kBlock);
  return round_up(total, kRecord);
}

void write_tar(ArchiveSink& sink, const std::vector<OutputMember>& members) {
  Output output{&sink, nullptr};
  std::unique_ptr<archive, ArchiveWriteDeleter> writer(archive_write_new());
  if (!writer) throw std::bad_alloc();
  archive_write_set_format_pax_restricted(writer.get());
  archive_write_set_bytes_per_block(writer.get(), static_cast<int>(kRecord));
  check(archive_write_open(writer.get(), &output, nullptr, on_write, nullptr) == ARCHIVE_OK, writer.get(),
        output);
  for (const OutputMember& member : members) write_member(writer.get(), member, output);
  check(archive_write_close(writer.get()) == ARCHIVE_OK, writer.get(), output);
}

}  // namespace pillar

// NumPy's .npz: a zip of .npy files.
#include "pillar/core/fail.h"
#include "pillar/core/npy.h"
#include "pillar/core/printable.h"

#include "core/shared/descriptor.h"
#include "core/shared/npy_header.h"
#include "core/shared/tensor_bytes.h"

#include <set>

#include <ATen/ops/empty.h>
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <locale.h>

namespace pillar {
namespace {

constexpr std::string_view kSuffix = ".npy";
constexpr std::uint64_t kDeflateLimit = 1032;  // no deflated byte can inflate to more bytes than this

using ReadArchive = std::unique_ptr<archive, decltype(&archive_read_free)>;
using WriteArchive = std::unique_ptr<archive, decltype(&archive_write_free)>;
using Entry = std::unique_ptr<archive_entry, decltype(&archive_entry_free)>;

// libarchive translates names through the thread's locale, and the "C" locale has no letter beyond ASCII.
class Utf8Locale {
 public:
  Utf8Locale() : ours_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
    if (ours_ != nullptr) before_ = ::uselocale(ours_);
  }
  ~Utf8Locale() {
    if (ours_ == nullptr) return;
    ::uselocale(before_);
    ::freelocale(ours_);
  }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;

 private:
  locale_t ours_;
  locale_t before_ = nullptr;
};

std::string reason(archive* zip) {
  const char* text = archive_error_string(zip);
  return text == nullptr ? "unknown fault" : printable(text);
}

// libarchive's warnings (a size or checksum that disagrees) are errors here.
void check_read(archive* zip, std::int64_t result, const std::string& name) {
  if (result < ARCHIVE_OK) fail(ErrorCategory::input, "{}: broken zip: {}", name, reason(zip));
}

std::string array_name(archive_entry* entry, const std::filesystem::path& path) {
  const char* text = archive_entry_pathname_utf8(entry);
  if (text == nullptr) text = archive_entry_pathname(entry);
  std::string name = text == nullptr ? "" : text;
  if (!name.ends_with(kSuffix) || archive_entry_filetype(entry) != AE_IFREG) {
    fail(ErrorCategory::input, "{}: holds '{}', which is no .npy file", path, printable(name));
  }
  name.resize(name.size() - kSuffix.size());
  return name;
}

// The whole entry. The size it claims has been checked against what the file could possibly inflate to.
at::Tensor inflate(archive* zip, std::uint64_t size, const std::string& name) {
  at::Tensor content = at::empty({static_cast<std::int64_t>(size)}, at::kByte);
  auto* data = static_cast<std::uint8_t*>(content.data_ptr());
  std::uint64_t done = 0;
  while (done < size) {
    const la_ssize_t got = archive_read_data(zip, data + done, size - done);
    check_read(zip, got, name);
    if (got == 0) fail(ErrorCategory::input, "{}: truncated: {} bytes of {}", name, done, size);
    done += static_cast<std::uint64_t>(got);
  }
  std::uint8_t beyond = 0;  // reading on to the end is also what makes libarchive compare the checksum
  const la_ssize_t got = archive_read_data(zip, &beyond, 1);
  check_read(zip, got, name);
  if (got != 0) fail(ErrorCategory::input, "{}: longer than the {} bytes it claims", name, size);
  return content;
}

void write_or_fail(archive* zip, ByteView bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const la_ssize_t put = archive_write_data(zip, bytes.data(), bytes.size());
    if (put <= 0) fail(ErrorCategory::io, "{}: cannot write: {}", path, reason(zip));
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
}

void write_array(archive* zip, const std::string& name, const at::Tensor& tensor,
                 const std::filesystem::path& path) {
  const std::string header = format_npy_header(tensor, fmt::format("{}: {}", path.string(), printable(name)));
  const at::Tensor stored = as_stored(tensor);
  const Entry entry(archive_entry_new(), archive_entry_free);
  archive_entry_set_pathname_utf8(entry.get(), (name + std::string(kSuffix)).c_str());
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0644);
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(header.size() + stored.nbytes()));
  // No time is set, so that equal arrays make equal files.
  if (archive_write_header(zip, entry.get()) != ARCHIVE_OK) {
    fail(ErrorCategory::io, "{}: cannot write '{}': {}", path, printable(name), reason(zip));
  }
  write_or_fail(zip, as_bytes(header), path);
  write_or_fail(zip, tensor_bytes(stored), path);
}

}  // namespace

std::map<std::string, at::Tensor> read_npz(const std::filesystem::path& path, std::uint64_t max_bytes) {
  const MappedFile file(path);
  const Utf8Locale utf8;
  const ReadArchive zip(archive_read_new(), archive_read_free);
  // By its central directory only, as NumPy does: what streams the local headers would accept a cut file.
  archive_read_support_format_zip_seekable(zip.get());
  if (file.bytes().empty()) fail(ErrorCategory::input, "{}: an empty file is no zip", path);
  check_read(zip.get(), archive_read_open_memory(zip.get(), file.bytes().data(), file.bytes().size()),
             path.string());
  std::map<std::string, at::Tensor> arrays;
  std::uint64_t total = 0;
  archive_entry* entry = nullptr;
  for (int result = 0; (result = archive_read_next_header(zip.get(), &entry)) != ARCHIVE_EOF;) {
    check_read(zip.get(), result, path.string());
    const std::string name = array_name(entry, path);
    const std::string full_name = fmt::format("{}: {}", path.string(), printable(name));
    const la_int64_t claimed = archive_entry_size_is_set(entry) ? archive_entry_size(entry) : -1;
    if (claimed < 0) fail(ErrorCategory::input, "{}: has no size", full_name);
    const auto size = static_cast<std::uint64_t>(claimed);
    if (size > max_bytes - total) {
      fail(ErrorCategory::input, "{}: inflates to {} bytes, which makes more than the {} allowed", full_name,
           size, max_bytes);
    }
    if (size / kDeflateLimit > file.bytes().size()) {
      fail(ErrorCategory::input, "{}: claims {} bytes, more than the file can hold", full_name, size);
    }
    total += size;
    const at::Tensor content = inflate(zip.get(), size, full_name);
    if (!arrays.emplace(name, parse_npy(tensor_bytes(content), full_name)).second) {
      fail(ErrorCategory::input, "{}: two arrays of this name", full_name);
    }
  }
  return arrays;
}

void write_npz(const std::filesystem::path& path,
               const std::vector<std::pair<std::string, at::Tensor>>& arrays) {
  std::set<std::string_view> names;
  for (const auto& [name, tensor] : arrays) {
    if (name.empty() || !names.insert(name).second) {
      fail(ErrorCategory::usage, "{}: the array name '{}' is empty or used twice", path, printable(name));
    }
  }
  const Utf8Locale utf8;
  PartialPath partial(path);
  {
    const Descriptor file = Descriptor::create(partial.path(), path);
    const WriteArchive zip(archive_write_new(), archive_write_free);
    archive_write_set_format_zip(zip.get());
    if (archive_write_set_options(zip.get(), "zip:compression=deflate,zip:hdrcharset=UTF-8") != ARCHIVE_OK ||
        archive_write_open_fd(zip.get(), file.get()) != ARCHIVE_OK) {
      fail(ErrorCategory::io, "{}: cannot open for writing: {}", path, reason(zip.get()));
    }
    for (const auto& [name, tensor] : arrays) write_array(zip.get(), name, tensor, path);
    if (archive_write_close(zip.get()) != ARCHIVE_OK)
      fail(ErrorCategory::io, "{}: cannot write: {}", path, reason(zip.get()));
  }
  partial.commit();
}

}  // namespace pillar

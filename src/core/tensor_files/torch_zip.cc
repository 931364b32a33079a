#include "core/tensor_files/torch_zip.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include <bit>
#include <cstring>

#include <zlib.h>

namespace pillar {
namespace {

static_assert(std::endian::native == std::endian::little, "zip numbers are read as they are stored");

constexpr std::uint64_t kEndSize = 22, kLocatorSize = 20, kEntrySize = 46, kLocalSize = 30;
constexpr std::uint32_t kEndMark = 0x06054b50, kLocatorMark = 0x07064b50, kEnd64Mark = 0x06064b50;
constexpr std::uint32_t kEntryMark = 0x02014b50, kLocalMark = 0x04034b50;

// Numbers at places of a file, each checked.
class ZipBytes {
 public:
  ZipBytes(ByteView bytes, const std::string& name) : bytes_(bytes), name_(name) {}
  [[noreturn]] void broken(const char* fault) const {
    fail(ErrorCategory::input, "{}: not a whole torch file: {}", name_, fault);
  }
  ByteView view(std::uint64_t begin, std::uint64_t size) const {
    if (begin > bytes_.size() || size > bytes_.size() - begin) broken("a record outside of the file");
    return bytes_.subspan(begin, size);
  }
  std::string text(std::uint64_t begin, std::uint64_t size) const {
    const ByteView letters = view(begin, size);
    return {letters.begin(), letters.end()};
  }
  template <typename Number>
  Number number(std::uint64_t at) const {
    Number value;
    std::memcpy(&value, view(at, sizeof(Number)).data(), sizeof(Number));
    return value;
  }
  std::uint64_t size() const { return bytes_.size(); }

 private:
  ByteView bytes_;
  const std::string& name_;
};

struct Directory {
  std::uint64_t begin = 0;
  std::uint64_t entries = 0;
};

Directory find_directory(const ZipBytes& zip) {
  constexpr std::uint64_t kLongestComment = 0xFFFF;
  if (zip.size() < kEndSize) zip.broken("too short");
  std::uint64_t end = zip.size() - kEndSize;
  const std::uint64_t lowest = end > kLongestComment ? end - kLongestComment : 0;
  while (zip.number<std::uint32_t>(end) != kEndMark) {
    if (end-- == lowest) zip.broken("no end of a zip, it may be truncated");
  }
  Directory directory{zip.number<std::uint32_t>(end + 16), zip.number<std::uint16_t>(end + 10)};
  if (end < kLocatorSize || zip.number<std::uint32_t>(end - kLocatorSize) != kLocatorMark) return directory;
  const auto end64 = zip.number<std::uint64_t>(end - kLocatorSize + 8);
  if (zip.number<std::uint32_t>(end64) != kEnd64Mark) zip.broken("a false zip64 end");
  return {zip.number<std::uint64_t>(end64 + 48), zip.number<std::uint64_t>(end64 + 32)};
}

struct ZipEntry {
  std::uint64_t size = 0, stored = 0, local = 0;
  std::uint32_t crc = 0;
  std::string path;
};

// A number of 32 ones stands for the next one of the zip64 field.
void widen(const ZipBytes& zip, std::uint64_t extra, std::uint64_t extra_end, ZipEntry& entry) {
  constexpr std::uint64_t kWide = 0xFFFFFFFF;
  while (extra + 4 <= extra_end) {
    const std::uint64_t end = extra + 4 + zip.number<std::uint16_t>(extra + 2);
    if (zip.number<std::uint16_t>(extra) == 1) {
      std::uint64_t at = extra + 4;
      for (std::uint64_t* field : {&entry.size, &entry.stored, &entry.local}) {
        if (*field != kWide) continue;
        if (at + 8 > end) zip.broken("a zip64 field that is too short");
        *field = zip.number<std::uint64_t>(at);
        at += 8;
      }
      return;
    }
    extra = end;
  }
}

// Moves `at` on to the next one.
ZipEntry read_entry(const ZipBytes& zip, std::uint64_t& at) {
  if (zip.number<std::uint32_t>(at) != kEntryMark) zip.broken("a broken directory");
  ZipEntry entry;
  const bool encrypted = (zip.number<std::uint16_t>(at + 8) & 1) != 0;
  const bool stored = zip.number<std::uint16_t>(at + 10) == 0;
  entry.crc = zip.number<std::uint32_t>(at + 16);
  entry.stored = zip.number<std::uint32_t>(at + 20);
  entry.size = zip.number<std::uint32_t>(at + 24);
  entry.local = zip.number<std::uint32_t>(at + 42);
  const std::uint64_t path = at + kEntrySize, extra = path + zip.number<std::uint16_t>(at + 28);
  const std::uint64_t comment = extra + zip.number<std::uint16_t>(at + 30);
  entry.path = zip.text(path, extra - path);
  widen(zip, extra, comment, entry);
  at = comment + zip.number<std::uint16_t>(at + 32);
  // What is compressed is not from torch.save(), and may be a bomb.
  if (encrypted || !stored || entry.size != entry.stored) zip.broken("a compressed or encrypted record");
  return entry;
}

ByteView content_of(const ZipBytes& zip, const ZipEntry& entry) {
  if (zip.number<std::uint32_t>(entry.local) != kLocalMark) {
    zip.broken("a record that does not begin as one");
  }
  const std::uint64_t begin = entry.local + kLocalSize + zip.number<std::uint16_t>(entry.local + 26) +
                              zip.number<std::uint16_t>(entry.local + 28);
  const ByteView content = zip.view(begin, entry.size);
  if (::crc32_z(0, content.data(), content.size()) != entry.crc) zip.broken("a wrong checksum");
  return content;
}

}  // namespace

std::map<std::string, ByteView> read_torch_zip(ByteView bytes, const std::string& name) {
  const ZipBytes zip(bytes, name);
  const Directory directory = find_directory(zip);
  std::map<std::string, ByteView> records;
  std::uint64_t at = directory.begin, total = 0;
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    const ZipEntry entry = read_entry(zip, at);
    // Records that share their bytes would cost more time than the file is long.
    if (entry.size > bytes.size() - total) zip.broken("more records than bytes");
    total += entry.size;
    const std::size_t slash = entry.path.find('/');
    if (slash == std::string::npos) {
      fail(ErrorCategory::input, "{}: not a torch file: holds '{}'", name, printable(entry.path));
    }
    if (!records.emplace(entry.path.substr(slash + 1), content_of(zip, entry)).second) {
      fail(ErrorCategory::input, "{}: not a torch file: '{}' twice", name, printable(entry.path));
    }
  }
  return records;
}

}  // namespace pillar

#include "train/run/event_file.h"

#include "pillar/core/fail.h"
#include "pillar/core/host_name.h"

#include <algorithm>
#include <bit>
#include <charconv>

#include <fmt/format.h>
#include <unistd.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kEventPrefix = "events.out.tfevents.";

constexpr std::array<std::uint32_t, 256> crc_table() {
  constexpr std::uint32_t kReversedPolynomial = 0x82F63B78;
  std::array<std::uint32_t, 256> table = {};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kReversedPolynomial : 0);
    table[byte] = crc;
  }
  return table;
}

// Fixed-width integers, little endian.
template <typename Unsigned>
std::string fixed(Unsigned value) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof value; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xFF);
  return bytes;
}

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7F) | 0x80);
  bytes += static_cast<char>(value);
  return bytes;
}

// Protobuf's wire types: how many bytes a field's value takes.
enum class Wire : unsigned char { varint = 0, eight_bytes = 1, length_first = 2, four_bytes = 5 };

std::string key(unsigned field, Wire wire) {
  return varint(field << 3 | static_cast<unsigned>(wire));
}

std::string number_field(unsigned field, std::int64_t value) {
  return key(field, Wire::varint) + varint(static_cast<std::uint64_t>(value));
}

std::string bytes_field(unsigned field, std::string_view bytes) {
  return (key(field, Wire::length_first) + varint(bytes.size())).append(bytes);
}

std::string float_field(unsigned field, float value) {
  return key(field, Wire::four_bytes) + fixed(std::bit_cast<std::uint32_t>(value));
}

std::uint32_t masked_crc(std::string_view bytes) {
  const std::uint32_t crc = crc32c(bytes);
  return (crc >> 15 | crc << 17) + 0xA282EAD8;
}

std::string record(double wall_time, std::int64_t step, const std::string& what) {
  const std::string event = key(1, Wire::eight_bytes) + fixed(std::bit_cast<std::uint64_t>(wall_time)) +
                            number_field(2, step) + what;
  const std::string length = fixed(static_cast<std::uint64_t>(event.size()));
  return length + fixed(masked_crc(length)) + event + fixed(masked_crc(event));
}

std::string host_in_name() {
  std::string text = host_name();
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static constexpr std::array<std::uint32_t, 256> kTable = crc_table();
  std::uint32_t crc = ~std::uint32_t{0};
  for (const char byte : bytes) crc = (crc >> 8) ^ kTable[(crc ^ static_cast<unsigned char>(byte)) & 0xFF];
  return ~crc;
}

std::string version_record(double wall_time) {
  return record(wall_time, 0, bytes_field(3, "brain.Event:2"));
}

std::string session_start_record(double wall_time, std::int64_t step) {
  constexpr std::int64_t kStart = 1;
  return record(wall_time, step, bytes_field(7, number_field(1, kStart)));
}

std::string scalars_record(double wall_time, std::int64_t step,
                           const std::vector<std::pair<std::string, double>>& values_by_tag) {
  std::string summary;
  for (const auto& [tag, value] : values_by_tag)
    summary += bytes_field(1, bytes_field(1, tag) + float_field(2, static_cast<float>(value)));
  return record(wall_time, step, bytes_field(5, summary));
}

fs::path next_event_file(const fs::path& folder, std::int64_t seconds) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(kEventPrefix)) continue;
    std::int64_t others = 0;
    const auto [rest, failed] =
        std::from_chars(name.data() + kEventPrefix.size(), name.data() + name.size(), others);
    if (failed == std::errc() && *rest == '.' && others < 9'999'999'999)
      seconds = std::max(seconds, others + 1);
  }
  if (error) fail(ErrorCategory::io, "{}: cannot list: {}", folder, error.message());
  return folder / fmt::format("{}{:010}.{}.{}", kEventPrefix, seconds, host_in_name(), ::getpid());
}

}  // namespace pillar

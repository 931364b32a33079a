// Internal: the records of a TensorBoard event file.
//
// A file is a sequence of TFRecords: the payload's length (8 bytes, little endian), the masked CRC-32C of
// those, the payload, its masked CRC-32C. A payload is a protobuf message; of TensorFlow's event.proto and
// summary.proto these fields are written:
//   Event      wall_time = 1 (double, seconds), step = 2 (int64), then one of file_version = 3 (string),
//              summary = 5 (Summary), session_log = 7 (SessionLog)
//   Summary    value = 1 (Value, repeated);  Value: tag = 1 (string), simple_value = 2 (float)
//   SessionLog status = 1 (START = 1)
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pillar {

// The first record of a file.
std::string version_record(double wall_time);

// What earlier files hold of `step` and later ones no longer counts.
std::string session_start_record(double wall_time, std::int64_t step);

std::string scalars_record(double wall_time, std::int64_t step,
                           const std::vector<std::pair<std::string, double>>& values_by_tag);

// events.out.tfevents.<seconds>.<host>.<pid> in `folder`: TensorBoard reads files in the order of their
// names, so the seconds are those of the clock, or more where the folder has a later file. Throws Error(io).
std::filesystem::path next_event_file(const std::filesystem::path& folder, std::int64_t seconds);

std::uint32_t crc32c(std::string_view bytes);  // RFC 3720, appendix B.4

}  // namespace pillar

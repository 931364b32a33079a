#include "pillar/core/fail.h"
#include "pillar/rave/sample.h"

#include "rave/sample/payload_encode.h"
#include "rave/sample/tar_write.h"

#include <fmt/format.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxNameBytes =
    160;  // leaves room for numbers, suffix and the name while it is partial

void write_folder(const fs::path& folder, const fs::path& target, const std::vector<OutputMember>& members) {
  std::error_code error;
  fs::create_directory(folder, error);
  if (error) fail(ErrorCategory::io, "{}: cannot make the folder: {}", target, error.message());
  for (const OutputMember& member : members) {
    auto sink = open_file_sink(folder / member.name, target / member.name);
    for (ByteView piece : member.pieces) sink->write(piece);
    sink->finish();
  }
}

void write_archive(const fs::path& file, const fs::path& target, const std::vector<OutputMember>& members,
                   Archive archive) {
  auto sink = open_file_sink(file, target);
  if (archive == Archive::tar_lz4) sink = open_lz4_sink(std::move(sink), tar_size(members));
  write_tar(*sink, members);
  sink->finish();
}

std::uint64_t size_on_disk(const fs::path& path) {
  if (!fs::is_directory(path)) return fs::file_size(path);
  std::uint64_t total = 0;
  for (const auto& entry : fs::directory_iterator(path)) total += entry.file_size();
  return total;
}

}  // namespace

const char* to_string(Archive archive) noexcept {
  if (archive == Archive::none) return "none";
  return archive == Archive::tar ? "tar" : "tar.lz4";
}

Archive parse_archive(std::string_view text) {
  if (text == "none") return Archive::none;
  if (text == "tar") return Archive::tar;
  if (text == "tar.lz4") return Archive::tar_lz4;
  fail(ErrorCategory::usage, "unknown archive '{}'; none, tar or tar.lz4", text);
}

std::string sample_suffix(Archive archive) {
  return archive == Archive::none ? "" : archive == Archive::tar ? ".tar" : ".tar.lz4";
}

std::string path_safe_name(std::string name) {
  for (char& c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F || c == '/' || c == '\\') c = '_';
  }
  if (name.starts_with('.')) name.front() = '_';  // neither hidden nor ".."
  if (name.size() > kMaxNameBytes) name.resize(kMaxNameBytes);
  return name;
}

std::string sample_name(const SampleMetadata& metadata) {
  std::string name = metadata.accession.empty() ? metadata.series_uid : metadata.accession;
  return fmt::format("{}.{}.{}", path_safe_name(name.empty() ? "unnamed" : std::move(name)),
                     metadata.series_number, metadata.volume_index);
}

std::uint64_t write_sample(const fs::path& target, const Volume& volume, SampleMetadata metadata,
                           const SampleWriteOptions& options) {
  const auto payload = encode_payload(volume, metadata, options);
  const std::string json = format_metadata(metadata);
  const std::vector<OutputMember> members = {payload->member, {"metadata.json", {as_bytes(json)}}};
  PartialPath partial(target);
  if (options.archive == Archive::none) {
    write_folder(partial.path(), target, members);
  } else {
    write_archive(partial.path(), target, members, options.archive);
  }
  const std::uint64_t bytes = size_on_disk(partial.path());
  partial.commit();
  return bytes;
}

}  // namespace pillar

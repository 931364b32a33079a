// Internal: the two members of a sample, the volume and its metadata, wherever they are stored.
#pragma once

#include "pillar/core/file.h"
#include "pillar/rave/sample.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pillar {

struct SampleMember {
  std::string name;  // "volume.mp4"
  ByteView bytes;    // lives as long as the SampleMembers
};

struct SampleMembers {
  std::string container;  // "folder", "file", "tar", "tar.lz4"
  std::optional<SampleMember> volume;
  std::optional<SampleMember> metadata;
  std::uint64_t bytes_on_disk = 0;
  // What the views point into.
  std::vector<std::unique_ptr<MappedFile>> mappings;
  std::vector<std::unique_ptr<Bytes>> buffers;

  // Takes a member that is a volume or metadata by its name; false for any other. Throws Error(input) on a
  // second one.
  bool add(const std::string& name, ByteView bytes, const std::filesystem::path& container_path);
};

// Throws Error(io) if there is nothing at `path`, Error(input) as Sample::open does.
SampleMembers open_members(const std::filesystem::path& path, const SampleLimits& limits);

bool is_member_name(const std::string& name);  // one that add() takes

// Kind of a volume by its first bytes.
PayloadKind sniff_payload(ByteView bytes) noexcept;

}  // namespace pillar

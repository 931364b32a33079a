// Internal: how a volume's voxels are stored, and the bytes.
#pragma once

#include "pillar/image/volume.h"
#include "pillar/rave/metadata.h"
#include "pillar/rave/sample.h"

#include "rave/sample/tar_write.h"

namespace pillar {

// The encoded volume. `member` points into the other fields and into the voxels.
struct EncodedPayload {
  OutputMember member;
  Bytes bytes;
  std::string npy_header;
  at::Tensor voxels;
};

// Encodes, and fills the export part of `metadata`. Throws Error(usage) as write_sample() does.
std::unique_ptr<EncodedPayload> encode_payload(const Volume& volume, SampleMetadata& metadata,
                                               const SampleWriteOptions& options);

}  // namespace pillar

// SHA-256 (OpenSSL): names of cached embeddings, checksums, reproducible UIDs.
#pragma once

#include "pillar/core/file.h"

#include <array>
#include <cstdint>
#include <string>

namespace pillar {

std::array<std::uint8_t, 32> sha256(ByteView bytes);
std::string sha256_hex(ByteView bytes);

}  // namespace pillar

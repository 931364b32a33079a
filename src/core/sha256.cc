#include "pillar/core/sha256.h"

#include "pillar/core/fail.h"

#include <fmt/format.h>
#include <openssl/evp.h>

namespace pillar {

std::array<std::uint8_t, 32> sha256(ByteView bytes) {
  std::array<std::uint8_t, 32> digest = {};
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1) {
    fail(ErrorCategory::unsupported, "this machine's OpenSSL refuses SHA-256");
  }
  return digest;
}

std::string sha256_hex(ByteView bytes) {
  std::string text;
  for (std::uint8_t byte : sha256(bytes)) text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace pillar

#include "rate/question_id.h"

#include <array>
#include <new>

#include <fmt/format.h>
#include <openssl/evp.h>

namespace pillar {

std::string question_id(std::string_view question) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest = {};
  unsigned int size = 0;
  if (EVP_Digest(question.data(), question.size(), digest.data(), &size, EVP_md5(), nullptr) != 1)
    throw std::bad_alloc();
  return fmt::format("{:02x}{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2], digest[3]);
}

}  // namespace pillar

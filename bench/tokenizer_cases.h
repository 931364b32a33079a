// The cases of `pillar-bench tokenizer`.
#pragma once

#include "runner.h"

#include <cstdint>
#include <filesystem>

namespace pillar::bench {

struct TokenizerOptions {
  std::filesystem::path file;  // tokenizer.json
  std::int64_t reports = 2000;
};

// Ours alone: the reference's library is in Rust and Python and no part of the build.
std::vector<Case> tokenizer_cases(const TokenizerOptions& options);

}  // namespace pillar::bench

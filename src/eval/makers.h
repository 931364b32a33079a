// Internal: embeddings that are used together were made by the same model in the same way.
#pragma once

#include "pillar/embed/split_maker.h"
#include "pillar/metrics/run_record.h"

#include <optional>
#include <string>
#include <vector>

namespace pillar {

struct NamedMaker {
  std::string what;  // "split train"
  std::optional<SplitMaker> maker;
};

// Of "split <split>".
NamedMaker named_maker(const std::filesystem::path& cache, const std::string& split);

// Holds all against the first that is known. Throws Error(input) naming both and what differs, unless
// `allow_mixed`: then a warning says it. Where some are known and others are not, a warning names those.
// Returns what is mixed, in words, for the record; empty where nothing is.
std::string check_makers(const std::vector<NamedMaker>& makers, bool allow_mixed);

// A split and the model that embeds texts beside its images.
struct MadeWith {
  std::string fingerprint;  // of the model's weights
  NamedMaker split;
  std::string mixed;  // as check_makers() returns it
};
// Throws Error(input), or warns where it is allowed, for embeddings of other weights.
MadeWith made_with(const std::filesystem::path& cache, const std::string& split,
                   const std::filesystem::path& model, bool allow_mixed);

// Into the settings of a run: "embeddings: dtype" and so on of the first that is known, and "embeddings:
// mixed" where `mixed` says something.
void record_maker(const std::vector<NamedMaker>& makers, const std::string& mixed, RunRecord& record);

inline constexpr const char* kMakerPrefix = "embeddings: ";
inline constexpr const char* kMixedSetting = "embeddings: mixed";

}  // namespace pillar

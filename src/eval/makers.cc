#include "eval/makers.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"
#include "pillar/eval/compare.h"
#include "pillar/model/model_folder.h"

#include "core/shared/path_format.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

namespace pillar {
namespace {

// "weights: 'a...' there, 'b...' here": what differs, without a limit on how long a setting is.
std::string differing(const NamedMaker& a, const NamedMaker& b) {
  std::vector<std::string> parts;
  SplitMaker names = *a.maker;
  names.insert(b.maker->begin(), b.maker->end());
  for (const auto& [name, value] : names) {
    const auto in_a = a.maker->find(name), in_b = b.maker->find(name);
    const std::string one = in_a == a.maker->end() ? "unset" : in_a->second;
    const std::string other = in_b == b.maker->end() ? "unset" : in_b->second;
    if (one != other)
      parts.push_back(
          fmt::format("{}: '{}' of {}, '{}' of {}", name, printable(one), a.what, printable(other), b.what));
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

const NamedMaker* first_known(const std::vector<NamedMaker>& makers) {
  for (const NamedMaker& maker : makers)
    if (maker.maker) return &maker;
  return nullptr;
}

// What makes embeddings and is no part of the model, of the runs where it is known.
NamedMaker beside_the_model(const RunScores& run) {
  NamedMaker beside{run.name, std::nullopt};
  const std::string_view prefix = kMakerPrefix;
  for (const auto& [name, value] : run.settings) {
    if (!name.starts_with(prefix) || name == kMixedSetting) continue;
    if (!beside.maker) beside.maker.emplace();
    const std::string setting = name.substr(prefix.size());
    if (setting != "weights" && setting != "modality" && setting != "preprocess")
      beside.maker->emplace(setting, value);
  }
  return beside;
}

// Throws or warns.
void refuse_mixed(const std::string& mixed, bool allow_mixed) {
  if (mixed.empty()) return;
  if (!allow_mixed)
    fail(ErrorCategory::input,
         "embeddings that were made otherwise do not belong together: {}; embed them alike, or --allow-mixed",
         mixed);
  spdlog::warn("embeddings that were made otherwise are mixed: {}", mixed);
}

}  // namespace

NamedMaker named_maker(const std::filesystem::path& cache, const std::string& split) {
  return {"split " + split, maker_of_split(cache, split)};
}

std::string check_makers(const std::vector<NamedMaker>& makers, bool allow_mixed) {
  const NamedMaker* first = first_known(makers);
  if (first == nullptr) return {};
  std::vector<std::string> parts;
  for (const NamedMaker& maker : makers) {
    if (!maker.maker) {
      spdlog::warn("nothing says what made the embeddings of {}; those of {} are of the weights {}",
                   maker.what, first->what,
                   first->maker->count("weights") ? first->maker->at("weights") : "?");
      continue;
    }
    if (*maker.maker != *first->maker) parts.push_back(differing(*first, maker));
  }
  const std::string mixed = fmt::format("{}", fmt::join(parts, "; "));
  refuse_mixed(mixed, allow_mixed);
  return mixed;
}

namespace {

std::string check_weights(const NamedMaker& split, const std::filesystem::path& model,
                          const std::string& fingerprint, bool allow_mixed) {
  if (!split.maker) {
    spdlog::warn("nothing says what made the embeddings of {}: they must be of {}", split.what,
                 model.string());
    return {};
  }
  const auto weights = split.maker->find("weights");
  if (weights == split.maker->end() || weights->second == fingerprint) return {};
  const std::string mixed =
      fmt::format("{} is of the weights {}, {} has {}", split.what, weights->second, model, fingerprint);
  refuse_mixed(mixed, allow_mixed);
  return mixed;
}

}  // namespace

MadeWith made_with(const std::filesystem::path& cache, const std::string& split,
                   const std::filesystem::path& model, bool allow_mixed) {
  MadeWith made;
  made.fingerprint = weights_fingerprint(model);
  made.split = named_maker(cache, split);
  made.mixed = check_weights(made.split, model, made.fingerprint, allow_mixed);
  return made;
}

std::string check_compared_makers(const std::vector<RunScores>& runs, bool allow_mixed) {
  std::vector<std::string> parts;
  std::optional<NamedMaker> first;
  for (const RunScores& run : runs) {
    const auto mixed = run.settings.find(kMixedSetting);
    if (mixed != run.settings.end()) parts.push_back(fmt::format("in {}, {}", run.name, mixed->second));
    const NamedMaker beside = beside_the_model(run);
    if (!beside.maker) continue;
    if (!first) first = beside;
    if (*beside.maker != *first->maker) parts.push_back(differing(*first, beside));
  }
  const std::string mixed = fmt::format("{}", fmt::join(parts, "; "));
  refuse_mixed(mixed, allow_mixed);
  return mixed;
}

void record_maker(const std::vector<NamedMaker>& makers, const std::string& mixed, RunRecord& record) {
  const NamedMaker* first = first_known(makers);
  if (first != nullptr) {
    for (const auto& [name, value] : *first->maker) record.settings[kMakerPrefix + name] = value;
  }
  if (!mixed.empty()) record.settings[kMixedSetting] = mixed;
}

}  // namespace pillar

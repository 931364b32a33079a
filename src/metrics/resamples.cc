#include "metrics/shared/resamples.h"

#include "pillar/core/fail.h"
#include "pillar/core/thread_pool.h"

#include "metrics/replicate_pass.h"
#include "metrics/tie_groups.h"

#include <algorithm>

namespace pillar {

Resamples::Resamples(std::int64_t units, const BootstrapOptions& options)
    : units_(units),
      replicates_(options.replicates),
      blocks_((options.replicates + kReplicateLanes - 1) / kReplicateLanes) {
  check_bootstrap_options(options);
  constexpr std::int64_t kMostBytes = std::int64_t{4} << 30;
  if (blocks_ > 0 && units_ > kMostBytes / kReplicateLanes / blocks_) {
    fail(ErrorCategory::usage, "{} bootstrap replicates of {} studies need more than {} GB: take fewer",
         replicates_, units_, kMostBytes >> 30);
  }
  counts_.resize(static_cast<std::size_t>(blocks_ * units_ * kReplicateLanes));
  const int threads = options.threads == 0 ? usable_processors() : options.threads;
  parallel_for(blocks_, threads, [&](std::int64_t block) {
    const std::int64_t first = block * kReplicateLanes;
    for (std::int64_t lane = 0; lane < std::min(kReplicateLanes, replicates_ - first); ++lane) {
      std::uint8_t* counts = counts_.data() + first * units_ + lane;
      // A unit drawn 256 times, of more than 255, has a probability below 1e-500.
      for (const std::uint32_t unit : drawn_units(options.seed, first + lane, units_))
        ++counts[std::int64_t{unit} * kReplicateLanes];
    }
  });
}

RankedUnits rank_units(const RankedScores& ranked, const std::vector<std::uint32_t>& unit_of_study) {
  RankedUnits result;
  result.units.reserve(ranked.studies.size());
  RankedUnits::Step step;
  for_each_tie_group(ranked, [&](const TieGroup& group) {
    for (const std::int8_t answer : {0, 1}) {
      for (std::size_t i = group.begin; i < group.end; ++i)
        if (ranked.answers[i] == answer) result.units.push_back(unit_of_study[ranked.studies[i]]);
    }
    if (group.positives == 0) {
      step.negatives_above += static_cast<std::uint32_t>(group.negatives);
      return;
    }
    step.negatives = static_cast<std::uint32_t>(group.negatives);
    step.positives = static_cast<std::uint32_t>(group.positives);
    result.steps.push_back(step);
    step = {};
  });
  result.steps.push_back(step);
  return result;
}

void replicate_scores(const RankedUnits& ranked, const Resamples& resamples, std::span<double> auroc,
                      std::span<double> average_precision) {
  const bool want_precision = !average_precision.empty();
  for (std::int64_t block = 0; block < resamples.blocks(); ++block) {
    double areas[kReplicateLanes], precisions[kReplicateLanes];
    replicate_pass(ranked, resamples.block(block), areas, want_precision ? precisions : nullptr);
    const std::int64_t first = block * kReplicateLanes;
    const std::int64_t lanes = std::min(kReplicateLanes, resamples.replicates() - first);
    std::copy_n(areas, lanes, auroc.begin() + first);
    if (want_precision) std::copy_n(precisions, lanes, average_precision.begin() + first);
  }
}

}  // namespace pillar

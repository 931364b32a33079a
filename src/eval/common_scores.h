// Internal: what several runs have in common.
#pragma once

#include "pillar/eval/compare.h"

#include <cstdint>
#include <string>
#include <vector>

namespace pillar {

struct CommonNames {
  std::vector<std::string> names;
  std::vector<std::vector<std::int64_t>> of_run;  // a run's index to that of `names`, -1 where it has none
};

// Sorted, so that what is drawn does not depend on the order of a file.
CommonNames common_accessions(const std::vector<RunScores>& runs);
CommonNames common_questions(const std::vector<RunScores>& runs);  // in the first run's order

struct AlignedQuestion {
  std::vector<std::int8_t> answers;                // one a common accession; -1 where a run has none
  std::vector<std::vector<double>> scores_of_run;  // the same
  std::string category;                            // of the first run that knows it
};

// Throws Error(input) naming both runs where their answers differ.
AlignedQuestion align_question(const std::vector<RunScores>& runs, const CommonNames& accessions,
                               const std::vector<std::size_t>& question_of_run);

}  // namespace pillar

// Two studies of one patient, for questions about what changed between them.
#pragma once

#include "pillar/labels/patients.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace pillar {

struct StudyPair {
  std::string accession, prior_accession;
  double days = 0;  // from the prior study to the other
  // "<accession>|<prior_accession>": what labels and results call it.
  std::string key() const { return accession + "|" + prior_accession; }
};

struct PairTable {
  std::filesystem::path file;
  std::vector<StudyPair> pairs;
  // Of each pair's key and of each accession: accessions that are paired, directly or through others, are one
  // patient's.
  PatientTable patients;
};

// CSV with the columns accession, prior_accession, days. `patients`: CSV accession,patient, which must agree;
// may be empty. Throws Error(io), and Error(input) naming file and row: an empty accession, a pair of a study
// with itself, days that are negative (the pair is the wrong way round) or no number, a pair twice, two
// studies of two patients.
PairTable read_pairs(const std::filesystem::path& file, const std::filesystem::path& patients = {});

// What a probe sees of a pair.
enum class PairFeatures {
  all,         // current, prior, current - prior
  difference,  // current - prior
  current,     // the current study alone: what a question about change has to be asked against
};
const char* to_string(PairFeatures features) noexcept;
PairFeatures parse_pair_features(std::string_view text);  // throws Error(usage)

}  // namespace pillar

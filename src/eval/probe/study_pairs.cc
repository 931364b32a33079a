#include "pillar/eval/study_pairs.h"

#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "eval/evidence/evidence_files.h"

#include <map>
#include <set>

namespace pillar {
namespace {

namespace fs = std::filesystem;

// Accessions that belong together; each set goes by one of its members.
class JoinedAccessions {
 public:
  const std::string& root(const std::string& accession) {
    std::string& parent = parent_.emplace(accession, accession).first->second;
    if (parent == accession) return parent;
    parent = root(parent);
    return parent;
  }
  void join(const std::string& a, const std::string& b) {
    const std::string to = root(a), from = root(b);
    parent_[from] = to;
  }

 private:
  std::map<std::string, std::string> parent_;
};

StudyPair parse_pair(const std::vector<std::string>& cells, const fs::path& file, std::size_t row) {
  StudyPair pair{cells[0], cells[1], finite_cell(cells[2], file, row, "days")};
  if (pair.accession.empty() || pair.prior_accession.empty())
    fail(ErrorCategory::input, "{}: row {}: an accession is missing", file, row);
  if (pair.accession == pair.prior_accession)
    fail(ErrorCategory::input, "{}: row {}: {} is paired with itself", file, row, printable(pair.accession));
  if (pair.days < 0)
    fail(ErrorCategory::input, "{}: row {}: {} days: {} came before {}, so the pair is the wrong way round",
         file, row, pair.days, printable(pair.accession), printable(pair.prior_accession));
  return pair;
}

void check_same_patient(const StudyPair& pair, const PatientTable& known, const fs::path& file,
                        std::size_t row) {
  const auto a = known.patient_of.find(pair.accession), b = known.patient_of.find(pair.prior_accession);
  if (a == known.patient_of.end() || b == known.patient_of.end())
    fail(ErrorCategory::input, "{}: has no patient for a study of row {} of {}", known.file, row, file);
  if (a->second != b->second)
    fail(ErrorCategory::input, "{}: row {}: {} and {} are of two patients, {} and {}", file, row,
         printable(pair.accession), printable(pair.prior_accession), printable(a->second),
         printable(b->second));
}

}  // namespace

PairTable read_pairs(const fs::path& file, const fs::path& patients) {
  const CsvTable table = read_csv(file);
  const std::size_t columns[] = {table.column("accession", file), table.column("prior_accession", file),
                                 table.column("days", file)};
  PatientTable known;
  if (!patients.empty()) known = read_patients(patients);
  PairTable result;
  result.file = result.patients.file = file;
  std::set<std::string> keys;
  JoinedAccessions joined;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const std::vector<std::string>& cells = table.rows[i];
    const StudyPair pair = parse_pair({cells[columns[0]], cells[columns[1]], cells[columns[2]]}, file, i + 2);
    if (!patients.empty()) check_same_patient(pair, known, file, i + 2);
    if (!keys.insert(pair.key()).second)
      fail(ErrorCategory::input, "{}: row {}: the pair {} again", file, i + 2, printable(pair.key()));
    joined.join(pair.accession, pair.prior_accession);
    result.pairs.push_back(pair);
  }
  if (result.pairs.empty()) fail(ErrorCategory::input, "{}: has no pairs", file);
  for (const StudyPair& pair : result.pairs) {
    const auto known_as = known.patient_of.find(pair.accession);
    const std::string patient =
        known_as != known.patient_of.end() ? known_as->second : joined.root(pair.accession);
    for (const std::string& name : {pair.key(), pair.accession, pair.prior_accession})
      result.patients.patient_of[name] = patient;
  }
  return result;
}

const char* to_string(PairFeatures features) noexcept {
  if (features == PairFeatures::all) return "all";
  return features == PairFeatures::current ? "current" : "difference";
}

PairFeatures parse_pair_features(std::string_view text) {
  for (const PairFeatures features : {PairFeatures::all, PairFeatures::difference, PairFeatures::current}) {
    if (text == to_string(features)) return features;
  }
  fail(ErrorCategory::usage, "unknown features of pairs '{}'; all, difference or current", text);
}

}  // namespace pillar

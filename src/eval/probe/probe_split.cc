#include "eval/probe/probe_split.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"
#include "pillar/core/sha256.h"

#include "eval/probe/near_copies.h"
#include "eval/unknown_answers.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string_view>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace pillar {

InputRecord embeddings_record(const std::string& what, const std::filesystem::path& folder,
                              const EmbeddingSet& set) {
  const at::Tensor values = set.embeddings.contiguous();
  const ByteView bytes(static_cast<const std::uint8_t*>(values.const_data_ptr()), values.nbytes());
  const std::string text = fmt::format("{}\n{}", fmt::join(set.accessions, "\n"), sha256_hex(bytes));
  return {what, folder, sha256_hex(as_bytes(text)), bytes.size()};
}

BenchmarkSplit load_split(const std::filesystem::path& cache, const std::string& split,
                          const LabelTable& labels, const AnswerRules& rules, const ChangeOfSplit& change) {
  EmbeddingSet set = load_embeddings(cache, split);
  if (change) set = change(set, split);
  const Answers answers = answers_of(labels, set.accessions, rules);
  const auto count = static_cast<std::int64_t>(set.accessions.size());
  const std::filesystem::path folder = cache / "embeddings" / split;
  if (answers.without_row == count)
    fail(ErrorCategory::input, "{}: none of its {} accessions is in the labels ({} is the first)", folder,
         count, printable(set.accessions.front()));
  warn_of_unknown(folder.string(), answers, rules);
  BenchmarkSplit loaded;
  loaded.name = split;
  loaded.record = embeddings_record(fmt::format("{} embeddings", split), folder, set);
  loaded.maker = named_maker(cache, split);
  loaded.accessions = std::move(set.accessions);
  loaded.data = {set.embeddings, answers.answers_qn};
  loaded.given_qn = answers.given_qn;
  return loaded;
}

namespace {

// Throws unless `allow_overlap`; else warns.
void refuse_overlap(const std::string& text, bool allow_overlap) {
  if (!allow_overlap)
    fail(ErrorCategory::input, "{}: what is tested has been trained on; --allow-overlap goes on all the same",
         text);
  spdlog::warn("{}: the result says nothing about new studies", text);
}

std::string shared_accessions(const BenchmarkSplit& a, const BenchmarkSplit& b) {
  std::vector<std::string> both;
  std::set_intersection(a.accessions.begin(), a.accessions.end(), b.accessions.begin(), b.accessions.end(),
                        std::back_inserter(both));
  if (both.empty()) return {};
  return fmt::format("{} accessions are in both {} and {} ({} is the first)", both.size(), a.name, b.name,
                     printable(both.front()));
}

// A patient with studies in both. Studies that the table does not have are of no patient that is known.
std::string shared_patients(const BenchmarkSplit& a, const BenchmarkSplit& b, const PatientTable& patients) {
  std::map<std::string_view, std::string_view> study_of;  // of split a, by patient
  for (const std::string& accession : a.accessions) {
    const auto found = patients.patient_of.find(accession);
    if (found != patients.patient_of.end()) study_of.emplace(found->second, accession);
  }
  std::set<std::string_view> both;
  std::string first;
  for (const std::string& accession : b.accessions) {
    const auto found = patients.patient_of.find(accession);
    if (found == patients.patient_of.end()) continue;
    const auto other = study_of.find(found->second);
    if (other == study_of.end() || !both.insert(found->second).second || !first.empty()) continue;
    first = fmt::format("{} is the first: {} and {}", printable(found->second), printable(other->second),
                        printable(accession));
  }
  if (both.empty()) return {};
  return fmt::format("{} patients are in both {} and {} ({})", both.size(), a.name, b.name, first);
}

// Whether there are studies of which no patient is known; of a table that has some, a warning.
bool warn_of_unknown_patients(const BenchmarkSplit& split, const PatientTable& patients) {
  const auto unknown =
      std::count_if(split.accessions.begin(), split.accessions.end(),
                    [&](const std::string& accession) { return patients.patient_of.count(accession) == 0; });
  if (unknown > 0 && !patients.patient_of.empty())
    spdlog::warn(
        "{}: has no patient for {} of {} studies of {}: whether theirs are in another split cannot be "
        "told",
        patients.file.string(), unknown, split.accessions.size(), split.name);
  return unknown > 0;
}

std::string near_copies_in_words(const BenchmarkSplit& a, const BenchmarkSplit& b) {
  const NearCopies copies = find_near_copies(a.data.embeddings_nd, b.data.embeddings_nd);
  if (copies.count == 0) return {};
  return fmt::format(
      "{} of {} embeddings of {} are the same as one of {} or nearly so ({} as {}, say): their distance is "
      "at "
      "most {} of that between studies",
      copies.count, b.accessions.size(), b.name, a.name,
      printable(b.accessions[static_cast<std::size_t>(copies.row_b)]),
      printable(a.accessions[static_cast<std::size_t>(copies.row_a)]), kNearCopyShare);
}

}  // namespace

std::string check_apart(const BenchmarkSplit& a, const BenchmarkSplit& b, const PatientTable& patients,
                        bool allow_overlap) {
  const std::int64_t width_a = a.data.embeddings_nd.size(1), width_b = b.data.embeddings_nd.size(1);
  if (width_a != width_b)
    fail(ErrorCategory::input, "embeddings of split {} have {} values, those of {} have {}", a.name, width_a,
         b.name, width_b);
  const std::string accessions = shared_accessions(a, b);
  if (!accessions.empty()) {
    refuse_overlap(accessions, allow_overlap);
    return accessions;
  }
  const std::string shared = shared_patients(a, b, patients);
  if (!shared.empty()) {
    refuse_overlap(shared, allow_overlap);
    return shared;
  }
  if (!warn_of_unknown_patients(a, patients) && !warn_of_unknown_patients(b, patients)) return {};
  const std::string copies = near_copies_in_words(a, b);
  if (!copies.empty())
    spdlog::warn("{}; the same scans under other names? --patients says which studies belong together",
                 copies);
  return copies;
}

}  // namespace pillar

#include "pillar/data/outcome_pool.h"

#include "pillar/core/fail.h"
#include "pillar/core/thread_pool.h"

#include "core/shared/path_format.h"
#include "data/loader/study_check.h"
#include "data/shared/load_fault.h"

namespace pillar {
namespace {

PoolStudy pool_study(const OutcomeTable& table, std::int64_t index) {
  const OutcomeStudy& study = table.studies[static_cast<std::size_t>(index)];
  return {study.accession, study.image, table.file.string(), {study.mask, study.boxes}, study.patient};
}

void check_indices(const OutcomeTable& table, const std::vector<std::int64_t>& studies) {
  const auto count = static_cast<std::int64_t>(table.studies.size());
  if (studies.empty()) fail(ErrorCategory::usage, "{}: no studies of it are asked for", table.file);
  for (const std::int64_t index : studies) {
    if (index < 0 || index >= count)
      fail(ErrorCategory::usage, "{}: study {} of {}", table.file, index, count);
  }
}

}  // namespace

std::vector<std::int64_t> studies_of_split(const OutcomeTable& table, OutcomeSplit split) {
  std::vector<std::int64_t> studies;
  for (std::size_t i = 0; i < table.studies.size(); ++i) {
    if (table.studies[i].split == split) studies.push_back(static_cast<std::int64_t>(i));
  }
  return studies;
}

OutcomePool load_outcome_pool(const OutcomeTable& table, const std::vector<std::int64_t>& studies,
                              const PreprocessSpec& spec, int threads, std::vector<StudyFault>& faults) {
  check_indices(table, studies);
  std::vector<PoolStudy> candidates;
  for (const std::int64_t index : studies) candidates.push_back(pool_study(table, index));
  std::vector<std::string> fault_of(studies.size());  // empty: it is sound
  std::vector<StudyHeader> header_of(studies.size());
  parallel_for(static_cast<std::int64_t>(studies.size()), threads, [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    try {
      header_of[at] = check_study_headers(candidates[at], spec);
    } catch (const std::exception& error) {
      fault_of[at] = first_line(error);
    }
  });

  const std::size_t known = faults.size();
  OutcomePool pool;
  pool.spec = spec;
  std::vector<StudyHeader> headers;
  for (std::size_t i = 0; i < studies.size(); ++i) {
    PoolStudy& study = candidates[i];
    if (fault_of[i].empty()) {
      pool.studies.push_back(std::move(study));
      pool.rows.push_back(studies[i]);
      headers.push_back(std::move(header_of[i]));
      continue;
    }
    const std::int64_t row = table.studies[static_cast<std::size_t>(studies[i])].row;
    faults.push_back({fmt::format("{}, row {}", table.file, row), std::move(study.name), study.path.string(),
                      std::move(fault_of[i])});
  }
  note_headers(pool, headers);
  if (!pool.studies.empty()) return pool;
  const StudyFault& first = faults[known];
  fail(ErrorCategory::input, "{}: {}: no study left; the first of {} faults: {}: {}", first.source,
       first.name, faults.size() - known, first.path, first.fault);
}

}  // namespace pillar

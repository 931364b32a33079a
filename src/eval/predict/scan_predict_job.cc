#include "pillar/eval/scan_predict_job.h"

#include "pillar/core/batch.h"
#include "pillar/core/fail.h"
#include "pillar/core/printable.h"
#include "pillar/core/write_lock.h"

#include "core/shared/settled_path.h"
#include "data/shared/load_fault.h"
#include "embed/shared/scan_sources.h"
#include "embed/shared/settings_file.h"
#include "eval/predict/answer_table.h"

#include <chrono>
#include <set>
#include <stdexcept>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kTableInterval{60};  // between two writings of the table

fs::path settings_file(const fs::path& out) {
  return out.string() + ".json";
}

fs::path sources_file(const fs::path& out) {
  return out.string() + ".sources.csv";
}

fs::path folder_of(const fs::path& out) {
  return out.has_parent_path() ? out.parent_path() : fs::path(".");
}

// The rows that are there and may be gone on with. Records what those of this run are made with.
AnswerTable claim_table(const ScanPredictJob& job) {
  const fs::path record = settings_file(job.out);
  std::error_code error;
  const bool is_there = fs::exists(job.out, error);
  if (is_there && !job.overwrite) {
    const std::optional<Settings> then = read_settings(record);
    if (!then) {
      fail(ErrorCategory::usage,
           "{}: is there, without a record of what it was made with ({}); choose another --out, or "
           "--overwrite it",
           job.out, record);
    }
    if (*then != job.settings) {
      fail(ErrorCategory::usage, "{}: was made otherwise ({}); choose another --out, or --overwrite it",
           job.out, differences(*then, job.settings));
    }
    return AnswerTable::read(job.out, job.outputs);
  }
  for (const fs::path& file : {job.out, sources_file(job.out)}) {
    fs::remove(file, error);
    if (error) fail(ErrorCategory::io, "{}: cannot be removed: {}", file, error.message());
  }
  write_settings(record, job.settings);
  return AnswerTable(job.outputs);
}

void check_answers(const ScanPredictJob& job, const ScanAnswers& answers, std::size_t scans) {
  const std::vector<std::int64_t> shape = {static_cast<std::int64_t>(scans),
                                           static_cast<std::int64_t>(job.outputs.size())};
  bool fits = true;
  for (const at::Tensor& rows : {answers.logits_bn, answers.probabilities_bn})
    fits = fits && rows.defined() && rows.sizes() == shape && rows.scalar_type() == at::kFloat;
  for (const at::Tensor& attention : answers.attention_bdhw)
    fits = fits && attention.dim() == 4 && attention.size(0) == shape[0];
  if (job.write_maps) fits = fits && !answers.attention_bdhw.empty();
  if (!fits)
    throw std::logic_error("an answering function must return (B,outputs) float32, and maps if wanted");
}

std::string keep_answer(const ScanPredictJob& job, const BatchedScan& scan, const ScanAnswers& answers,
                        std::int64_t row, AnswerTable& table) {
  try {
    if (job.write_maps) {
      std::vector<at::Tensor> members;
      for (const at::Tensor& attention : answers.attention_bdhw) members.push_back(attention[row]);
      job.write_maps(scan, attention_on_scan(members, scan.placement));
    }
    table.put(scan.accession, answers.probabilities_bn[row], answers.logits_bn[row]);
    return {};
  } catch (const std::exception& error) {
    return first_line(error);
  }
}

}  // namespace

ScanSummary run_scan_predict(const ScanPredictJob& job, const ScanAnswerFunction& answer) {
  if (job.scans.empty() && job.missing.empty()) fail(ErrorCategory::usage, "no scans to predict");
  const WriteLock lock = WriteLock::beside(job.out);
  AnswerTable table = claim_table(job);
  remove_unfinished(folder_of(job.out), "files");
  const std::set<std::string> there = table.accessions();
  ScanSources sources(sources_file(job.out), /*overwrite=*/false);
  Clock::time_point written = Clock::now();
  ScanBatchSteps steps;
  steps.label = "predict";
  steps.identify = true;
  steps.is_there = [&](const ScanEntry& scan, const SourceIdentity& source, Notes& notes) {
    if (there.count(scan.name) == 0) return false;
    const std::optional<ScanSource> then = sources.before(scan.name);
    if (!then) {
      notes.add(fmt::format("{}: nothing says which scan the answers of that name are of; predicted again",
                            printable(scan.name)));
      return false;
    }
    if (!is_of_scan(*then, scan, source, job.out.string(), notes)) return false;
    return !job.has_maps || job.has_maps(scan.name);
  };
  const auto keep = [&](const ScanAnswers& answers, std::span<const BatchedScan> scans) {
    check_answers(job, answers, scans.size());
    std::vector<std::string> faults;
    for (std::size_t i = 0; i < scans.size(); ++i) {
      faults.push_back(keep_answer(job, scans[i], answers, static_cast<std::int64_t>(i), table));
      if (faults.back().empty())
        sources.put(scans[i].accession, {settled_path(scans[i].entry.path), scans[i].source});
    }
    if (Clock::now() - written > kTableInterval) {
      table.write(job.out);
      sources.flush();
      written = Clock::now();
    }
    return faults;
  };
  steps.compute = [&](const at::Tensor& voxels_bcdhw) -> ScanBatchSteps::Keep {
    return [&keep, answers = answer(voxels_bcdhw)](std::span<const BatchedScan> scans) {
      return keep(answers, scans);
    };
  };
  ScanSummary summary = run_scan_batch(job, steps);
  table.write(job.out);
  sources.finish();
  write_scan_failures(folder_of(job.out), summary.outcomes);
  return summary;
}

}  // namespace pillar

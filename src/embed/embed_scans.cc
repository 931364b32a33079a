#include "embed/embed_scans.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"
#include "pillar/embed/study_evidence.h"

#include "core/shared/settled_path.h"
#include "data/shared/load_fault.h"

#include <chrono>
#include <stdexcept>

#include <fmt/format.h>

namespace pillar {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kFlushInterval{60};  // of embeddings that share one CSV file

// Whether the scan's embedding is there. Throws Error(input) where that of another scan is.
bool is_embedded(const EmbedJob& job, const EmbeddingCache& cache, const ScanSources& sources,
                 const ScanEntry& scan, const SourceIdentity& source, Notes& notes) {
  std::string broken;
  const bool there = cache.contains(scan.name, broken);
  if (!there && broken.empty()) return false;
  const std::optional<ScanSource> then = sources.before(scan.name);
  if (then && !is_of_scan(*then, scan, source, fmt::format("split {}", job.split), notes)) return false;
  if (!broken.empty()) notes.add(fmt::format("{}; embedded again", broken));
  if (there && !then && !job.overwrite)
    notes.add(fmt::format("{}: nothing says which scan the embedding of that name is of; embedded again",
                          printable(scan.name)));
  const bool kept = there && then && !job.overwrite;
  return kept && (job.scales.empty() || has_study_evidence(job.cache, job.split, scan.name));
}

// Places first: an embedding that is there has them. Those of one before it go.
std::string put(const EmbedJob& job, EmbeddingCache& cache, const BatchedScan& scan,
                const at::Tensor& embedding, const at::Tensor& places) {
  try {
    if (places.defined()) {
      write_study_evidence(job.cache, job.split, scan.accession, {places, job.scales, scan.placement},
                           embedding);
    } else {
      remove_study_evidence(job.cache, job.split, scan.accession);
    }
    cache.put(scan.accession, embedding.contiguous());
    return {};
  } catch (const std::exception& error) {
    return first_line(error);
  }
}

std::vector<std::string> put_all(const EmbedJob& job, EmbeddingCache& cache,
                                 std::span<const BatchedScan> scans, const EmbeddedRows& embedded) {
  const at::Tensor& rows = embedded.rows_bn;
  if (rows.dim() != 2 || rows.size(0) != static_cast<std::int64_t>(scans.size()) ||
      rows.scalar_type() != at::kFloat)
    throw std::logic_error("an embedding function must return (B,N) float32");
  const bool with_places = !job.scales.empty();
  if (with_places && (!embedded.places_bn.defined() || embedded.places_bn.sizes() != rows.sizes()))
    throw std::logic_error("an embedding function must say where its numbers come from");
  std::vector<std::string> faults;
  for (std::size_t i = 0; i < scans.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i);
    faults.push_back(
        put(job, cache, scans[i], rows[row], with_places ? embedded.places_bn[row] : at::Tensor()));
  }
  return faults;
}

// What is said of embeddings that are about to be replaced by those of other content must not outlive them.
void withdraw_changed(ScanSources& sources, std::span<const BatchedScan> scans) {
  bool any = false;
  for (const BatchedScan& scan : scans) {
    const std::optional<ScanSource> then = sources.before(scan.accession);
    if (then && compare(then->identity, scan.source) == SourceMatch::changed)
      any = sources.withdraw(scan.accession) || any;
  }
  if (any) sources.flush();
}

}  // namespace

ScanSummary embed_scans(const EmbedJob& job, const EmbedFunction& embed, EmbeddingCache& cache,
                        ScanSources& sources, const std::string& label) {
  Clock::time_point last_flush = Clock::now();
  ScanBatchSteps steps;
  steps.label = label;
  steps.identify = true;
  steps.is_there = [&](const ScanEntry& scan, const SourceIdentity& source, Notes& notes) {
    return is_embedded(job, cache, sources, scan, source, notes);
  };
  const auto keep = [&](const EmbeddedRows& embedded, std::span<const BatchedScan> scans) {
    withdraw_changed(sources, scans);
    std::vector<std::string> faults = put_all(job, cache, scans, embedded);
    for (std::size_t i = 0; i < scans.size(); ++i) {
      if (faults[i].empty())
        sources.put(scans[i].accession, {settled_path(scans[i].entry.path), scans[i].source});
    }
    if (Clock::now() - last_flush > kFlushInterval) {
      cache.flush();
      sources.flush();
      last_flush = Clock::now();
    }
    return faults;
  };
  steps.compute = [&](const at::Tensor& voxels_bcdhw) -> ScanBatchSteps::Keep {
    return [&keep, embedded = embed(voxels_bcdhw)](std::span<const BatchedScan> scans) {
      return keep(embedded, scans);
    };
  };
  ScanSummary summary = run_scan_batch(job, steps);
  cache.flush();
  return summary;
}

}  // namespace pillar

#include "embed/embed_together.h"

#include "pillar/core/fail.h"

#include "embed/embed_scans.h"
#include "embed/open_split.h"
#include "embed/share_report.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

namespace pillar {
namespace {

// The process 0 opens the split for all, and says what is there already or why they cannot begin.
ShareReport open_for_all(const EmbedJob& job, const EmbedTeam& team, std::optional<OpenSplit>& split) {
  std::string text;
  if (team.rank == 0) {
    ShareReport opened;
    try {
      // What is said of embeddings to be made again is each process's to withdraw.
      split.emplace(open_split(job, false));
      opened.sources = split->sources.said();
    } catch (const Error& error) {
      opened.fault = error;
    }
    text = format_share_report(opened);
  }
  ShareReport opened = parse_share_report(team.broadcast(text, 0));
  if (opened.fault) throw *opened.fault;
  return opened;
}

EmbedJob share_of(const EmbedJob& job, const EmbedTeam& team) {
  EmbedJob own = job;
  own.scans.clear();
  own.missing.clear();  // the process 0 says so of them at the end
  own.quiet = job.quiet || team.rank != 0;
  for (const std::size_t place : scans_of_process(job.scans, team.rank, team.size))
    own.scans.push_back(job.scans[place]);
  return own;
}

std::map<std::string, ScanSource> sources_of(const EmbedJob& own, ShareReport opened) {
  std::map<std::string, ScanSource> sources;
  for (const ScanEntry& scan : own.scans) {
    const auto found = opened.sources.find(scan.name);
    if (found != opened.sources.end()) sources.insert(*found);
  }
  return sources;
}

void wait_for_all(const EmbedTeam& team) {
  for (std::int64_t rank = 0; rank < team.size; ++rank) team.broadcast("", rank);
}

// Its part is locked from before any process embeds until it is final, so that no later run takes it in while
// this process still lives.
ShareReport embed_share(const EmbedJob& own, const EmbedFunction& embed, const EmbedTeam& team,
                        ShareReport opened) {
  const std::filesystem::path part = part_of_sources(own, team.rank);
  const WriteLock lock = WriteLock::beside(part, WriteLock::IfHeld::wait);
  ScanSources sources = ScanSources::part(part, sources_of(own, std::move(opened)), own.overwrite);
  sources.flush();
  wait_for_all(team);
  EmbeddingCache cache(own.cache, own.split, own.format);
  ShareReport report;
  if (!own.scans.empty()) {
    const std::string label = fmt::format("embed, process {} of {}", team.rank, team.size);
    report.summary = embed_scans(own, embed, cache, sources, label);
  }
  sources.finish();
  report.sources = sources.said();
  return report;
}

// Puts the outcomes of a process to the places of its scans.
void merge(ShareReport report, const std::vector<std::size_t>& places, OpenSplit& split, ScanSummary& whole) {
  std::vector<ScanOutcome>& outcomes = report.summary.outcomes;
  if (outcomes.size() != places.size())
    fail(ErrorCategory::io, "a process reports {} scans of its {}", outcomes.size(), places.size());
  for (std::size_t i = 0; i < places.size(); ++i) whole.outcomes[places[i]] = std::move(outcomes[i]);
  whole.seconds = std::max(whole.seconds, report.summary.seconds);
  whole.idle_seconds += report.summary.idle_seconds;
  whole.queued_seconds += report.summary.queued_seconds;
  for (const auto& [accession, source] : report.sources) split.sources.put(accession, source);
}

}  // namespace

ScanSummary embed_together(const EmbedJob& job, const EmbedFunction& embed, const EmbedTeam& team) {
  if (job.format == EmbeddingFormat::csv) {
    fail(ErrorCategory::usage,
         "embeddings in one csv file are written by one process; several write npz or safetensors");
  }
  const EmbedJob own = share_of(job, team);
  std::optional<OpenSplit> split;  // of the process 0
  ShareReport opened = open_for_all(job, team, split);
  const ShareReport report = embed_share(own, embed, team, std::move(opened));
  ScanSummary whole;
  whole.outcomes.resize(job.scans.size());
  for (std::int64_t rank = 0; rank < team.size; ++rank) {
    const std::string text = team.broadcast(rank == team.rank ? format_share_report(report) : "", rank);
    if (split) merge(parse_share_report(text), scans_of_process(job.scans, rank, team.size), *split, whole);
  }
  if (!split) return report.summary;
  whole.idle_seconds /= static_cast<double>(team.size);
  whole.queued_seconds /= static_cast<double>(team.size);
  add_missing(job, whole);
  split->sources.finish();
  remove_parts(job);
  record_outcomes(job, *split, whole.outcomes);
  return whole;
}

}  // namespace pillar

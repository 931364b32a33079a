#include "rave/encode/encode_identity.h"

#include "pillar/core/batch.h"
#include "pillar/core/fail.h"

#include "core/shared/path_format.h"
#include "rave/encode/encode_records.h"

namespace pillar {
namespace {

namespace fs = std::filesystem;

// The outcome as far as headers tell it: named, and failed already if the name is another's.
EncodeOutcome name_output(OutputNames& names, const FoundScan& scan, const SampleMetadata& identity,
                          const EncodeJob& job) {
  EncodeOutcome outcome;
  outcome.source = scan.source;
  outcome.accession = identity.accession;
  outcome.series_number = identity.series_number;
  outcome.source_bytes = scan.bytes_on_disk;
  const std::string name = sample_name(identity);
  if (const auto owner = names.claim(name, scan.source)) {
    outcome.stage = "name";
    outcome.reason = fmt::format("{}: its output name {} is already that of {}", scan.source, name, *owner);
    return outcome;
  }
  outcome.status = EncodeStatus::planned;
  outcome.output = job.output_folder / (name + sample_suffix(job.prepare.config.write.archive));
  return outcome;
}

EncodeOutcome not_found(const FoundScan& scan) {
  EncodeOutcome outcome;
  outcome.source = scan.source;
  outcome.stage = "scan";
  outcome.reason = scan.fault;
  return outcome;
}

}  // namespace

std::vector<NamedScan> name_scans(std::vector<FoundScan> scans, const EncodeJob& job) {
  OutputNames names;
  std::vector<NamedScan> named;
  for (FoundScan& scan : scans) {
    NamedScan& one = named.emplace_back();
    if (!scan.fault.empty()) {
      one.outcome = not_found(scan);
    } else {
      one.identity = scan.series ? identify_series(*scan.series) : identify_volume_file(scan.source);
      one.outcome = name_output(names, scan, one.identity, job);
    }
    one.scan = std::move(scan);
  }
  return named;
}

// Masks are stored as .tar.lz4 whatever the archive option says: look for both.
bool already_there(NamedScan& named, const EncodeJob& job) {
  EncodeOutcome& outcome = named.outcome;
  const fs::path as_mask =
      job.output_folder / (sample_name(named.identity) + sample_suffix(Archive::tar_lz4));
  for (const fs::path& candidate : {outcome.output, as_mask}) {
    std::error_code ignored;
    if (!fs::exists(candidate, ignored)) continue;
    outcome.output = candidate;
    outcome.sample_bytes = bytes_below(candidate);
    outcome.status = EncodeStatus::skipped;
    return true;
  }
  return false;
}

}  // namespace pillar

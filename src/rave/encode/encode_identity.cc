#include "rave/encode/encode_identity.h"

#include "pillar/core/fail.h"
#include "pillar/rave/verify.h"

#include "core/shared/joined.h"
#include "core/shared/path_format.h"
#include "rave/encode/encode_names.h"
#include "rave/encode/encode_settings.h"

#include <algorithm>
#include <map>
#include <set>

#include <spdlog/spdlog.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kNamedClashes = 10;
constexpr Archive kContainers[] = {Archive::none, Archive::tar, Archive::tar_lz4};

void fail_named(NamedScan& named, const char* stage, std::string reason) {
  named.outcome.status = EncodeStatus::failed;
  named.outcome.stage = stage;
  named.outcome.reason = std::move(reason);
}

void begin_outcome(NamedScan& named, const SampleMetadata& identity) {
  EncodeOutcome& outcome = named.outcome;
  outcome.source = named.scan.source;
  outcome.accession = identity.accession;
  outcome.series_number = identity.series_number;
  outcome.source_bytes = named.scan.bytes_on_disk;
}

// Gives names in the order of the scans, and tells clashes.
class Names {
 public:
  Names(const EncodeJob& job, const std::vector<SampleRow>& there) : job_(job), naming_(job) {
    for (const SampleRow& row : there) {
      taken_.insert(row.sample_name);
      names_there_.emplace(without_archive_ending(row.file), row.sample_name);
    }
  }

  void give(NamedScan& named, const SampleMetadata& identity, std::vector<NamedScan>& before) {
    try {
      named.name = naming_.name(named.scan, identity);
      const auto [owner, is_new] = owners_.emplace(named.name, before.size());
      if (!is_new) return clash(named, before[owner->second]);
    } catch (const Error& error) {
      return fail_named(named, "name", error.what());
    }
    named.outcome.status = EncodeStatus::planned;
    named.outcome.output =
        job_.output_folder / (named.name + sample_suffix(job_.prepare.config.write.archive));
    named.outcome.sample_name = sample_name_of(named);
    named.record.sample_name = named.outcome.sample_name;
  }

  void check() const {
    if (clashes_.empty()) return;
    const std::vector<std::string> shown(
        clashes_.begin(),
        clashes_.begin() + static_cast<std::ptrdiff_t>(std::min(clashes_.size(), kNamedClashes)));
    fail(ErrorCategory::input, "nothing was written, since names were given twice: {}{}", joined(shown, "; "),
         clashes_.size() > shown.size() ? fmt::format("; and {} more", clashes_.size() - shown.size()) : "");
  }

 private:
  // What lies there under this name keeps what it is called; else the accession, if no other sample is.
  std::string sample_name_of(const NamedScan& named) {
    const auto there = names_there_.find(named.name);
    if (there != names_there_.end()) return there->second;
    const std::string& accession = named.outcome.accession;
    const bool by_itself = naming_.is_given() || accession.empty();
    return unique_sample_name(by_itself ? named.name : accession, named.name, taken_);
  }

  void clash(NamedScan& named, NamedScan& owner) {
    const SourceIdentity first = source_of(owner, job_), second = source_of(named, job_);
    if (compare(first, second) == SourceMatch::same) {
      spdlog::info("{}: the same scan as {}", named.scan.source.string(), owner.scan.source.string());
      named.outcome.status = EncodeStatus::skipped;
      named.outcome.output = owner.outcome.output;
      named.outcome.sample_name = owner.outcome.sample_name;
      return;
    }
    fail_named(
        named, "name",
        fmt::format("{}: its output name {} is already that of {}: that is {}, this {}", named.scan.source,
                    named.name, owner.scan.source, describe(first), describe(second)));
    if (naming_.is_given()) clashes_.push_back(named.outcome.reason);
  }

  const EncodeJob& job_;
  SampleNaming naming_;
  std::map<std::string, std::size_t> owners_;       // which scan has a name
  std::map<std::string, std::string> names_there_;  // sample_name of what lies there, by its own name
  std::set<std::string> taken_;                     // sample_names
  std::vector<std::string> clashes_;
};

// What lies there under that name, in whichever container.
std::vector<fs::path> samples_named(const fs::path& folder, const std::string& name) {
  std::vector<fs::path> found;
  for (Archive archive : kContainers) {
    std::error_code ignored;
    fs::path path = folder / (name + sample_suffix(archive));
    if (fs::exists(path, ignored)) found.push_back(std::move(path));
  }
  return found;
}

std::string path_in_mapping(const fs::path& sample, const std::vector<SampleRow>& there) {
  const std::string file = sample.filename().string();
  for (const SampleRow& row : there) {
    if (row.file == file) return row.source_path;
  }
  return "";
}

// Names the sample, the scan that it is of, and the one that asks for its name.
[[noreturn]] void refuse(const fs::path& sample, const std::string& then, const NamedScan& named,
                         const std::string& now, const std::vector<SampleRow>& there) {
  const std::string from = path_in_mapping(sample, there);
  fail(ErrorCategory::input,
       "{}: its sample would be {}, where that of another scan lies: {}{}, not {}; remove that, take another "
       "output folder, or give names (--name-template, --name-column)",
       named.scan.source, sample, then, from.empty() ? "" : fmt::format(" from {}", from), now);
}

// A sample without a record is its series' where it has that UID; of any other, nothing tells the file.
void check_unrecorded(const fs::path& sample, const SampleMetadata& metadata, const NamedScan& named,
                      const EncodeJob& job, const std::vector<SampleRow>& there) {
  const std::string uid = named.scan.series ? named.scan.series->series_uid : "";
  const bool has_uid = !metadata.series_uid.empty();
  if (has_uid && metadata.series_uid != uid)
    refuse(sample, "series " + metadata.series_uid, named, describe(named.record.source), there);
  if (job.overwrite) return;
  if (!has_uid) {
    fail(ErrorCategory::input,
         "{}: {} has no record of the scan that it is of; --overwrite makes it anew of this one",
         named.scan.source, sample);
  }
  const std::string differ =
      differences(settings_told_by(metadata, job.prepare), encode_settings(job.prepare));
  if (!differ.empty())
    fail(ErrorCategory::input, "{}: {} was made otherwise ({}); --overwrite makes it anew", named.scan.source,
         sample, differ);
  spdlog::warn("{}: has no record of its settings; it is of the same series and kept", sample.string());
}

void check_record(const fs::path& sample, const SampleRecord& then, const NamedScan& named,
                  const EncodeJob& job, const std::vector<SampleRow>& there) {
  const SourceMatch match = compare(then.source, named.record.source);
  if (match == SourceMatch::other)
    refuse(sample, describe(then.source), named, describe(named.record.source), there);
  if (job.overwrite) return;
  if (match == SourceMatch::changed) {
    fail(ErrorCategory::input,
         "{}: has changed since {} was made: {} then, {} now; --overwrite makes it anew", named.scan.source,
         sample, describe(then.source), describe(named.record.source));
  }
  const std::string differ = differences(then.settings, named.record.settings);
  if (!differ.empty())
    fail(ErrorCategory::input, "{}: {} was made with other settings ({}); --overwrite makes it anew",
         named.scan.source, sample, differ);
}

SampleMetadata metadata_there(const fs::path& sample, const NamedScan& named, const EncodeJob& job) {
  if (!looks_like_sample(sample))
    fail(ErrorCategory::input, "{}: at its sample's place lies {}, which is no sample", named.scan.source,
         sample);
  try {
    return read_sample_metadata(sample).value_or(SampleMetadata{});
  } catch (const Error& error) {
    if (job.overwrite) return {};
    fail(ErrorCategory::input,
         "{}: what lies at its sample's place cannot be read; --overwrite makes it anew: {}",
         named.scan.source, error.what());
  }
}

}  // namespace

std::vector<NamedScan> name_scans(std::vector<FoundScan> scans, const EncodeJob& job,
                                  const std::vector<SampleRow>& there) {
  Names names(job, there);
  std::vector<NamedScan> all;
  all.reserve(scans.size());
  for (FoundScan& scan : scans) {
    NamedScan named;
    named.scan = std::move(scan);
    named.record.settings = encode_settings(job.prepare);
    if (named.scan.fault.empty()) {
      const SampleMetadata identity =
          named.scan.series ? identify_series(*named.scan.series) : identify_volume_file(named.scan.source);
      begin_outcome(named, identity);
      names.give(named, identity, all);
    } else {
      begin_outcome(named, {});
      fail_named(named, "scan", named.scan.fault);
    }
    all.push_back(std::move(named));
  }
  names.check();
  return all;
}

const SourceIdentity& source_of(NamedScan& named, const EncodeJob& job) {
  SourceIdentity& source = named.record.source;
  if (!source.is_known())
    source = named.scan.series ? series_identity(*named.scan.series)
                               : volume_file_identity(named.scan.source, job.prepare.volume_index);
  return source;
}

bool must_be_made(NamedScan& named, const EncodeJob& job, const std::vector<SampleRow>& there) {
  const std::vector<fs::path> samples = samples_named(job.output_folder, named.name);
  if (samples.empty()) return true;
  source_of(named, job);
  for (const fs::path& sample : samples) {
    const SampleMetadata metadata = metadata_there(sample, named, job);
    if (metadata.record) {
      check_record(sample, *metadata.record, named, job, there);
    } else {
      check_unrecorded(sample, metadata, named, job, there);
    }
  }
  if (job.overwrite) return true;
  named.outcome.output = samples.front();
  named.outcome.sample_bytes = bytes_below(samples.front());
  named.outcome.status = EncodeStatus::skipped;
  return false;
}

void remove_other_containers(const fs::path& folder, const std::string& name, const fs::path& kept) {
  for (const fs::path& path : samples_named(folder, name)) {
    if (path == kept) continue;
    std::error_code error;
    fs::remove_all(path, error);
    if (error) fail(ErrorCategory::io, "{}: cannot remove: {}", path, error.message());
  }
}

}  // namespace pillar

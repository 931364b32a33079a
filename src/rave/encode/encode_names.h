// Internal: what samples are called: by their accession, by a column of the CSV, by a template.
#pragma once

#include "pillar/rave/encode_job.h"

#include "rave/shared/find_scans.h"

#include <filesystem>
#include <string>
#include <vector>

namespace pillar {

// Gives each scan the name of its folder or archive, without an ending such as ".tar".
class SampleNaming {
 public:
  // Throws Error(usage) for a template that has an unknown field or none, or that asks for {name} where the
  // inputs have none; Error(input) for one input with two names.
  explicit SampleNaming(const EncodeJob& job);

  // Throws Error(input) naming the scan: a field of the template that it does not have, or a name that no
  // sample can have.
  std::string name(const FoundScan& scan, const SampleMetadata& identity) const;

  // Whether the user gave the names: then two scans of one name are a mistake of theirs.
  bool is_given() const noexcept { return !parts_.empty() || !names_.empty(); }

 private:
  struct Part {
    std::string text;   // as it stands
    std::string field;  // or the name of a field
  };

  std::string filled(const FoundScan& scan, const SampleMetadata& identity) const;

  std::vector<Part> parts_;
  std::vector<std::string> names_;  // one an input, or none
};

}  // namespace pillar

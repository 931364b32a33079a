// Internal: how reports speak of findings.
#pragma once

#include "pillar/phantom/phantom.h"

#include <string>
#include <vector>

namespace pillar::phantom {

// Sentences hold {side} {Side} {site} {size} {dark}, and {a} or {A} before a size, which report.cc fills in.
// One sentence speaks of one finding, a statement holds no word of denial, and a denial holds one:
// findings_in_report() relies on it.
struct Vocabulary {
  std::vector<const char*> statements;   // section FINDINGS
  std::vector<const char*> conclusions;  // section IMPRESSION
  std::vector<const char*> denials;
  std::vector<std::vector<const char*>>
      cues;  // a sentence is about the finding if it has all words of any of these
};
const Vocabulary& vocabulary(FindingKind kind);

struct Section {
  const char* heading;
  std::vector<FindingKind> kinds;
  std::vector<const char*> normal;  // remarks on what phantoms never show
};
const std::vector<Section>& report_sections();

const std::vector<const char*>& denial_words();  // lower case

}  // namespace pillar::phantom

// Free-text reports, and the reading of them by the same vocabulary.
#include "phantom/random.h"
#include "phantom/scene.h"
#include "phantom/vocabulary.h"

#include <cctype>

#include <fmt/format.h>

namespace pillar {
namespace phantom {
namespace {

std::string capitalized(std::string text) {
  if (!text.empty()) text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

template <typename List>
const auto& pick(const List& list, Random& random) {
  return list[static_cast<std::size_t>(random.below(static_cast<int>(list.size())))];
}

std::string ordinal(const std::string& number) {
  return number + (number == "1" ? "st" : number == "2" ? "nd" : number == "3" ? "rd" : "th");
}

std::string site_words(const Finding& finding) {
  const std::string_view prefix = "rib ";
  return finding.site.starts_with(prefix) ? ordinal(finding.site.substr(prefix.size())) + " rib"
                                          : finding.site;
}

std::string size_words(double size_mm, bool centimetres) {
  const int millimetres = static_cast<int>(std::floor(size_mm + 0.5));
  if (centimetres && millimetres >= 10) return fmt::format("{}.{} cm", millimetres / 10, millimetres % 10);
  return fmt::format("{} mm", millimetres);
}

// "an 8 mm", "an 11 mm", "an 18 mm", else "a".
const char* article(const std::string& size) {
  const bool vowel = size[0] == '8' || size.starts_with("11 ") || size.starts_with("18 ");
  return vowel ? "an" : "a";
}

struct Writer {
  Random random;
  Modality modality;
  bool centimetres;  // a radiologist keeps to one unit

  std::string sentence(const std::vector<const char*>& choices, const Finding& finding) {
    const std::string size = size_words(finding.size_mm, centimetres);
    const char* dark = modality == Modality::ct ? "hypodense" : "T1-hypointense";
    return capitalized(fmt::format(fmt::runtime(pick(choices, random)), fmt::arg("side", finding.side),
                                   fmt::arg("Side", capitalized(finding.side)),
                                   fmt::arg("site", site_words(finding)), fmt::arg("size", size),
                                   fmt::arg("a", article(size)), fmt::arg("A", capitalized(article(size))),
                                   fmt::arg("dark", dark)));
  }
};

std::string section_text(Writer& writer, const Section& section, const std::vector<Finding>& findings) {
  std::vector<std::string> sentences;
  for (FindingKind kind : section.kinds) {
    const auto found =
        std::find_if(findings.begin(), findings.end(), [&](const Finding& f) { return f.kind == kind; });
    if (found != findings.end()) {
      sentences.insert(sentences.begin(), writer.sentence(vocabulary(kind).statements, *found));
    } else if (writer.random.chance(0.6)) {
      sentences.emplace_back(pick(vocabulary(kind).denials, writer.random));
    }
  }
  if (sentences.empty() || writer.random.chance(0.6))
    sentences.emplace_back(pick(section.normal, writer.random));
  return fmt::format("{}", fmt::join(sentences, " "));
}

std::string conclusion_text(Writer& writer, const std::vector<Finding>& findings) {
  static const std::vector<const char*> nothing = {"No acute abnormality.", "Normal examination.",
                                                   "No significant abnormality of chest or upper abdomen."};
  if (findings.empty()) return pick(nothing, writer.random);
  const bool numbered = findings.size() > 1 || writer.random.chance(0.3);
  std::string text;
  int number = 0;
  for (const Finding& finding : findings) {
    if (!text.empty()) text += '\n';
    if (numbered) text += fmt::format("{}. ", ++number);
    text += writer.sentence(vocabulary(finding.kind).conclusions, finding);
  }
  return text;
}

}  // namespace

std::string report_text(std::uint64_t seed, const std::vector<Finding>& findings, Modality modality,
                        double slice_mm) {
  static const std::vector<const char*> indications = {"Cough and weight loss", "Chest pain",
                                                       "Fall from height",      "Shortness of breath",
                                                       "Abdominal discomfort",  "Routine follow-up"};
  Writer writer{Random(seed, kReportStream), modality, false};
  writer.centimetres = writer.random.chance(0.5);
  const bool upper_case = writer.random.chance(0.5);  // headings on lines of their own, or in running text
  std::string text = fmt::format("{}: {} of the chest and upper abdomen.\n",
                                 upper_case ? "EXAM" : "Examination", to_string(modality));
  text += fmt::format("{}: {}.\n", upper_case ? "INDICATION" : "Clinical history",
                      pick(indications, writer.random));
  if (writer.random.chance(0.5)) {
    text += fmt::format("{}: Axial {}images, {:.1f} mm apart.\n", upper_case ? "TECHNIQUE" : "Technique",
                        modality == Modality::mr ? "T1-weighted " : "", slice_mm);
  }
  text += upper_case ? "FINDINGS:\n" : "Findings:\n";
  for (const Section& section : report_sections()) {
    const std::string body = section_text(writer, section, findings);
    text += upper_case ? fmt::format("{}: {}\n", section.heading, body) : fmt::format("{}\n", body);
  }
  text += upper_case ? "IMPRESSION:\n" : "Conclusion:\n";
  return text + conclusion_text(writer, findings) + "\n";
}

}  // namespace phantom

std::string make_report(std::uint64_t seed, const Phantom& phantom) {
  return phantom::report_text(seed, phantom.findings, phantom.volume.modality,
                              phantom.volume.geometry.spacing_xyz_mm[2]);
}

namespace {

// Ends at a full stop that a space or the end of the line follows: "1.4 cm" is no end.
std::vector<std::string> sentences_of(std::string_view text) {
  std::vector<std::string> result(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool line_end = text[i] == '\n';
    const bool stop = text[i] == '.' &&
                      (i + 1 == text.size() || std::isspace(static_cast<unsigned char>(text[i + 1])) != 0);
    if (line_end || stop) {
      if (!result.back().empty()) result.emplace_back();
    } else {
      result.back() += static_cast<char>(std::tolower(static_cast<unsigned char>(text[i])));
    }
  }
  return result;
}

bool has(const std::string& sentence, const char* word) {
  return sentence.find(word) != std::string::npos;
}

bool states(const std::string& sentence, FindingKind kind) {
  for (const char* word : phantom::denial_words()) {
    const std::size_t at = sentence.find(word);
    // At the start of a word: "nodule" does not deny.
    if (at != std::string::npos && (at == 0 || sentence[at - 1] == ' ')) return false;
  }
  const auto& cues = phantom::vocabulary(kind).cues;
  return std::any_of(cues.begin(), cues.end(), [&](const auto& words) {
    return std::all_of(words.begin(), words.end(), [&](const char* word) { return has(sentence, word); });
  });
}

}  // namespace

std::vector<FindingKind> findings_in_report(std::string_view report) {
  const std::vector<std::string> sentences = sentences_of(report);
  std::vector<FindingKind> found;
  for (FindingKind kind : all_findings()) {
    if (std::any_of(sentences.begin(), sentences.end(),
                    [&](const std::string& s) { return states(s, kind); }))
      found.push_back(kind);
  }
  return found;
}

}  // namespace pillar

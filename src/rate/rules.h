// Internal: labels by patterns of words, for demos, tests and as a yardstick: no language model. Negation and
// history are scopes that a term opens within a sentence, after NegEx (Chapman et al., Journal of Biomedical
// Informatics 34, 2001) and ConText (Harkema et al., the same, 42, 2009).
#pragma once

#include "rate/answer_text.h"

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace pillar {

// Words in lower case; one that ends in "*" stands for all that begin so.
using WordPattern = std::vector<std::string>;

struct ScopeTerms {
  std::vector<WordPattern> before;  // open a scope to the end of the clause: "no", "free of"
  std::vector<WordPattern> after;   // close one from the clause's beginning: "is ruled out"
};

struct RuleBook {
  std::string name;
  std::vector<std::string> skipped_sections;  // headings, lower case: what follows is not read
  ScopeTerms negation, history, family, uncertain;
  std::vector<WordPattern> clause_ends;  // "but"
  std::vector<WordPattern> comparisons;  // of what speaks of earlier examinations
  // By question. A pattern is met by a sentence that has all of its words.
  std::map<std::string, std::vector<WordPattern>> questions;
};

// Throws Error(io | input) naming file, line and key.
RuleBook load_rules(const std::filesystem::path& file);

// Yes where a sentence states it, the sentence being the quote; Uncertain where one leaves it open; else No,
// with the sentence that denies it, if there is one. Throws Error(usage) for a question without a rule.
SpokenAnswer answer_by_rules(const RuleBook& rules, std::string_view report, const std::string& question);

// The report without sentences that speak of earlier examinations.
std::string without_comparisons(const RuleBook& rules, std::string_view report);
// Its sections that are read.
std::string findings_by_rules(const RuleBook& rules, std::string_view report);
// Sentences that meet a pattern of one of the questions.
std::string category_by_rules(const RuleBook& rules, std::string_view findings,
                              const std::vector<std::string>& questions);

}  // namespace pillar

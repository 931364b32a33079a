#include "rate/rules.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "rate/sentences.h"

#include <algorithm>

namespace pillar {
namespace {

// How surely a sentence says something; the surer is smaller.
enum class Said { stated, open, denied, elsewhere, nothing };

bool word_matches(const std::string& word, const std::string& pattern) {
  return pattern.ends_with('*') ? word.starts_with(pattern.substr(0, pattern.size() - 1)) : word == pattern;
}

bool phrase_at(const std::vector<std::string>& words, std::size_t at, const WordPattern& phrase) {
  if (at + phrase.size() > words.size()) return false;
  for (std::size_t i = 0; i < phrase.size(); ++i) {
    if (!word_matches(words[at + i], phrase[i])) return false;
  }
  return true;
}

bool has_phrase(const std::vector<std::string>& words, const std::vector<WordPattern>& phrases) {
  for (std::size_t at = 0; at < words.size(); ++at) {
    for (const WordPattern& phrase : phrases) {
      if (phrase_at(words, at, phrase)) return true;
    }
  }
  return false;
}

// The words of a sentence, and what the scopes in it make of each.
struct ReadSentence {
  std::vector<std::string> words;
  std::vector<Said> said;
};

void open_scope(ReadSentence& sentence, std::size_t begin, std::size_t end, Said said) {
  for (std::size_t i = begin; i < end; ++i) sentence.said[i] = std::max(sentence.said[i], said);
}

void apply_scope(ReadSentence& sentence, std::size_t begin, std::size_t end, const ScopeTerms& terms,
                 Said said) {
  for (std::size_t at = begin; at < end; ++at) {
    for (const WordPattern& phrase : terms.before) {
      if (phrase_at(sentence.words, at, phrase)) open_scope(sentence, at + phrase.size(), end, said);
    }
    for (const WordPattern& phrase : terms.after) {
      if (phrase_at(sentence.words, at, phrase)) open_scope(sentence, begin, at, said);
    }
  }
}

ReadSentence read_sentence(const RuleBook& rules, std::string_view text) {
  ReadSentence sentence;
  sentence.words = words_of(text);
  sentence.said.assign(sentence.words.size(), Said::stated);
  for (std::size_t begin = 0; begin < sentence.words.size();) {
    std::size_t end = begin;
    while (end < sentence.words.size() &&
           std::none_of(rules.clause_ends.begin(), rules.clause_ends.end(),
                        [&](const WordPattern& phrase) { return phrase_at(sentence.words, end, phrase); }))
      ++end;
    apply_scope(sentence, begin, end, rules.uncertain, Said::open);
    apply_scope(sentence, begin, end, rules.negation, Said::denied);
    apply_scope(sentence, begin, end, rules.history, Said::elsewhere);
    apply_scope(sentence, begin, end, rules.family, Said::elsewhere);
    begin = end + 1;
  }
  return sentence;
}

// A pattern is said as surely as the least sure of its words, each at its surest place.
Said said_of(const ReadSentence& sentence, const WordPattern& pattern) {
  Said least = Said::stated;
  for (const std::string& wanted : pattern) {
    Said best = Said::nothing;
    for (std::size_t i = 0; i < sentence.words.size(); ++i) {
      if (word_matches(sentence.words[i], wanted)) best = std::min(best, sentence.said[i]);
    }
    least = std::max(least, best);
  }
  return least;
}

const std::vector<WordPattern>& patterns_for(const RuleBook& rules, const std::string& question) {
  const auto found = rules.questions.find(question);
  if (found == rules.questions.end())
    fail(ErrorCategory::usage, "the rules '{}' have none for the question '{}'", rules.name,
         printable(question));
  return found->second;
}

// The sentences with their order kept, one a line where a line began.
std::string joined_sentences(const std::vector<Sentence>& sentences) {
  std::string text;
  for (const Sentence& sentence : sentences) {
    if (!text.empty()) text += sentence.begins_line ? '\n' : ' ';
    text += sentence.text;
  }
  return text;
}

}  // namespace

SpokenAnswer answer_by_rules(const RuleBook& rules, std::string_view report, const std::string& question) {
  const std::vector<WordPattern>& patterns = patterns_for(rules, question);
  Said surest = Said::nothing;
  std::string_view quote;
  for (const Sentence& text : sentences_of_report(report, rules.skipped_sections)) {
    if (!text.is_read) continue;
    const ReadSentence sentence = read_sentence(rules, text.text);
    for (const WordPattern& pattern : patterns) {
      const Said said = said_of(sentence, pattern);
      if (said >= surest) continue;
      surest = said;
      quote = text.text;
    }
  }
  const SpokenVerdict verdict = surest == Said::stated ? SpokenVerdict::yes
                                : surest == Said::open ? SpokenVerdict::uncertain
                                                       : SpokenVerdict::no;
  return {verdict, std::string(quote)};
}

std::string without_comparisons(const RuleBook& rules, std::string_view report) {
  std::vector<Sentence> kept;
  for (const Sentence& sentence : sentences_of_report(report, {})) {
    if (!has_phrase(words_of(sentence.text), rules.comparisons)) kept.push_back(sentence);
  }
  return joined_sentences(kept);
}

std::string findings_by_rules(const RuleBook& rules, std::string_view report) {
  std::vector<Sentence> kept;
  for (const Sentence& sentence : sentences_of_report(report, rules.skipped_sections)) {
    if (sentence.is_read) kept.push_back(sentence);
  }
  return kept.empty() ? "No such section" : joined_sentences(kept);
}

std::string category_by_rules(const RuleBook& rules, std::string_view findings,
                              const std::vector<std::string>& questions) {
  std::vector<Sentence> kept;
  for (const Sentence& text : sentences_of_report(findings, {})) {
    const ReadSentence sentence = read_sentence(rules, text.text);
    const bool belongs = std::any_of(questions.begin(), questions.end(), [&](const std::string& question) {
      const auto& patterns = patterns_for(rules, question);
      return std::any_of(patterns.begin(), patterns.end(), [&](const WordPattern& pattern) {
        return said_of(sentence, pattern) != Said::nothing;
      });
    });
    if (belongs) kept.push_back(text);
  }
  return kept.empty() ? "No relevant findings" : joined_sentences(kept);
}

}  // namespace pillar

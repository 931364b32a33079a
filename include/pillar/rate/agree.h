// Two sets of labels held against each other: two models, two prompts, rules against a model.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace pillar {

struct QuestionAgreement {
  std::string question, category;
  std::int64_t both_yes = 0, first_only = 0, second_only = 0, both_no = 0;  // first_only: a Yes of the first
  double agreement = 0, kappa = 0;                                          // NaN where undefined
  std::vector<std::string> differing;                                       // accessions, sorted
};

struct LabelAgreement {
  std::int64_t studies = 0;                            // in both
  std::int64_t first_studies = 0, second_studies = 0;  // in one only
  std::int64_t questions_left_out = 0;                 // in one only
  std::int64_t missing = 0;                            // answers that one of them lacks, of what both have
  QuestionAgreement overall;                           // all questions; without names and accessions
  std::vector<QuestionAgreement> questions;            // those that differ most first
};

// `first`, `second`: labels.json files. Throws what load_labels() throws, and Error(input) where they share
// no study or no question.
LabelAgreement compare_labels(const std::filesystem::path& first, const std::filesystem::path& second);

// CSV, a row for each question with the accessions that differ, separated by spaces.
void write_label_agreement(const std::filesystem::path& csv, const LabelAgreement& agreement);

}  // namespace pillar

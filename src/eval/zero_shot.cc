#include "pillar/eval/zero_shot.h"

#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/printable.h"

#include <fstream>
#include <unordered_map>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

namespace pillar {
namespace {

constexpr std::int64_t kNone = -1;

struct Question {
  std::string text;
  std::int64_t positive = kNone, negative = kNone, single = kNone;  // places of its prompts
};

std::vector<Question> questions_of(const PromptSet& set) {
  std::vector<Question> questions;
  std::unordered_map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < set.prompts.size(); ++i) {
    const Prompt& prompt = set.prompts[i];
    const auto [place, is_new] = places.emplace(prompt.question, questions.size());
    if (is_new) questions.push_back({prompt.question});
    Question& question = questions[place->second];
    std::int64_t& slot = prompt.polarity == Polarity::positive   ? question.positive
                         : prompt.polarity == Polarity::negative ? question.negative
                                                                 : question.single;
    if (slot != kNone) {
      fail(ErrorCategory::input, "{}: two prompts for the same side of '{}': '{}' and '{}'", set.source,
           printable(prompt.question), printable(set.prompts[static_cast<std::size_t>(slot)].name),
           printable(prompt.name));
    }
    slot = static_cast<std::int64_t>(i);
  }
  return questions;
}

// True for pairs, false for prompts that stand alone.
bool are_pairs(const std::vector<Question>& questions, const std::string& source) {
  const Question* single = nullptr;
  const Question* pair = nullptr;
  for (const Question& question : questions) {
    (question.single != kNone ? single : pair) = &question;
    if (question.single == kNone && (question.positive == kNone) != (question.negative == kNone)) {
      fail(ErrorCategory::input, "{}: '{}' has a {} prompt only", source, printable(question.text),
           question.negative == kNone ? "positive" : "negative");
    }
    if (question.single != kNone && (question.positive != kNone || question.negative != kNone))
      pair = &question;
  }
  if (single != nullptr && pair != nullptr) {
    fail(ErrorCategory::input,
         "{}: '{}' is a pair of prompts, '{}' a single one: their scores do not compare, put them into two "
         "files",
         source, printable(pair->text), printable(single->text));
  }
  return pair != nullptr;
}

at::Tensor picked(const at::Tensor& rows_pw, const std::vector<Question>& questions,
                  std::int64_t Question::*which) {
  std::vector<std::int64_t> places;
  for (const Question& question : questions) places.push_back(question.*which);
  return at::index_select(rows_pw, 0, at::tensor(places, at::kLong));
}

}  // namespace

ZeroShotScores zero_shot_scores(const JointSpace& space, const EmbeddingSet& images,
                                const PromptSet& prompts) {
  const at::NoGradGuard no_gradients;
  const std::vector<Question> questions = questions_of(prompts);
  ZeroShotScores scores;
  scores.probabilities = are_pairs(questions, prompts.source);
  std::vector<std::string> names;
  for (const Prompt& prompt : prompts.prompts) names.push_back(prompt.name);
  for (const Question& question : questions) scores.questions.push_back(question.text);

  const at::Tensor images_wn = image_embeddings(space, images.embeddings, images.accessions).t();
  const at::Tensor texts_pw = text_embeddings(space, prompts.vectors_pw, names, prompts.source);
  if (scores.probabilities) {
    // The difference of two cosines is one product with the difference of the rows.
    const at::Tensor sides =
        picked(texts_pw, questions, &Question::positive) - picked(texts_pw, questions, &Question::negative);
    scores.logits_qn = (logit_factor(space) * at::matmul(sides, images_wn)).contiguous();
    scores.scores_qn = at::sigmoid(scores.logits_qn);
  } else {
    scores.scores_qn = at::matmul(picked(texts_pw, questions, &Question::single), images_wn);
  }
  scores.scores_qn = scores.scores_qn.contiguous();
  return scores;
}

void write_scores(const std::filesystem::path& file, const std::vector<std::string>& accessions,
                  const ZeroShotScores& scores) {
  PartialPath partial(file);
  std::ofstream out(partial.path(), std::ios::binary);
  out << "accession," << (scores.probabilities ? "question" : "prompt") << ",score\n";
  const auto* values = scores.scores_qn.const_data_ptr<double>();
  const std::size_t studies = accessions.size();
  std::vector<std::string> questions;
  for (const std::string& question : scores.questions) questions.push_back(csv_field(question));
  for (std::size_t n = 0; n < studies && out; ++n) {
    const std::string accession = csv_field(accessions[n]);
    std::string rows;
    for (std::size_t q = 0; q < questions.size(); ++q)
      rows += fmt::format("{},{},{}\n", accession, questions[q], values[q * studies + n]);
    out << rows;
  }
  out.close();
  if (!out) fail(ErrorCategory::io, "{}: cannot write", file);
  partial.commit();
}

}  // namespace pillar

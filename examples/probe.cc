// A linear probe on embeddings that are on disk: what of the labels can be read from them.
//   probe CACHE LABELS      (CACHE of pillar-eval embed, with the splits train and test)
#include <cstdio>

#include <pillar/core/error.h>
#include <pillar/embed/embedding_cache.h>
#include <pillar/eval/probe.h>
#include <pillar/labels/labels.h>
#include <pillar/metrics/evaluation.h>

int main(int argc, char** argv) try {
  if (argc != 3) throw pillar::Error(pillar::ErrorCategory::usage, "probe takes CACHE LABELS");
  const pillar::LabelTable labels = pillar::load_labels(argv[2]);
  const auto answers = [&](const pillar::EmbeddingSet& set) {
    return pillar::answers_of(labels, set.accessions, {pillar::MissingAnswers::drop}).answers_qn;
  };
  const pillar::EmbeddingSet train = pillar::load_embeddings(argv[1], "train");
  const pillar::EmbeddingSet test = pillar::load_embeddings(argv[1], "test");
  pillar::LbfgsProbeOptions options;
  options.l2_path = {0.1};
  const pillar::LbfgsProbe fit =
      pillar::fit_probe_lbfgs({train.embeddings, answers(train)}, nullptr, options);

  const at::Tensor scores_qn = pillar::probe_probabilities(fit.probe, test.embeddings);
  const pillar::Evaluation evaluation =
      pillar::evaluate({test.accessions, labels.questions, labels.categories, scores_qn, answers(test)}, {});
  for (const pillar::QuestionEvaluation& q : evaluation.questions)
    std::printf("%-40s AUROC %.3f [%.3f, %.3f]\n", q.question.c_str(), q.auroc.value, q.auroc.low,
                q.auroc.high);
} catch (const pillar::Error& error) {
  std::fprintf(stderr, "error: %s\n", error.what());
  return static_cast<int>(pillar::exit_code(error.category()));
}

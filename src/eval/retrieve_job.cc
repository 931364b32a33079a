#include "pillar/eval/retrieve_job.h"

#include "pillar/core/fail.h"
#include "pillar/eval/prompts.h"

#include "eval/makers.h"
#include "eval/probe/probe_split.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace pillar {
namespace {

RunRecord record_of(const JointSpace& space, const RetrieveJob& job, const MadeWith& made,
                    const EmbeddingSet& images) {
  RunRecord record;
  record.kind = "retrieve";
  record.command = job.command;
  record.settings = job.settings;
  record.settings["split"] = job.split;
  record.settings["text projection"] = to_string(space.projection.kind);
  record.settings["text category"] = job.category;
  record_maker({made.split}, made.mixed, record);
  record.inputs.push_back({"model", space.model, made.fingerprint, 0});
  record.inputs.push_back(embeddings_record(fmt::format("{} embeddings", job.split),
                                            job.cache / "embeddings" / job.split, images));
  record.inputs.push_back(text_record("texts", job.text));
  return record;
}

std::optional<RetrievalQuery> answer_query(const JointSpace& space, const RetrieveJob& job,
                                           const EmbeddingSet& images) {
  if (job.query.empty() && job.report.empty()) return std::nullopt;
  const at::Tensor rows = image_embeddings(space, images.embeddings, images.accessions);
  if (!job.query.empty()) {
    const std::int64_t row = row_of_accession(images.accessions, job.query);
    return RetrievalQuery{"accession", job.query,
                          nearest_studies(rows[row], rows, images.accessions, job.nearest, job.query)};
  }
  const at::Tensor text =
      text_embeddings(space, job.report_vector.reshape({1, -1}), {"the report"}, "--report");
  return RetrievalQuery{"report", job.report, nearest_studies(text[0], rows, images.accessions, job.nearest)};
}

}  // namespace

RetrieveRun run_retrieve(const JointSpace& space, const RetrieveJob& job) {
  check_bootstrap_options(job.bootstrap);
  const MadeWith made = made_with(job.cache, job.split, space.model, job.allow_mixed);
  const EmbeddingSet images = load_embeddings(job.cache, job.split);
  RetrieveRun run;
  run.query = answer_query(space, job, images);
  const RetrievalPairs pairs = retrieval_pairs(space, images, job.text, job.category);
  if (pairs.without_text > 0)
    spdlog::warn("{}: {} of {} studies have no text there and are left out", job.text.string(),
                 pairs.without_text, images.accessions.size());
  run.evaluation = evaluate_retrieval(pairs, job.bootstrap);
  write_retrieval(job.out, run.evaluation, record_of(space, job, made, images), run.query);
  return run;
}

}  // namespace pillar

#include "train/pretrain/validation.h"

#include "pillar/metrics/retrieval.h"

#include "train/pretrain/row_losses.h"
#include "train/run/image_input.h"

#include <algorithm>
#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

namespace pillar {
namespace {

struct Rows {
  at::Tensor image, text;  // (n, W) on the CPU, of all ranks
  at::Tensor reports;      // (n) int64: equal where reports are
};

// Nothing where a rank was asked to stop meanwhile.
std::optional<Rows> embed(const PretrainOptions& options, const PretrainSetup& setup,
                          const TrainedModality& modality, const ClipModel& model, const World& world,
                          const StopQuestion& should_stop, std::vector<BadStudy>& bad) {
  const auto count = static_cast<std::int64_t>(modality.validation.studies.size());
  StudyLoaderOptions loading = loader_options(options, setup, false);
  loading.shape.batch = loading.shape.micro_batch * world.size();
  loading.shape.drop_last = loading.shape.join_single = false;
  loading.end_step = steps_per_epoch(count, loading.shape);
  StudyLoader loader(modality.validation, loading);
  AtlasPass pass;
  pass.execution = {model.device(), compute_type(options.config.precision)};
  ImageInput input(modality.windows, modality.validation.spec.pad_value, model.device(),
                   pass.execution.compute);
  std::vector<at::Tensor> images = {at::empty({0, model.readout_width()}, at::kFloat)}, texts = images;
  std::vector<std::int64_t> reports;
  while (const auto batch = loader.next()) {
    if (should_stop()) return std::nullopt;
    for (const MicroBatch& micro : batch->micro_batches) {
      for (const std::int64_t study : micro.studies)
        reports.push_back(modality.validation_reports[static_cast<std::size_t>(study)]);
      images.push_back(model.image_embeddings(modality.name, input(micro.voxels_bcdhw), pass).cpu());
      texts.push_back(
          model.text_embeddings(texts_of(modality.validation, micro.studies), pass.execution.compute).cpu());
    }
    bad.insert(bad.end(), batch->bad.begin(), batch->bad.end());
  }
  return Rows{world.all_gather_rows(at::cat(images)), world.all_gather_rows(at::cat(texts)),
              world.all_gather_rows(at::tensor(reports, at::kLong))};
}

void add_scores(std::vector<std::pair<std::string, double>>& values, const char* direction,
                const std::string& suffix, const RetrievalScores& scores) {
  const auto add = [&](const char* name, double value) {
    values.emplace_back(fmt::format("{}_{}{}", direction, name, suffix), value);
  };
  add("recall_at_1", scores.recall_at_1);
  add("recall_at_5", scores.recall_at_5);
  add("recall_at_10", scores.recall_at_10);
  add("median_rank", scores.median_rank);
}

}  // namespace

double set_loss(const at::Tensor& image_embeddings, const at::Tensor& text_embeddings, double logit_scale,
                const ContrastiveOptions& options, const at::Tensor& reports_n, double logit_bias) {
  constexpr std::int64_t kBlock = 1024;
  const double scale = std::exp(logit_scale);
  const at::Tensor reports =
      reports_n.defined() ? reports_n : at::full({image_embeddings.size(0)}, -1, at::kLong);
  const auto one_way = [&](const at::Tensor& queries, const at::Tensor& keys) {
    double sum = 0;
    for (std::int64_t first = 0; first < queries.size(0); first += kBlock) {
      const std::int64_t rows = std::min(kBlock, queries.size(0) - first);
      const at::Tensor logits = at::matmul(queries.narrow(0, first, rows), keys.t()) * scale + logit_bias;
      const at::Tensor same = same_report_rows(reports, first, rows);
      sum += row_losses(logits, same, first, options).sum(at::kDouble).item<double>();
    }
    return sum / static_cast<double>(queries.size(0));
  };
  const double of_images = one_way(image_embeddings, text_embeddings);
  if (options.kind == ContrastiveKind::siglip) return of_images;
  return (of_images + one_way(text_embeddings, image_embeddings)) / 2;
}

Validation validate_pretrain(const PretrainOptions& options, const PretrainSetup& setup,
                             const ClipModel& model, const World& world, const StopQuestion& should_stop) {
  const at::NoGradGuard no_gradients;
  Validation report;
  double sum = 0;
  const bool several = setup.modalities.size() > 1;
  for (const TrainedModality& modality : setup.modalities) {
    if (modality.validation.studies.empty()) continue;
    const std::optional<Rows> embedded =
        embed(options, setup, modality, model, world, should_stop, report.bad);
    if (!embedded) {
      report.values.clear();
      report.is_broken_off = true;
      return report;
    }
    const Rows& rows = *embedded;
    if (rows.image.size(0) == 0) continue;
    const std::string suffix = several ? fmt::format(".{}", modality.name) : std::string();
    const auto bias = model.weights().find("logit_bias");
    const double loss =
        set_loss(rows.image, rows.text, model.weights().at("logit_scale").item<double>(), options.config.loss,
                 rows.reports, bias == model.weights().end() ? 0 : bias->second.item<double>());
    sum += loss;
    report.values.emplace_back(fmt::format("loss{}", suffix), loss);
    add_scores(report.values, "i2t", suffix, retrieval_scores(rows.image, rows.text));
    add_scores(report.values, "t2i", suffix, retrieval_scores(rows.text, rows.image));
    report.values.emplace_back(fmt::format("image_spread{}", suffix), mean_pairwise_cosine(rows.image));
    report.values.emplace_back(fmt::format("text_spread{}", suffix), mean_pairwise_cosine(rows.text));
    report.values.emplace_back(fmt::format("count{}", suffix), static_cast<double>(rows.image.size(0)));
  }
  if (several && !report.values.empty()) report.values.insert(report.values.begin(), {"loss", sum});
  return report;
}

}  // namespace pillar

#include "eval/probe/probe_fit.h"

#include "pillar/core/progress.h"

#include "eval/probe/nearest_answers.h"

#include <algorithm>

#include <ATen/TensorOperators.h>
#include <spdlog/spdlog.h>

namespace pillar {
namespace {

struct Standardization {
  at::Tensor mean_d, scale_d;  // float32; undefined: none
};

Standardization standardization_of(const at::Tensor& x_nd) {
  const at::Tensor wide = x_nd.to(at::kDouble);
  const at::Tensor mean = wide.mean(0);
  at::Tensor scale = (wide - mean).square_().mean(0).sqrt_();
  scale.masked_fill_(scale == 0, 1);  // a constant column says nothing
  return {mean.to(at::kFloat), scale.to(at::kFloat)};
}

void standardize(const Standardization& by, at::Tensor& x_nd) {
  if (by.mean_d.defined()) x_nd = (x_nd - by.mean_d).div_(by.scale_d);
}

// The same logits from embeddings as they are.
LinearProbe of_raw_embeddings(const Standardization& by, const LinearProbe& probe) {
  if (!by.mean_d.defined()) return probe;
  const at::Tensor weight = probe.weight_qd / by.scale_d;
  return {weight, probe.bias_q - weight.mv(by.mean_d)};
}

LinearProbe fit_adam(const ProbeJob& job, const ProbeData& train, std::uint64_t seed, bool quiet) {
  const std::int64_t questions = train.answers_qn.size(0), width = train.embeddings_nd.size(1);
  const LinearProbe start =
      job.init.empty() ? random_probe(questions, width, seed) : load_probe_start(job.init);
  ProgressOptions options;
  options.label = "probe";
  options.unit = "epochs";
  options.total = job.adam.epochs;
  options.quiet = quiet;
  Progress progress(options);
  AdamProbeOptions adam = job.adam;
  adam.seed = seed;
  return fit_probe_adam(train, start, adam, [&](std::int64_t) { progress.advance(); });
}

LinearProbe fit_lbfgs(const ProbeJob& job, const ProbeData& train, const ProbeData* valid) {
  LbfgsProbeOptions options = job.lbfgs;
  if (job.l2) options.l2_path = {*job.l2};
  options.absolute_l2 = job.l2.has_value();
  const LbfgsProbe fit = fit_probe_lbfgs(train, valid, options);
  const double worst = *std::max_element(fit.gradient_norm_q.begin(), fit.gradient_norm_q.end());
  if (worst > options.tolerance)
    spdlog::warn("L-BFGS: the largest gradient norm is {:.2g}, not below {:.2g}", worst, options.tolerance);
  else
    spdlog::info("L-BFGS: {} passes over the data, largest gradient norm {:.2g}", fit.passes, worst);
  return fit.probe;
}

}  // namespace

ProbeFit fit_and_score(const ProbeJob& job, const ProbeData& train, const ProbeData* valid,
                       const at::Tensor& test_nd, std::uint64_t seed, bool quiet) {
  Standardization by;
  if (job.standardize) by = standardization_of(train.embeddings_nd);
  const auto scaled = [&](const ProbeData& data) {
    ProbeData to = data;
    standardize(by, to.embeddings_nd);
    return to;
  };
  const ProbeData fitted_on = scaled(train);
  ProbeFit fit;
  if (job.solver == ProbeSolver::knn) {
    at::Tensor test = test_nd;
    standardize(by, test);
    fit.ranking_qn = nearest_answers(fitted_on, test, job.neighbours);
    fit.probabilities_qn = fit.ranking_qn.to(at::kFloat);
    return fit;
  }
  std::optional<ProbeData> chosen_on;
  if (valid != nullptr) chosen_on = scaled(*valid);
  const LinearProbe fitted = job.solver == ProbeSolver::adam
                                 ? fit_adam(job, fitted_on, seed, quiet)
                                 : fit_lbfgs(job, fitted_on, chosen_on ? &*chosen_on : nullptr);
  fit.probe = of_raw_embeddings(by, fitted);
  fit.ranking_qn = probe_logits(*fit.probe, test_nd);
  fit.probabilities_qn = fit.ranking_qn.sigmoid();
  return fit;
}

}  // namespace pillar

// The linear probe of RATE: one logistic regression a question on frozen embeddings, all questions at once.
#pragma once

#include "pillar/embed/split_maker.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// logit = weight . embedding + bias
struct LinearProbe {
  at::Tensor weight_qd;  // (Q,D) float32
  at::Tensor bias_q;     // (Q) float32
};

struct ProbeData {
  at::Tensor embeddings_nd;  // (N,D) float32
  at::Tensor answers_qn;     // (Q,N) int8: 1 yes, 0 no, -1 left out of that question
};

// What a yes counts in the loss: negatives / positives of each question, 1 where there is no positive.
std::vector<double> positive_weights(const at::Tensor& answers_qn);

// As LibTorch starts a linear layer: uniform in +-1/sqrt(D). Same seed, same bits.
LinearProbe random_probe(std::int64_t questions, std::int64_t width, std::uint64_t seed);

// What the products of training are computed in.
enum class ProbePrecision {
  automatic,  // bf16 where the processor has it and an epoch is more than one batch, else fp32. One batch an
              // epoch takes the same steps whatever the seed, those of the public evaluator to float32's
              // rounding; of several, the random order moves the weights by more than bfloat16's rounding
              // does.
  fp32,
  bf16,  // centred embeddings, weights and derivatives rounded to bfloat16, sums float32: AVX-512 BF16
};
const char* to_string(ProbePrecision precision) noexcept;

// The public probe: Adam (betas 0.9, 0.999, eps 1e-8) on the mean over rows and questions of the weighted
// cross entropy, in shuffled batches.
struct AdamProbeOptions {
  std::int64_t epochs = 1000;
  double lr = 1e-3;
  double weight_decay = 0;  // L2, added to the gradient
  std::int64_t batch_size = 8192;
  std::uint64_t seed = 0;  // of the order of rows
  ProbePrecision precision = ProbePrecision::automatic;
};
// fp32 or bf16: what fit_probe_adam computes `studies` rows in. Throws Error(unsupported) for bf16 where the
// processor lacks it.
ProbePrecision precision_used(const AdamProbeOptions& options, std::int64_t studies);
// Called after each epoch.
using ProbeProgress = std::function<void(std::int64_t epoch)>;
// Throws Error(input) where data and start do not fit each other, Error(usage) for options that are no use,
// Error(input) where the weights stop being finite, with the epoch, and as precision_used().
LinearProbe fit_probe_adam(const ProbeData& train, const LinearProbe& start, const AdamProbeOptions& options,
                           const ProbeProgress& progress = {});

// The optimum itself: for each question the weights that minimise
//   mean over its known answers of the weighted cross entropy + l2/2 |weight|^2      (the bias is free)
// found by L-BFGS on whitened embeddings for all questions at once. With a valid split, each question takes
// the l2 of the path with the least weighted cross entropy there; its path ends where that has grown twice.
struct LbfgsProbeOptions {
  // Largest first; in units of the mean variance of the embeddings' columns unless absolute.
  std::vector<double> l2_path = {10, 3, 1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001};
  bool absolute_l2 = false;
  double tolerance = 1e-6;  // of the gradient's Euclidean norm, each question
  int max_passes = 2000;    // over the data, each l2
};
struct LbfgsProbe {
  LinearProbe probe;
  std::vector<double> l2_q;             // that each question took, in absolute units
  std::vector<double> gradient_norm_q;  // at the end, before the weights were rounded to float32
  std::int64_t passes = 0;
};
// `valid` may be null where l2_path has one value. A question whose known answers are all the same has
// weights of 0 and the smoothed log odds as its bias. Throws Error(input | usage) as fit_probe_adam.
LbfgsProbe fit_probe_lbfgs(const ProbeData& train, const ProbeData* valid, const LbfgsProbeOptions& options,
                           const ProbeProgress& progress = {});

// (Q,N) float32, contiguous. Throws Error(input) for another width.
at::Tensor probe_logits(const LinearProbe& probe, const at::Tensor& embeddings_nd);
// Their sigmoid. Above 17 it is 1 in float32: rank by the logits.
at::Tensor probe_probabilities(const LinearProbe& probe, const at::Tensor& embeddings_nd);

// probe.safetensors: weight (Q,D), bias (Q), mean (D), and in its metadata the questions in order as a JSON
// list and the maker of the embeddings as an object.
struct NamedProbe {
  LinearProbe probe;
  std::vector<std::string> questions;
  std::optional<SplitMaker> maker;  // of the embeddings that it was fitted on, where that is known
  at::Tensor mean_d;  // (D) float32, of the training embeddings; not defined: the file does not say it
};
void save_probe(const std::filesystem::path& file, const NamedProbe& probe);  // atomic
// Throws Error(io | input): no weight or bias, other shapes, NaN, questions that do not match.
NamedProbe load_probe(const std::filesystem::path& file);
// Keys weight (Q,D) and bias (Q), as the public probe's layer has them; `init.weight` and `init.bias` where
// those are absent.
LinearProbe load_probe_start(const std::filesystem::path& file);

}  // namespace pillar

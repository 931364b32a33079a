#include "pillar/eval/probe.h"

#include "pillar/core/fail.h"
#include "pillar/core/random.h"
#include "pillar/core/safetensors.h"

#include "eval/probe/probe_data.h"

#include <algorithm>
#include <cmath>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/isfinite.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

namespace fs = std::filesystem;

LinearProbe read_layer(const SafetensorsFile& file, const fs::path& path, const std::string& prefix) {
  LinearProbe probe{file.tensor(prefix + "weight"), file.tensor(prefix + "bias")};
  if (probe.weight_qd.dim() != 2 || probe.bias_q.dim() != 1 || !probe.weight_qd.is_floating_point() ||
      !probe.bias_q.is_floating_point() || probe.weight_qd.size(0) != probe.bias_q.size(0))
    fail(ErrorCategory::input, "{}: {}weight and {}bias are not (questions, width) and (questions)", path,
         prefix, prefix);
  for (at::Tensor* tensor : {&probe.weight_qd, &probe.bias_q}) {
    *tensor = tensor->to(at::kFloat).clone();  // a mapped file stays closed
    if (!at::isfinite(*tensor).all().item<bool>())
      fail(ErrorCategory::input, "{}: NaN or infinite weights", path);
  }
  return probe;
}

// Not defined where the file has none.
at::Tensor read_mean(const SafetensorsFile& file, const fs::path& path, std::int64_t width) {
  if (!file.contains("mean")) return {};
  const at::Tensor mean_d = file.tensor("mean").to(at::kFloat).clone();
  if (mean_d.dim() != 1 || mean_d.size(0) != width || !at::isfinite(mean_d).all().item<bool>())
    fail(ErrorCategory::input, "{}: its mean is not one finite number a column of weight", path);
  return mean_d;
}

}  // namespace

KnownAnswers count_answers(const at::Tensor& answers_qn) {
  const at::Tensor answers = answers_qn.contiguous();
  const auto* y = answers.const_data_ptr<std::int8_t>();
  KnownAnswers counts;
  for (std::int64_t q = 0; q < answers.size(0); ++q) {
    std::int64_t known = 0, yes = 0;
    for (std::int64_t n = 0; n < answers.size(1); ++n) {
      known += y[q * answers.size(1) + n] >= 0;
      yes += y[q * answers.size(1) + n] > 0;
    }
    counts.known_q.push_back(known);
    counts.yes_q.push_back(yes);
  }
  return counts;
}

std::vector<double> positive_weights(const at::Tensor& answers_qn) {
  const KnownAnswers counts = count_answers(answers_qn);
  std::vector<double> weights;
  for (std::size_t q = 0; q < counts.yes_q.size(); ++q) {
    const auto yes = static_cast<double>(counts.yes_q[q]);
    // In float32 as there, so that equal data give equal weights.
    weights.push_back(yes == 0 ? 1.0
                               : static_cast<float>((static_cast<double>(counts.known_q[q]) - yes) / yes));
  }
  return weights;
}

LogisticData logistic_data(const ProbeData& data) {
  const at::Tensor& x = data.embeddings_nd;
  const at::Tensor& y = data.answers_qn;
  if (x.dim() != 2 || x.scalar_type() != at::kFloat || x.numel() == 0)
    fail(ErrorCategory::input, "a probe needs embeddings (studies, width) of float32");
  if (y.dim() != 2 || y.scalar_type() != at::kChar || y.size(0) == 0 || y.size(1) != x.size(0))
    fail(ErrorCategory::input, "a probe needs an answer for each of {} studies and every question",
         x.size(0));
  if (!at::isfinite(x).all().item<bool>()) fail(ErrorCategory::input, "an embedding is NaN or infinite");
  return {x.contiguous(), y.t().contiguous(), positive_weights(y)};
}

LinearProbe random_probe(std::int64_t questions, std::int64_t width, std::uint64_t seed) {
  const double bound = 1 / std::sqrt(static_cast<double>(width));
  LinearProbe probe{at::empty({questions, width}, at::kFloat), at::empty({questions}, at::kFloat)};
  std::uint64_t which = 0;
  for (const at::Tensor& tensor : {probe.weight_qd, probe.bias_q}) {
    ++which;
    auto* to = tensor.mutable_data_ptr<float>();
    for (std::int64_t i = 0; i < tensor.numel(); ++i) {
      const double unit = unit_interval(mix_seed({seed, which, static_cast<std::uint64_t>(i)}));
      to[i] = static_cast<float>(bound * (2 * unit - 1));
    }
  }
  return probe;
}

at::Tensor probe_logits(const LinearProbe& probe, const at::Tensor& embeddings_nd) {
  const at::NoGradGuard no_gradients;
  if (embeddings_nd.dim() != 2 || embeddings_nd.size(1) != probe.weight_qd.size(1))
    fail(ErrorCategory::input, "the probe is for embeddings of width {}, these have {}",
         probe.weight_qd.size(1), embeddings_nd.dim() == 2 ? embeddings_nd.size(1) : 0);
  return at::addmm(probe.bias_q, embeddings_nd.to(at::kFloat), probe.weight_qd.t()).t().contiguous();
}

at::Tensor probe_probabilities(const LinearProbe& probe, const at::Tensor& embeddings_nd) {
  return probe_logits(probe, embeddings_nd).sigmoid_();
}

namespace {

// Unset in a probe of embeddings without a record, and of earlier versions.
std::optional<SplitMaker> maker_in(const std::map<std::string, std::string>& metadata, const fs::path& path) {
  const auto text = metadata.find("maker");
  if (text == metadata.end()) return std::nullopt;
  const nlohmann::json object = nlohmann::json::parse(text->second, nullptr, false);
  SplitMaker maker;
  if (!object.is_object()) fail(ErrorCategory::input, "{}: the maker in its metadata is no object", path);
  for (const auto& [name, value] : object.items()) {
    if (!value.is_string()) fail(ErrorCategory::input, "{}: the maker in its metadata is no texts", path);
    maker[name] = value.get<std::string>();
  }
  return maker;
}

}  // namespace

void save_probe(const fs::path& file, const NamedProbe& probe) {
  const nlohmann::json questions = probe.questions;
  std::vector<std::pair<std::string, at::Tensor>> tensors = {{"weight", probe.probe.weight_qd},
                                                             {"bias", probe.probe.bias_q}};
  if (probe.mean_d.defined()) tensors.emplace_back("mean", probe.mean_d);
  std::map<std::string, std::string> metadata = {{"format", "pillar-probe"}, {"questions", questions.dump()}};
  if (probe.maker) metadata["maker"] = nlohmann::json(*probe.maker).dump();
  write_safetensors(file, tensors, metadata);
}

NamedProbe load_probe(const fs::path& path) {
  const SafetensorsFile file(path);
  NamedProbe named;
  named.probe = read_layer(file, path, "");
  const auto questions = file.metadata().find("questions");
  if (questions == file.metadata().end())
    fail(ErrorCategory::input, "{}: no questions in its metadata: not written by pillar-eval probe", path);
  const nlohmann::json list = nlohmann::json::parse(questions->second, nullptr, false);
  const bool are_texts = list.is_array() && std::all_of(list.begin(), list.end(), [](const auto& question) {
                           return question.is_string();
                         });
  if (!are_texts || static_cast<std::int64_t>(list.size()) != named.probe.bias_q.numel())
    fail(ErrorCategory::input, "{}: its metadata do not name {} questions", path, named.probe.bias_q.numel());
  named.questions = list.get<std::vector<std::string>>();
  named.maker = maker_in(file.metadata(), path);
  named.mean_d = read_mean(file, path, named.probe.weight_qd.size(1));
  return named;
}

LinearProbe load_probe_start(const fs::path& path) {
  const SafetensorsFile file(path);
  const bool as_init = !file.contains("weight") && file.contains("init.weight");
  return read_layer(file, path, as_init ? "init." : "");
}

}  // namespace pillar

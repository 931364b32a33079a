#include "pillar/core/fail.h"
#include "pillar/eval/probe.h"

#include "eval/probe/logistic_pass.h"
#include "eval/probe/probe_data.h"
#include "eval/probe/question_search.h"
#include "eval/probe/whitening.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

constexpr std::size_t kGroup =
    512;  // questions that are searched at a time: bounds the memory of their histories

using Questions = std::vector<std::int64_t>;

LogisticData only(const LogisticData& data, const Questions& questions) {
  LogisticData part{
      data.x_nd, at::empty({data.x_nd.size(0), static_cast<std::int64_t>(questions.size())}, at::kChar), {}};
  const std::int64_t all = data.answers_nq.size(1);
  const auto* from = data.answers_nq.const_data_ptr<std::int8_t>();
  auto* to = part.answers_nq.mutable_data_ptr<std::int8_t>();
  for (std::int64_t n = 0; n < data.x_nd.size(0); ++n) {
    for (const std::int64_t q : questions) *to++ = from[n * all + q];
  }
  for (const std::int64_t q : questions)
    part.positive_weight_q.push_back(data.positive_weight_q[static_cast<std::size_t>(q)]);
  return part;
}

// The searches that are evaluated together. Columns of finished ones are dropped once they are many.
class Together {
 public:
  Together(const LogisticData& data, const KnownAnswers& counts, const Whitening& whitening,
           std::map<std::int64_t, QuestionSearch>& searches)
      : data_(data), counts_(counts), whitening_(whitening), searches_(searches) {}

  // Until each is done or stalled. Returns the number of passes.
  std::int64_t run(const Questions& questions, at::ScalarType type, int max_passes) {
    for (const std::int64_t q : questions) searches_.at(q).set_noise(type == at::kFloat ? 1e-7 : 1e-13);
    int passes = 0;
    for (Questions active = still_active(questions); !active.empty() && passes < max_passes; ++passes) {
      if (!part_ || 4 * active.size() < 3 * columns_.size()) take_columns(active);
      evaluate(active, type);
      active = still_active(active);
    }
    part_.reset();
    return passes;
  }

 private:
  Questions still_active(const Questions& questions) const {
    Questions active;
    for (const std::int64_t q : questions) {
      if (!searches_.at(q).done() && !searches_.at(q).stalled()) active.push_back(q);
    }
    return active;
  }

  void take_columns(const Questions& active) {
    columns_ = active;
    part_ = std::make_unique<LogisticData>(only(data_, active));
    pass_ = std::make_unique<LogisticPass>(*part_);
  }

  void evaluate(const Questions& active, at::ScalarType type) {
    const std::int64_t width = data_.x_nd.size(1);
    const auto questions = static_cast<std::int64_t>(columns_.size());
    at::Tensor weight = at::empty({questions, width}, at::kDouble),
               bias = at::empty({questions}, at::kDouble);
    for (std::int64_t k = 0; k < questions; ++k) {
      const std::vector<double>& trial = searches_.at(columns_[static_cast<std::size_t>(k)]).trial();
      std::copy_n(trial.begin(), width, weight.mutable_data_ptr<double>() + k * width);
      bias.mutable_data_ptr<double>()[k] = trial.back();
    }
    // The data stay as they are, whose numbers are exact; points and gradients change coordinates.
    const at::Tensor raw = at::matmul(weight, whitening_.basis_dd.t());
    const at::Tensor raw_bias = bias - raw.mv(whitening_.mean_d);
    const LogisticSums& sums = pass_->run(raw.to(type), raw_bias.to(type), {}, {});
    const at::Tensor of_bias = at::tensor(sums.gradient_q, at::kDouble).unsqueeze(1);
    const at::Tensor gradient =
        at::matmul(sums.gradient_qd.to(at::kDouble) - of_bias * whitening_.mean_d, whitening_.basis_dd);
    const auto count = static_cast<std::int64_t>(active.size());
    at::parallel_for(0, count, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) tell(active[static_cast<std::size_t>(i)], sums, gradient);
    });
  }

  void tell(std::int64_t q, const LogisticSums& sums, const at::Tensor& gradient_qd) {
    const auto k =
        static_cast<std::size_t>(std::lower_bound(columns_.begin(), columns_.end(), q) - columns_.begin());
    const auto known = static_cast<double>(counts_.known_q[static_cast<std::size_t>(q)]);
    const std::int64_t width = gradient_qd.size(1);
    const auto* row = gradient_qd.const_data_ptr<double>() + static_cast<std::int64_t>(k) * width;
    PointValue value{sums.loss_q[k] / known, sums.curvature_q[k] / known, {row, row + width}};
    value.gradient.push_back(sums.gradient_q[k]);
    for (double& one : value.gradient) one /= known;
    searches_.at(q).take(value);
  }

  const LogisticData& data_;
  const KnownAnswers& counts_;
  const Whitening& whitening_;
  std::map<std::int64_t, QuestionSearch>& searches_;
  Questions columns_;  // of part_, sorted
  std::unique_ptr<LogisticData> part_;
  std::unique_ptr<LogisticPass> pass_;
};

struct Found {
  at::Tensor weight_d;  // float64, in the coordinates of the embeddings
  double bias = 0, l2 = 0;
};

Found in_embeddings(const Whitening& whitening, const std::vector<double>& point, double l2) {
  const auto width = static_cast<std::int64_t>(point.size()) - 1;
  const at::Tensor turned = at::empty({width}, at::kDouble);
  std::copy_n(point.begin(), width, turned.mutable_data_ptr<double>());
  Found found;
  found.weight_d = at::matmul(whitening.basis_dd, turned);
  found.bias = point.back() - found.weight_d.dot(whitening.mean_d).item<double>();
  found.l2 = l2;
  return found;
}

LinearProbe as_probe(const std::map<std::int64_t, Found>& found, const Questions& questions,
                     std::int64_t width, at::ScalarType type) {
  const auto count = static_cast<std::int64_t>(questions.size());
  LinearProbe probe{at::empty({count, width}, type), at::empty({count}, type)};
  for (std::size_t k = 0; k < questions.size(); ++k) {
    const Found& one = found.at(questions[k]);
    probe.weight_qd[static_cast<std::int64_t>(k)].copy_(one.weight_d);
    probe.bias_q[static_cast<std::int64_t>(k)].fill_(one.bias);
  }
  return probe;
}

// Mean weighted cross entropy of each question; the weights are those of the training split.
std::vector<double> losses(const LogisticData& data, const KnownAnswers& counts, const Questions& questions,
                           const LinearProbe& probe) {
  const LogisticData part = only(data, questions);
  LogisticPass pass(part);
  const LogisticSums& sums = pass.run(probe.weight_qd, probe.bias_q, {});
  std::vector<double> means;
  for (std::size_t k = 0; k < questions.size(); ++k)
    means.push_back(sums.loss_q[k] / static_cast<double>(std::max<std::int64_t>(
                                         1, counts.known_q[static_cast<std::size_t>(questions[k])])));
  return means;
}

struct Split {
  LogisticData data;
  KnownAnswers counts;
};

struct Path {
  std::vector<double> l2;  // absolute
  const Split* valid = nullptr;
  const LbfgsProbeOptions* options = nullptr;
};

// Where a question's path was best so far.
struct Kept {
  std::vector<double> point;
  double l2 = 0, loss = std::numeric_limits<double>::infinity();
  int grown = 0;  // steps of the path since
};

// Keeps what the valid split likes better than before; returns the questions whose path goes on.
Questions keep_better(const Path& path, const Questions& open, const LinearProbe& probe, double l2,
                      const std::map<std::int64_t, QuestionSearch>& searches,
                      std::map<std::int64_t, Kept>& kept) {
  const std::vector<double> loss = losses(path.valid->data, path.valid->counts, open, probe);
  Questions next;
  for (std::size_t k = 0; k < open.size(); ++k) {
    Kept& best = kept[open[k]];
    if (best.point.empty() || loss[k] < best.loss) {
      best = {searches.at(open[k]).point(), l2, loss[k], 0};
    } else {
      ++best.grown;
    }
    if (best.grown < 2) next.push_back(open[k]);
  }
  return next;
}

// One group of questions: along the path in float32 as far as choosing needs it, then each to the tolerance,
// in float64, where its path was best.
void fit_group(const LogisticData& train, const KnownAnswers& counts, const Whitening& whitening,
               const SearchSpace& space, const Path& path, const Questions& group,
               std::map<std::int64_t, Found>& found, std::int64_t& passes) {
  constexpr double kLooser = 30;
  const double tolerance = path.options->tolerance;
  std::map<std::int64_t, QuestionSearch> searches;
  std::map<std::int64_t, Kept> kept;
  for (const std::int64_t q : group)
    searches.emplace(q, QuestionSearch(space, std::vector<double>(space.moments_d.size() + 1, 0.0)));
  Together together(train, counts, whitening, searches);
  Questions open = group;
  for (const double l2 : path.l2) {
    for (const std::int64_t q : open) searches.at(q).aim_for(l2, kLooser * tolerance);
    passes += together.run(open, at::kFloat, path.options->max_passes);
    if (path.valid == nullptr) {
      for (const std::int64_t q : open) kept[q] = {searches.at(q).point(), l2, 0, 0};
      continue;
    }
    std::map<std::int64_t, Found> here;
    for (const std::int64_t q : open) here[q] = in_embeddings(whitening, searches.at(q).point(), l2);
    open = keep_better(path, open, as_probe(here, open, train.x_nd.size(1), at::kFloat), l2, searches, kept);
  }
  for (auto& [q, search] : searches) {
    search = QuestionSearch(space, kept.at(q).point);
    search.aim_for(kept.at(q).l2, tolerance);
  }
  passes += together.run(group, at::kDouble, path.options->max_passes);
  for (const auto& [q, search] : searches) found[q] = in_embeddings(whitening, search.point(), kept.at(q).l2);
}

std::vector<double> gradient_norms(const LogisticData& data, const KnownAnswers& counts,
                                   const LinearProbe& probe, const std::vector<double>& l2_q) {
  LogisticPass pass(data);
  const at::Tensor& weight = probe.weight_qd;
  const LogisticSums& sums = pass.run(weight, probe.bias_q, {}, {false});
  std::vector<double> norms;
  for (std::int64_t q = 0; q < weight.size(0); ++q) {
    const auto index = static_cast<std::size_t>(q);
    const auto known = static_cast<double>(std::max<std::int64_t>(1, counts.known_q[index]));
    const double along = (sums.gradient_qd[q] / known + weight[q] * l2_q[index]).norm().item<double>();
    norms.push_back(std::hypot(along, sums.gradient_q[index] / known));
  }
  return norms;
}

void check(const LogisticData& data, const ProbeData* valid, const LbfgsProbeOptions& options) {
  if (options.l2_path.empty() || options.max_passes < 1 || !(options.tolerance > 0))
    fail(ErrorCategory::usage, "L-BFGS needs an l2, a tolerance above 0 and a pass over the data");
  for (const double l2 : options.l2_path) {
    if (!(l2 > 0) || !std::isfinite(l2)) fail(ErrorCategory::usage, "l2 {}: must be above 0", l2);
  }
  if (options.l2_path.size() > 1 && valid == nullptr)
    fail(ErrorCategory::usage, "choosing among {} l2 values needs a valid split", options.l2_path.size());
  if (valid != nullptr && (valid->embeddings_nd.size(1) != data.x_nd.size(1) ||
                           valid->answers_qn.size(0) != data.answers_nq.size(1)))
    fail(ErrorCategory::input, "the valid split has other widths or questions than the training split");
}

// `mean_moment`: the mean variance of the embeddings' columns.
Path path_of(const LbfgsProbeOptions& options, double mean_moment, const std::optional<Split>& valid) {
  Path path;
  path.options = &options;
  for (const double l2 : options.l2_path)
    path.l2.push_back(options.absolute_l2 ? l2 : l2 * std::max(mean_moment, 1e-12));
  if (valid) path.valid = &*valid;
  return path;
}

// With half an answer added to either side.
double smoothed_log_odds(std::int64_t yes, std::int64_t known) {
  return std::log((static_cast<double>(yes) + 0.5) / (static_cast<double>(known - yes) + 0.5));
}

}  // namespace

LbfgsProbe fit_probe_lbfgs(const ProbeData& train, const ProbeData* valid, const LbfgsProbeOptions& options,
                           const ProbeProgress& progress) {
  const at::NoGradGuard no_gradients;
  const LogisticData data = logistic_data(train);
  check(data, valid, options);
  const KnownAnswers counts = count_answers(train.answers_qn);
  const Whitening whitening = find_whitening(data.x_nd);
  const SearchSpace space{whitening.moments_d, whitening.mean_d.norm().item<double>()};
  const double mean_moment = std::accumulate(space.moments_d.begin(), space.moments_d.end(), 0.0) /
                             static_cast<double>(space.moments_d.size());
  std::optional<Split> valid_split;
  if (valid != nullptr) {
    valid_split = Split{logistic_data(*valid), count_answers(valid->answers_qn)};
    valid_split->data.positive_weight_q = data.positive_weight_q;
  }
  const Path path = path_of(options, mean_moment, valid_split);

  LbfgsProbe result;
  std::map<std::int64_t, Found> best;
  Questions group, all(static_cast<std::size_t>(data.answers_nq.size(1)));
  std::iota(all.begin(), all.end(), 0);
  for (const std::int64_t q : all) {
    const auto index = static_cast<std::size_t>(q);
    const std::int64_t yes = counts.yes_q[index], known = counts.known_q[index];
    if (yes == 0 || yes == known) {
      best[q] = {at::zeros({data.x_nd.size(1)}, at::kDouble), smoothed_log_odds(yes, known), 0};
    } else {
      group.push_back(q);
    }
    if (group.size() == kGroup || (q == all.back() && !group.empty())) {
      fit_group(data, counts, whitening, space, path, group, best, result.passes);
      if (progress) progress(q + 1);
      group.clear();
    }
  }
  const LinearProbe exact = as_probe(best, all, data.x_nd.size(1), at::kDouble);
  result.probe = {exact.weight_qd.to(at::kFloat), exact.bias_q.to(at::kFloat)};
  for (const auto& [q, one] : best) result.l2_q.push_back(one.l2);
  result.gradient_norm_q = gradient_norms(data, counts, exact, result.l2_q);
  for (const std::int64_t q : all) {  // no optimum: nothing to say of one class
    if (best.at(q).l2 == 0) result.gradient_norm_q[static_cast<std::size_t>(q)] = 0;
  }
  return result;
}

}  // namespace pillar

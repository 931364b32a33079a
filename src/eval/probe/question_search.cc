#include "eval/probe/question_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

namespace pillar {
namespace {

constexpr std::size_t kHistory = 8;
constexpr double kArmijo = 1e-4;
constexpr int kPatience = 12;  // evaluations that bring the gradient no nearer

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

void add_scaled(std::vector<double>& to, double scale, const std::vector<double>& from) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += scale * from[i];
}

}  // namespace

QuestionSearch::QuestionSearch(const SearchSpace& space, std::vector<double> start)
    : space_(&space), point_(std::move(start)), trial_(point_) {}

void QuestionSearch::aim_for(double l2, double tolerance) {
  l2_ = l2;
  tolerance_ = tolerance;
  done_ = false;
  stalled_ = false;
  best_norm_ = 0;
  tries_without_progress_ = 0;
  if (has_here_) look_from_here();
}

void QuestionSearch::set_noise(double noise) {
  tries_without_progress_ = 0;
  stalled_ = false;
  if (noise == noise_) return;
  noise_ = noise;
  has_here_ = false;
  trial_ = point_;
  pairs_.clear();
  best_norm_ = 0;
}

double QuestionSearch::penalised(double loss, const std::vector<double>& point) const {
  const double square = std::inner_product(point.begin(), point.end() - 1, point.begin(), 0.0);
  return loss + l2_ / 2 * square;
}

std::vector<double> QuestionSearch::penalised_gradient(const PointValue& evaluation,
                                                       const std::vector<double>& point) const {
  std::vector<double> gradient = evaluation.gradient;
  for (std::size_t i = 0; i + 1 < gradient.size(); ++i) gradient[i] += l2_ * point[i];
  return gradient;
}

// Whitening turns and shifts; turning keeps lengths, the shift adds mean x bias.
double QuestionSearch::norm_bound(const std::vector<double>& gradient) const {
  const double weights = std::inner_product(gradient.begin(), gradient.end() - 1, gradient.begin(), 0.0);
  return std::sqrt(weights) + (1 + space_->mean_norm) * std::abs(gradient.back());
}

void QuestionSearch::take(const PointValue& at_trial) {
  if (!has_here_) {
    here_ = at_trial;
    has_here_ = true;
    look_from_here();
    return;
  }
  const double before = penalised(here_.loss, point_), after = penalised(at_trial.loss, trial_);
  const bool better = after <= before + kArmijo * step_ * slope_ + noise_ * std::abs(before);
  if (!better || !std::isfinite(after)) {
    ++tries_without_progress_;
    // The minimum of the parabola through both values and the slope.
    const double parabola = -slope_ * step_ / (2 * (after - before - slope_ * step_));
    const double shrink = std::isfinite(parabola) ? std::clamp(parabola, 0.1, 0.5) : 0.1;
    stalled_ = tries_without_progress_ > kPatience;
    aim(step_ * shrink);
    return;
  }
  Pair pair{trial_, at_trial.gradient};
  add_scaled(pair.step, -1, point_);
  add_scaled(pair.change, -1, here_.gradient);
  const double curved = dot(pair.step, pair.change);
  if (curved > 1e-14 * dot(pair.step, pair.step)) pairs_.push_back(std::move(pair));
  if (pairs_.size() > kHistory) pairs_.pop_front();
  if (before - after > noise_ * std::abs(before)) tries_without_progress_ = 0;
  point_ = trial_;
  here_ = at_trial;
  look_from_here();
}

void QuestionSearch::look_from_here() {
  const std::vector<double> gradient = penalised_gradient(here_, point_);
  const double norm = norm_bound(gradient);
  done_ = norm <= tolerance_;
  if (best_norm_ == 0 || norm < 0.9 * best_norm_) {
    best_norm_ = norm;
    tries_without_progress_ = 0;
  } else {
    stalled_ = ++tries_without_progress_ > kPatience;
  }
  if (done_) return;
  direction_ = downhill(gradient);
  slope_ = dot(direction_, gradient);
  if (!(slope_ < 0)) {  // rounding: what the pairs say no longer fits
    pairs_.clear();
    direction_ = downhill(gradient);
    slope_ = dot(direction_, gradient);
  }
  aim(1);
}

// The two-loop recursion, from the diagonal that the whitened moments and the mean curvature of the loss
// give.
std::vector<double> QuestionSearch::downhill(const std::vector<double>& gradient) const {
  std::vector<double> direction = gradient;
  std::vector<double> alpha(pairs_.size()), rho(pairs_.size());
  std::vector<std::vector<double>> changes;
  for (const Pair& pair : pairs_) {
    changes.push_back(pair.change);
    for (std::size_t i = 0; i + 1 < pair.step.size(); ++i) changes.back()[i] += l2_ * pair.step[i];
  }
  for (std::size_t k = pairs_.size(); k-- > 0;) {
    rho[k] = 1 / dot(pairs_[k].step, changes[k]);
    alpha[k] = rho[k] * dot(pairs_[k].step, direction);
    add_scaled(direction, -alpha[k], changes[k]);
  }
  const double curvature = std::max(here_.curvature, 1e-12);
  const auto diagonal = [&](std::size_t i) {
    return i + 1 < direction.size() ? curvature * space_->moments_d[i] + l2_ + 1e-12 : curvature;
  };
  for (std::size_t i = 0; i < direction.size(); ++i) direction[i] /= diagonal(i);
  for (std::size_t k = 0; k < pairs_.size(); ++k) {
    const double beta = rho[k] * dot(changes[k], direction);
    add_scaled(direction, alpha[k] - beta, pairs_[k].step);
  }
  for (double& value : direction) value = -value;
  return direction;
}

void QuestionSearch::aim(double step) {
  step_ = step;
  trial_ = point_;
  add_scaled(trial_, step, direction_);
}

}  // namespace pillar

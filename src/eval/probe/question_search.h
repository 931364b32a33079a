// Internal: L-BFGS for one question, asked and told: it says where to look, whoever drives many of them
// evaluates all their points in one pass over the data.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

namespace pillar {

// Of all questions: the columns are whitened, so that their second moments are a diagonal.
struct SearchSpace {
  std::vector<double> moments_d;  // mean square of each column
  double mean_norm = 0;  // of the centre that was taken off: bounds what the bias adds to the gradient
};

// Loss and derivatives of the mean cross entropy, without the penalty. The last number of a point and of a
// gradient is the bias.
struct PointValue {
  double loss = 0, curvature = 0;
  std::vector<double> gradient;
};

class QuestionSearch {
 public:
  QuestionSearch(const SearchSpace& space, std::vector<double> start);

  // Goes on from where it is, under the penalty l2/2 |weight|^2, until the gradient's norm in the coordinates
  // before whitening is below `tolerance`. What was learned under another penalty stays valid.
  void aim_for(double l2, double tolerance);
  // Values that are told from now on are good to this relative error: 1e-7 where they come from float32.
  // Where that changes the next trial is the point itself, since values of two kinds do not compare.
  void set_noise(double noise);

  const std::vector<double>& trial() const { return trial_; }
  void take(const PointValue& at_trial);

  bool done() const { return done_; }
  bool stalled() const { return stalled_; }  // the noise hides what is left
  const std::vector<double>& point() const { return point_; }

 private:
  struct Pair {
    std::vector<double> step, change;  // `change` without the penalty's share
  };
  double penalised(double loss, const std::vector<double>& point) const;
  std::vector<double> penalised_gradient(const PointValue& evaluation,
                                         const std::vector<double>& point) const;
  double norm_bound(const std::vector<double>& gradient) const;
  void look_from_here();
  std::vector<double> downhill(const std::vector<double>& gradient) const;
  void aim(double step);

  const SearchSpace* space_;
  double l2_ = 0, tolerance_ = 1e-6, noise_ = 1e-7;
  std::vector<double> point_, trial_, direction_;
  PointValue here_;
  bool has_here_ = false, done_ = false, stalled_ = false;
  double step_ = 1, slope_ = 0;
  double best_norm_ = 0;
  int tries_without_progress_ = 0;
  std::deque<Pair> pairs_;
};

}  // namespace pillar

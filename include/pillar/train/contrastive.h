// The contrastive loss over a global batch, and its gradients by the two-pass gradient cache
// (docs/formats.md, "Pretraining"; GradCache, arXiv 2101.06983).
#pragma once

#include "pillar/world/world.h"

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

enum class ContrastiveKind {
  clip,    // cross-entropy of each image over all texts, and of each text over all images (arXiv 2103.00020)
  siglip,  // each pair on its own, yes or no, with a learned bias (arXiv 2303.15343)
};
const char* to_string(ContrastiveKind kind) noexcept;
ContrastiveKind parse_contrastive_kind(std::string_view text);  // throws Error(usage)

// What two studies of a batch are to each other whose reports are the same, as two normal ones may be.
enum class SameReport {
  negative,   // told apart, as any two are: what is published
  positive,   // each image belongs to both reports
  leave_out,  // the pair says nothing
};
const char* to_string(SameReport same) noexcept;
SameReport parse_same_report(std::string_view text);  // throws Error(usage)

struct ContrastiveOptions {
  ContrastiveKind kind = ContrastiveKind::clip;
  SameReport same_report = SameReport::negative;
};

// The loss over all ranks' rows, and its derivatives by this rank's; all where the rows are, so that nobody
// has to wait for a GPU.
struct ContrastiveLoss {
  at::Tensor loss;              // ()
  at::Tensor image_grad;        // (n, W)
  at::Tensor text_grad;         // (n, W)
  at::Tensor logit_scale_grad;  // (), the whole derivative, the same on every rank
  at::Tensor logit_bias_grad;   // likewise; not defined without a bias
  at::Tensor same_report;       // (), part of the global batch whose report another study has, too
};

// Rows are unit vectors, float32, n on this rank (0 too), image i belongs to text i. `reports`: a number for
// each row; rows with one number have the same report, and no number (an empty vector) is a report of its
// own. Rows of all ranks, N, stand in the order of ranks. P is what a row belongs to: itself, and with
// SameReport::positive all rows of its report; with leave_out the others of its report are not there for it.
//   clip: logits = exp(logit_scale) * image * text^T. The mean over rows of the cross-entropy with 1/|P| for
//   each of P, of images over texts and of texts over images, halved.
//   siglip: logits + logit_bias. The sum over all pairs of -log sigmoid(logit) in P, -log sigmoid(-logit)
//   outside, divided by N.
// Collective. Throws Error(usage) for siglip without a bias, and for another number of reports than of rows.
ContrastiveLoss contrastive_loss(const at::Tensor& image_embeddings, const at::Tensor& text_embeddings,
                                 const at::Tensor& logit_scale, const World& world,
                                 const ContrastiveOptions& options = {},
                                 const std::vector<std::int64_t>& reports = {},
                                 const at::Tensor& logit_bias = {});

// One modality's part of a step: its image tower run micro-batch by micro-batch, and its texts at once.
struct ContrastivePart {
  std::int64_t micro_batches = 0;  // of this rank; 0 where a small last batch left it none
  std::int64_t width = 0;          // of a row
  // Unit rows of micro-batch i. Called twice with the same i: without gradients, then with. It must replay
  // its random draws: the second pass has to see what the first saw.
  std::function<at::Tensor(std::int64_t i, bool with_gradients)> image_embeddings;
  std::function<at::Tensor()> text_embeddings;  // unit rows of all micro-batches, with gradients; called once
  // Called before the last backward of this part, also where it has nothing to run backwards.
  std::function<void()> before_last_backward;
  std::vector<std::int64_t> reports = {};  // of all micro-batches' rows, as contrastive_loss() takes them
};

struct ContrastiveStep {
  std::vector<at::Tensor> losses;       // a part each; the step's loss is their sum
  std::vector<at::Tensor> same_report;  // a part each
  // Seconds of this rank: features without gradients, loss with its gathering, features with gradients and
  // backward. On a GPU: of asking it for them.
  double first_pass_s = 0, loss_s = 0, second_pass_s = 0;
};

// Adds to `.grad` of everything the parts are made of this rank's share of the gradient of the summed loss
// over the global batch: the sum over ranks is exact, however a batch is split. logit_scale's own, and
// logit_bias' where there is one, are complete on every rank. Gradients are multiplied by `gradient_scale`. A
// single part of one micro-batch runs once only.
ContrastiveStep add_contrastive_gradients(const std::vector<ContrastivePart>& parts, at::Tensor& logit_scale,
                                          const World& world, double gradient_scale = 1,
                                          const ContrastiveOptions& options = {}, at::Tensor logit_bias = {});

}  // namespace pillar

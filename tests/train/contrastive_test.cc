#include "pillar/train/contrastive.h"

#include "pillar/core/safetensors.h"

#include "support/contrastive_case.h"
#include "support/expect_error.h"
#include "support/ranks.h"
#include "support/temp_dir.h"

#include <cmath>
#include <optional>
#include <regex>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/full.h>
#include <ATen/ops/norm.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>

namespace pillar {
namespace {

at::Tensor unit_rows(std::int64_t count, std::int64_t width, std::uint64_t seed) {
  const at::Tensor rows = at::randn({count, width}, at::detail::createCPUGenerator(seed));
  return rows / rows.norm(2, {1}, true);
}

// Relative to each tensor's largest value: rounding of another order of sums.
void expect_same(const std::map<std::string, at::Tensor>& expected, const auto& found,
                 const std::optional<std::string>& ignored = std::nullopt) {
  for (const auto& [name, reference] : expected) {
    const auto own = found.find(name);
    ASSERT_NE(own, found.end()) << name;
    // A bias in front of BatchNorm by batch statistics has no gradient but rounding noise.
    if (ignored && std::regex_search(name, std::regex(*ignored))) continue;
    const double scale = reference.abs().max().template item<double>();
    EXPECT_LE((own->second - reference).abs().max().template item<double>(), 2e-5 * scale + 1e-9) << name;
  }
}

TEST(ContrastiveLoss, IsTheMeanOfBothCrossEntropies) {
  const at::Tensor image = unit_rows(5, 8, 1), text = unit_rows(5, 8, 2), scale = at::tensor(1.5);
  const ContrastiveLoss found = contrastive_loss(image, text, scale.to(at::kFloat), World());
  const at::Tensor logits = (image.matmul(text.t()) * std::exp(1.5)).to(at::kDouble);
  double expected = 0;
  for (std::int64_t i = 0; i < 5; ++i) {
    const double own = logits[i][i].item<double>();
    expected += std::log(logits[i].exp().sum().item<double>()) - own;
    expected += std::log(logits.select(1, i).exp().sum().item<double>()) - own;
  }
  EXPECT_NEAR(found.loss.item<double>(), expected / 10, 1e-6);
}

TEST(ContrastiveLoss, DerivativesAreThoseOfTheLoss) {
  const at::Tensor image = unit_rows(4, 6, 1), text = unit_rows(4, 6, 2),
                   scale = at::tensor(1.0).to(at::kFloat);
  const ContrastiveLoss at_point = contrastive_loss(image, text, scale, World());
  constexpr double kStep = 1e-2;
  const auto slope = [&](const at::Tensor& i, const at::Tensor& t, const at::Tensor& s, const at::Tensor& i2,
                         const at::Tensor& t2, const at::Tensor& s2) {
    return (contrastive_loss(i2, t2, s2, World()).loss.item<double>() -
            contrastive_loss(i, t, s, World()).loss.item<double>()) /
           (2 * kStep);
  };
  at::Tensor nudge = at::zeros_like(image);
  nudge[1][2] = kStep;
  EXPECT_NEAR(at_point.image_grad[1][2].item<double>(),
              slope(image - nudge, text, scale, image + nudge, text, scale), 2e-4);
  EXPECT_NEAR(at_point.text_grad[1][2].item<double>(),
              slope(image, text - nudge, scale, image, text + nudge, scale), 2e-4);
  EXPECT_NEAR(at_point.logit_scale_grad.item<double>(),
              slope(image, text, scale - kStep, image, text, scale + kStep), 2e-4);
}

// The loss as its formula has it, number by number in float64.
double plain_loss(const at::Tensor& image, const at::Tensor& text, double scale, double bias,
                  const std::vector<std::int64_t>& reports, const ContrastiveOptions& options) {
  const at::Tensor logits = image.to(at::kDouble).matmul(text.to(at::kDouble).t()) * std::exp(scale);
  const std::int64_t count = logits.size(0);
  const auto same = [&](std::int64_t i, std::int64_t j) {
    const std::int64_t a = reports[static_cast<std::size_t>(i)], b = reports[static_cast<std::size_t>(j)];
    return i != j && a >= 0 && a == b;
  };
  const bool positive = options.same_report == SameReport::positive,
             leave_out = options.same_report == SameReport::leave_out;
  const auto value = [&](std::int64_t i, std::int64_t j) { return logits[i][j].item<double>(); };
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    double images = 0, texts = 0, own_images = 0, own_texts = 0, own = 0;
    for (std::int64_t j = 0; j < count; ++j) {
      if (leave_out && same(i, j)) continue;
      const bool belongs = i == j || (positive && same(i, j));
      if (options.kind == ContrastiveKind::siglip) {
        sum += std::log1p(std::exp((belongs ? -1 : 1) * (value(i, j) + bias)));
        continue;
      }
      images += std::exp(value(i, j));
      texts += std::exp(value(j, i));
      if (!belongs) continue;
      own += 1;
      own_images += value(i, j);
      own_texts += value(j, i);
    }
    if (options.kind == ContrastiveKind::clip)
      sum += (std::log(images) - own_images / own + std::log(texts) - own_texts / own) / 2;
  }
  return sum / static_cast<double>(count);
}

// Every kind of loss and use of same reports: the value in float64, and slopes of that for the derivatives.
TEST(ContrastiveLoss, EveryKindIsItsFormulaAndItsDerivatives) {
  const at::Tensor image = unit_rows(6, 5, 1), text = unit_rows(6, 5, 2);
  const std::vector<std::int64_t> reports = {4, -1, 4, 7, 4, 7};
  const double scale = 1.2, bias = -1.5;
  constexpr double kStep = 1e-5;
  for (const ContrastiveKind kind : {ContrastiveKind::clip, ContrastiveKind::siglip}) {
    for (const SameReport same : {SameReport::negative, SameReport::positive, SameReport::leave_out}) {
      const ContrastiveOptions options{kind, same};
      SCOPED_TRACE(fmt::format("{} {}", to_string(kind), to_string(same)));
      const auto plain = [&](const at::Tensor& i, const at::Tensor& t, double s, double b) {
        return plain_loss(i, t, s, b, reports, options);
      };
      const ContrastiveLoss found = contrastive_loss(image, text, at::full({}, scale, at::kFloat), World(),
                                                     options, reports, at::full({}, bias, at::kFloat));
      EXPECT_NEAR(found.loss.item<double>(), plain(image, text, scale, bias), 1e-6);
      EXPECT_DOUBLE_EQ(found.same_report.item<double>(), 5.0 / 6);
      const auto slope = [&](const at::Tensor& di, const at::Tensor& dt, double ds, double db) {
        const at::Tensor i = image.to(at::kDouble), t = text.to(at::kDouble);
        return (plain(i + di, t + dt, scale + ds, bias + db) - plain(i - di, t - dt, scale - ds, bias - db)) /
               (2 * kStep);
      };
      const at::Tensor none = at::zeros_like(image, at::kDouble);
      for (std::int64_t row = 0; row < 6; ++row) {
        at::Tensor nudge = none.clone();
        nudge[row][row % 5] = kStep;
        EXPECT_NEAR(found.image_grad[row][row % 5].item<double>(), slope(nudge, none, 0, 0), 1e-6);
        EXPECT_NEAR(found.text_grad[row][row % 5].item<double>(), slope(none, nudge, 0, 0), 1e-6);
      }
      EXPECT_NEAR(found.logit_scale_grad.item<double>(), slope(none, none, kStep, 0), 1e-6);
      ASSERT_EQ(found.logit_bias_grad.defined(), kind == ContrastiveKind::siglip);
      if (kind == ContrastiveKind::siglip) {
        EXPECT_NEAR(found.logit_bias_grad.item<double>(), slope(none, none, 0, kStep), 1e-6);
      }
    }
  }
}

TEST(ContrastiveLoss, OnlyReportsThatAreThereTwiceCount) {
  const at::Tensor image = unit_rows(4, 5, 1), text = unit_rows(4, 5, 2),
                   scale = at::full({}, 1.0, at::kFloat);
  for (const SameReport same : {SameReport::positive, SameReport::leave_out}) {
    const ContrastiveLoss found =
        contrastive_loss(image, text, scale, World(), {ContrastiveKind::clip, same}, {3, 5, -1, -1});
    EXPECT_NEAR(found.loss.item<double>(), contrastive_loss(image, text, scale, World()).loss.item<double>(),
                1e-6);
    EXPECT_EQ(found.same_report.item<double>(), 0);
  }
}

TEST(ContrastiveLoss, WhatItLacksIsAnError) {
  const at::Tensor rows = unit_rows(3, 4, 1), scale = at::full({}, 1.0, at::kFloat);
  EXPECT_PILLAR_ERROR(contrastive_loss(rows, rows, scale, World(), {ContrastiveKind::siglip}),
                      ErrorCategory::usage, testing::HasSubstr("logit_bias"));
  EXPECT_PILLAR_ERROR(contrastive_loss(rows, rows, scale, World(), {}, {1, 2}), ErrorCategory::usage,
                      testing::HasSubstr("2 reports for 3 rows"));
  EXPECT_PILLAR_ERROR(parse_contrastive_kind("sigmoid"), ErrorCategory::usage, testing::HasSubstr("siglip"));
  EXPECT_PILLAR_ERROR(parse_same_report("drop"), ErrorCategory::usage, testing::HasSubstr("leave_out"));
}

TEST(ContrastiveLoss, UnmatchedRowsAreAnError) {
  ContrastivePart part;
  part.micro_batches = 1;
  part.width = 4;
  part.image_embeddings = [](std::int64_t, bool) { return unit_rows(3, 4, 1).requires_grad_(true); };
  part.text_embeddings = [] { return unit_rows(2, 4, 2); };
  part.before_last_backward = [] {};
  at::Tensor scale = at::tensor(1.0).to(at::kFloat).requires_grad_(true);
  EXPECT_PILLAR_ERROR(add_contrastive_gradients({part}, scale, World()), ErrorCategory::input,
                      testing::HasSubstr("2 text rows"));
}

// On one thread BatchNorm's backward adds all of a batch's voxels one after the other in float32, and the
// rounding of that one sum is 3e-5 of the largest gradient of a scale: more than any split makes. Two threads
// halve the sum, whatever machine this is.
class GradientCache : public testing::Test {
 protected:
  void SetUp() override { at::set_num_threads(2); }
};

TEST_F(GradientCache, MicroBatchesGiveTheGradientsOfTheWholeBatch) {
  const World alone;
  const auto whole = test::contrastive_case(alone, 1);
  EXPECT_GT(whole.size(), 50u);
  for (const auto& [name, gradient] : whole) {
    if (name.ends_with("attn.proj.weight")) {
      EXPECT_GT(gradient.abs().max().item<double>(), 0) << name;
    }
  }
  expect_same(whole, test::contrastive_case(alone, 3));
  expect_same(whole, test::contrastive_case(alone, 12));
}

// What two processes of `scenario` end with, each.
void expect_both_ranks(const std::map<std::string, at::Tensor>& expected, const std::string& scenario,
                       const std::optional<std::string>& ignored = std::nullopt) {
  const test::TempDir dir;
  test::RankSettings settings;
  settings.environment["OUT"] = (dir / "gradients").string();
  for (const test::ProgramResult& result : test::run_ranks(2, scenario, settings))
    ASSERT_EQ(result.exit_code, 0) << result.err;
  for (const char* rank : {"0", "1"}) {
    const SafetensorsFile file(dir / fmt::format("gradients{}", rank));
    std::map<std::string, at::Tensor> found;
    for (const auto& [name, entry] : file.entries()) found.emplace(name, file.tensor(name));
    expect_same(expected, found, ignored);
  }
}

TEST_F(GradientCache, ProcessesGiveTheGradientsOfTheWholeBatch) {
  expect_both_ranks(test::contrastive_case(World(), 1), "contrastive");
}

TEST_F(GradientCache, IsExactForPairsAndForReportsThatAreTheSame) {
  const World alone;
  const ContrastiveOptions siglip{ContrastiveKind::siglip, SameReport::positive};
  for (const SameReport same : {SameReport::positive, SameReport::leave_out}) {
    const ContrastiveOptions options{ContrastiveKind::clip, same};
    expect_same(test::contrastive_case(alone, 1, false, options),
                test::contrastive_case(alone, 4, false, options));
  }
  const auto pairs = test::contrastive_case(alone, 1, false, siglip);
  EXPECT_TRUE(pairs.contains("logit_bias"));
  expect_same(pairs, test::contrastive_case(alone, 3, false, siglip));
  expect_both_ranks(pairs, "siglip");
  expect_both_ranks(test::contrastive_case(alone, 1, false, {ContrastiveKind::clip, SameReport::positive}),
                    "same_report");
}

TEST(SyncBatchNorm, SeesTheWholeBatch) {
  expect_both_ranks(test::contrastive_case(World(), 1, true), "sync_batchnorm", R"(conv1\.\d\.conv\d\.bias)");
}

}  // namespace
}  // namespace pillar

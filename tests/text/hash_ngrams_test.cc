#include "pillar/text/hash_ngrams.h"

#include "pillar/core/file.h"
#include "pillar/core/safetensors.h"
#include "pillar/phantom/phantom.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <ATen/ops/dot.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::HasSubstr;

float cosine(const HashNgrams& ngrams, const std::string& a, const std::string& b) {
  const at::Tensor rows = ngrams.embed({a, b});
  return at::dot(rows[0], rows[1]).item<float>();
}

TEST(HashNgrams, VectorsHaveLengthOneAndComeFromTheWords) {
  const HashNgrams ngrams({.width = 64});
  const at::Tensor rows =
      ngrams.embed({"Pleural effusion, 12 mm.", "PLEURAL  effusion 3.5 mm", "Pleural effusion on the left."});
  EXPECT_EQ(rows.sizes(), (at::IntArrayRef{3, 64}));
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(rows[i].norm().item<float>(), 1, 1e-6);
  EXPECT_TRUE(at::equal(rows[0], rows[1])) << "case, spaces and sizes do not count";
  EXPECT_FALSE(at::equal(rows[0], rows[2]));
  EXPECT_FALSE(
      at::equal(rows, HashNgrams({.width = 64, .seed = 1}).embed({"Pleural effusion, 12 mm.", "a", "b"})));
}

TEST(HashNgrams, ADenialIsNotTheFinding) {
  const HashNgrams ngrams({.width = 1024});
  EXPECT_GT(cosine(ngrams, "There is a pleural effusion.", "Left pleural effusion."), 0.4);
  EXPECT_LT(cosine(ngrams, "Pleural effusion.", "No pleural effusion."), 0.3);
  EXPECT_LT(cosine(ngrams, "Enlarged heart.", "The heart is not enlarged."), 0.3);
}

// Reports of the phantoms: six of each kind of finding, each in other words and with other denials.
TEST(HashNgrams, TheSameFindingsInOtherWordsAreNearerThanOthers) {
  const Phantom all = make_phantom(1, {.size = 16, .finding_probability = 1});
  ASSERT_GE(all.findings.size(), 8u);
  constexpr std::size_t kWordings = 6;
  std::vector<std::string> reports;
  for (const Finding& finding : all.findings) {
    for (std::size_t i = 0; i < kWordings; ++i)
      reports.push_back(make_report(100 + reports.size(), {all.volume, {finding}}));
  }
  HashNgrams ngrams({.width = 256});
  for (const std::string& report : reports) ngrams.count(report);
  const at::Tensor rows = ngrams.embed(reports);
  double same = 0, other = 0;
  int pairs_same = 0, pairs_other = 0;
  for (std::size_t i = 0; i < reports.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const double cosine_ij =
          at::dot(rows[static_cast<std::int64_t>(i)], rows[static_cast<std::int64_t>(j)]).item<double>();
      const bool is_same = i / kWordings == j / kWordings;
      (is_same ? same : other) += cosine_ij;
      ++(is_same ? pairs_same : pairs_other);
    }
  }
  EXPECT_GT(same / pairs_same, 2.5 * other / pairs_other);
  EXPECT_GT(same / pairs_same, 0.3);
  EXPECT_LT(other / pairs_other, 0.15);
}

TEST(HashNgrams, WhatAllReportsSayWeighsLittle) {
  HashNgrams plain({.width = 1024}), weighted({.width = 1024});
  for (int i = 0; i < 50; ++i) weighted.count("Axial images of the chest were acquired.");
  const std::string a = "Axial images of the chest were acquired. Nodule.",
                    b = "Axial images of the chest were acquired. Fracture.";
  EXPECT_GT(cosine(plain, a, b), 0.5);
  EXPECT_LT(cosine(weighted, a, b), 0.05);
}

TEST(HashNgrams, ATextWithoutWordsIsRefused) {
  EXPECT_PILLAR_ERROR(HashNgrams({}).embed({"Nodule.", " ... \n"}), ErrorCategory::input,
                      HasSubstr("without words"));
  EXPECT_PILLAR_ERROR(HashNgrams({.width = 2}), ErrorCategory::usage, HasSubstr("8 to 65536"));
  EXPECT_NEAR(HashNgrams({}).embed({"\xC3\xA9\xFF panchement"}).norm().item<float>(), 1, 1e-6) << "any bytes";
}

TEST(HashNgrams, WeightsComeBackFromTheirFile) {
  TempDir dir;
  HashNgrams ngrams({.width = 64, .seed = 3});
  ngrams.count("A nodule. A fracture.");
  ngrams.count("A nodule.");
  ngrams.save(dir / "w.safetensors");
  const HashNgrams back = HashNgrams::load(dir / "w.safetensors", {.width = 64, .seed = 3});
  EXPECT_EQ(back.reports(), 2);
  EXPECT_TRUE(
      at::equal(HashNgrams::load(dir / "w.safetensors").embed({"A fracture"}), ngrams.embed({"A fracture"})))
      << "width and seed are the file's";
  EXPECT_TRUE(at::equal(back.embed({"A nodule and a fracture"}), ngrams.embed({"A nodule and a fracture"})));
  EXPECT_PILLAR_ERROR(HashNgrams::load(dir / "w.safetensors", {.width = 64}), ErrorCategory::usage,
                      HasSubstr("made with seed 3, not 0"));
  write_safetensors(dir / "x.safetensors", {{"reports_with", at::zeros({4}, at::kInt)}});
  EXPECT_PILLAR_ERROR(HashNgrams::load(dir / "x.safetensors", {}), ErrorCategory::input,
                      HasSubstr("x.safetensors"));
  write_safetensors(dir / "x.safetensors", {{"reports_with", at::zeros({1 << 20}, at::kInt).sub_(1)}},
                    {{"format", "pillar-hash-ngrams"}, {"width", "256"}, {"seed", "0"}, {"reports", "5"}});
  EXPECT_PILLAR_ERROR(HashNgrams::load(dir / "x.safetensors", {}), ErrorCategory::input,
                      HasSubstr("below zero"));
}

}  // namespace
}  // namespace pillar

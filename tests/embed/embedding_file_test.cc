#include "embed/embedding_file.h"

#include "pillar/core/file.h"
#include "pillar/core/npy.h"
#include "pillar/core/safetensors.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <limits>

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(EmbeddingFile, ReadsRowsAndOtherFloats) {
  TempDir dir;
  const at::Tensor vector = at::arange(6).to(at::kFloat);
  write_npz(dir / "a.npz", {{"embedding", vector.to(at::kDouble).unsqueeze(0)}, {"other", vector}});
  EXPECT_TRUE(at::equal(read_embedding_file(dir / "a.npz"), vector));
  write_safetensors(dir / "a.safetensors", {{"embedding", vector.to(at::kBFloat16)}});
  EXPECT_TRUE(at::equal(read_embedding_file(dir / "a.safetensors"), vector));
}

TEST(EmbeddingFile, WhatIsNoEmbeddingIsRefused) {
  TempDir dir;
  const auto refuses = [&](const at::Tensor& array, const char* word) {
    write_npz(dir / "x.npz", {{"embedding", array}});
    EXPECT_PILLAR_ERROR(read_embedding_file(dir / "x.npz"), ErrorCategory::input,
                        AllOf(HasSubstr("x.npz"), HasSubstr(word)));
  };
  refuses(at::zeros({2, 3}), "shape [2,3]");
  refuses(at::zeros({0}), "shape [0]");
  refuses(at::zeros({3}, at::kInt), "Int");
  refuses(at::full({3}, std::numeric_limits<float>::quiet_NaN()), "NaN");
  refuses(at::full({3}, 1e300, at::kDouble), "infinite");
  write_npz(dir / "x.npz", {{"vector", at::zeros({3})}});
  EXPECT_PILLAR_ERROR(read_embedding_file(dir / "x.npz"), ErrorCategory::input,
                      HasSubstr("no array 'embedding'"));
  EXPECT_PILLAR_ERROR(read_embedding_file(dir / "absent.npz"), ErrorCategory::io, HasSubstr("absent.npz"));
}

TEST(EmbeddingFile, CsvKeepsEveryBit) {
  TempDir dir;
  const at::Tensor odd = at::full({3}, 0.1f).mul(at::arange(3).to(at::kFloat).add(1e-30f)).sub(1.0f / 3);
  write_embedding_csv(dir / "t.csv", {{"B,1", odd}, {"A", at::full({3}, -1e-38f)}});
  const auto rows = read_embedding_csv(dir / "t.csv");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_TRUE(at::equal(rows.at("B,1"), odd));
  EXPECT_TRUE(at::equal(rows.at("A"), at::full({3}, -1e-38f)));
  EXPECT_TRUE(read_text_file(dir / "t.csv").starts_with("accession,e0,e1,e2\nA,"));
}

TEST(EmbeddingFile, FaultyCsvIsRefusedWithTheRow) {
  TempDir dir;
  const auto refuses = [&](std::string_view text, const char* word) {
    write_file_atomic(dir / "t.csv", text);
    EXPECT_PILLAR_ERROR(read_embedding_csv(dir / "t.csv"), ErrorCategory::input,
                        AllOf(HasSubstr("t.csv"), HasSubstr(word)));
  };
  refuses("name,e0\nA,1\n", "accession, e0");
  refuses("accession\nA\n", "accession, e0");
  refuses("accession,e0\nA,1\nB,x\n", "row 3: 'x'");
  refuses("accession,e0\nA,nan\n", "row 2: 'nan'");
  refuses("accession,e0\nA,\n", "row 2");
  refuses("accession,e0\nA,1 \n", "row 2");
  refuses("accession,e0\nA,1\nA,2\n", "row 3: accession A again");
  refuses("accession,e0\nA,1,2\n", "");
}

}  // namespace
}  // namespace pillar

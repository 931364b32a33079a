#include "pillar/text/embed_texts.h"

#include "support/expect_error.h"

#include <limits>

#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<NamedText> kTexts = {{"line 1", "a"}, {"line 2", "bb"}, {"line 3", "ccc"}};

// Rows (3 n, 4 n) of a text of n letters; "bad" texts are refused.
at::Tensor lengths(const std::vector<std::string>& texts) {
  at::Tensor rows = at::zeros({static_cast<std::int64_t>(texts.size()), 2});
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (texts[i] == "bad") throw Error(ErrorCategory::input, "too bad\na stack");
    rows[static_cast<std::int64_t>(i)][0] = 3.0 * static_cast<double>(texts[i].size());
    rows[static_cast<std::int64_t>(i)][1] = 4.0 * static_cast<double>(texts[i].size());
  }
  return rows;
}

TEST(EmbedTexts, UnitRowsInOrderAndInBatches) {
  std::vector<std::size_t> calls;
  const TextEmbedFunction embed = [&](const std::vector<std::string>& texts) {
    calls.push_back(texts.size());
    return lengths(texts);
  };
  const at::Tensor rows = embed_texts(kTexts, embed, 2);
  EXPECT_THAT(calls, ElementsAre(2, 1));
  ASSERT_EQ(rows.sizes(), (std::vector<std::int64_t>{3, 2}));
  for (int i = 0; i < 3; ++i) {
    EXPECT_NEAR(rows[i][0].item<float>(), 0.6, 1e-6);
    EXPECT_NEAR(rows[i][1].item<float>(), 0.8, 1e-6);
  }
}

TEST(EmbedTexts, TheTextThatIsRefusedIsNamed) {
  std::vector<NamedText> texts = kTexts;
  texts[1].text = "bad";
  EXPECT_PILLAR_ERROR(embed_texts(texts, lengths), ErrorCategory::input, ::testing::StrEq("line 2: too bad"));
  EXPECT_PILLAR_ERROR(embed_texts({}, lengths), ErrorCategory::input, HasSubstr("no text"));
}

TEST(EmbedTexts, RefusesVectorsThatAreNone) {
  const auto row = [](double value) {
    return [value](const std::vector<std::string>& texts) {
      return at::full({static_cast<std::int64_t>(texts.size()), 2}, value, at::kFloat);
    };
  };
  EXPECT_PILLAR_ERROR(embed_texts(kTexts, row(0)), ErrorCategory::input,
                      HasSubstr("line 1: its vector is zero"));
  EXPECT_PILLAR_ERROR(embed_texts(kTexts, row(std::numeric_limits<double>::quiet_NaN())),
                      ErrorCategory::input, HasSubstr("NaN"));
  const TextEmbedFunction widths = [](const std::vector<std::string>& texts) {
    return at::full({1, static_cast<std::int64_t>(texts[0].size())}, 1, at::kFloat);
  };
  EXPECT_PILLAR_ERROR(embed_texts(kTexts, widths, 1), ErrorCategory::io,
                      HasSubstr("line 2: a vector of 2 numbers, the others have 1"));
  EXPECT_THROW(embed_texts(kTexts, [](const auto&) { return at::zeros({3}); }), std::logic_error);
}

}  // namespace
}  // namespace pillar

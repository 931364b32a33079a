#include "pillar/text/embed_texts.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "core/shared/first_line.h"
#include "text/cache/unit_vector.h"

#include <algorithm>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/stack.h>

namespace pillar {
namespace {

at::Tensor embed_some(const TextEmbedFunction& embed, std::span<const NamedText> texts) {
  std::vector<std::string> words;
  for (const NamedText& text : texts) words.push_back(text.text);
  at::Tensor rows_nw = embed(words);
  if (rows_nw.dim() != 2 || rows_nw.size(0) != static_cast<std::int64_t>(texts.size()) ||
      rows_nw.scalar_type() != at::kFloat)
    throw std::logic_error("a text embedding function must return (texts, width) float32");
  return rows_nw;
}

void take(const TextEmbedFunction& embed, std::span<const NamedText> texts, std::vector<at::Tensor>& rows) {
  at::Tensor rows_nw;
  try {
    rows_nw = embed_some(embed, texts);
  } catch (const Error& error) {
    if (error.category() != ErrorCategory::input) throw;
    if (texts.size() == 1) fail(ErrorCategory::input, "{}: {}", texts[0].name, first_line(error.what()));
    for (std::size_t i = 0; i < texts.size(); ++i) take(embed, texts.subspan(i, 1), rows);
    return;
  }
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto unit = unit_vector(rows_nw[static_cast<std::int64_t>(i)]);
    if (!unit) fail(ErrorCategory::input, "{}: {}", texts[i].name, kNoUnitVector);
    if (!rows.empty() && rows.front().numel() != unit->numel()) {
      fail(ErrorCategory::io, "{}: a vector of {} numbers, the others have {}", texts[i].name, unit->numel(),
           rows.front().numel());
    }
    rows.push_back(*unit);
  }
}

}  // namespace

at::Tensor embed_texts(const std::vector<NamedText>& texts, const TextEmbedFunction& embed, int batch) {
  const at::NoGradGuard no_gradients;
  if (texts.empty()) fail(ErrorCategory::input, "no text to embed");
  const std::span<const NamedText> all(texts);
  const auto step = static_cast<std::size_t>(std::max(batch, 1));
  std::vector<at::Tensor> rows;
  for (std::size_t first = 0; first < all.size(); first += step)
    take(embed, all.subspan(first, std::min(step, all.size() - first)), rows);
  return at::stack(rows);
}

}  // namespace pillar

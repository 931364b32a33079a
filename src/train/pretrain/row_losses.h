// Internal: the contrastive loss of some rows of a batch's logits, of whichever kind.
#pragma once

#include "pillar/train/contrastive.h"

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace pillar {

// (n, N) bool: whether rows first..first+n-1 of N have the report of each other row, their own included.
// `reports_n` int64 of all N; below 0: a report that no other row has.
at::Tensor same_report_rows(const at::Tensor& reports_n, std::int64_t first, std::int64_t rows);

// (n): of rows first..first+n-1, whose logits against all N stand in `logits_rn`. clip: the cross-entropy.
// siglip: the sum over the row's pairs. `same_rn`: of same_report_rows().
at::Tensor row_losses(const at::Tensor& logits_rn, const at::Tensor& same_rn, std::int64_t first,
                      const ContrastiveOptions& options);

}  // namespace pillar

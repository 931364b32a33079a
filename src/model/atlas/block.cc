#include "model/atlas/block.h"

#include "model/atlas/scale_layout.h"
#include "model/atlas/window_grid.h"
#include "nn/shared/draws.h"

#include <algorithm>

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/relu.h>

namespace pillar {
namespace {

constexpr double kNormEpsilon = 1e-5;
constexpr std::int64_t kTokensAtOnceOnCpu = 2048;

// The public table: each axis of more than one token runs from -1 in steps of 1/(n/2).
at::Tensor position_coordinates(const Size3& window_dhw) {
  const Size3 window_hwd = {window_dhw[1], window_dhw[2], window_dhw[0]};
  at::Tensor table = at::empty({window_hwd[0] * window_hwd[1] * window_hwd[2], 3}, at::kFloat);
  float* row = table.mutable_data_ptr<float>();
  const auto coordinate = [&](int axis, std::int64_t i) {
    const std::int64_t half = window_hwd[axis] / 2;
    return window_hwd[axis] > 1 ? static_cast<float>(i - half) / static_cast<float>(half) : 0.0f;
  };
  for (std::int64_t h = 0; h < window_hwd[0]; ++h) {
    for (std::int64_t w = 0; w < window_hwd[1]; ++w) {
      for (std::int64_t d = 0; d < window_hwd[2]; ++d, row += 3) {
        row[0] = coordinate(0, h), row[1] = coordinate(1, w), row[2] = coordinate(2, d);
      }
    }
  }
  return table;
}

Size3 tokens_dhw(const ScaleLayout& layout) {
  return {layout.grid[0] * layout.window[0], layout.grid[1] * layout.window[1],
          layout.grid[2] * layout.window[2]};
}

std::int64_t tokens_at_once(const Execution& execution, std::int64_t all) {
  if (execution.tokens_at_once > 0) return execution.tokens_at_once;
  return execution.device.is_cpu() ? kTokensAtOnceOnCpu : all;
}

// Windows to work on at once: a run that lies within one window of every coarser scale, or covers whole ones.
std::int64_t run_length(const at::Tensor& x, const std::vector<KeyValuePart>& coarser,
                        const Execution& execution) {
  const std::int64_t windows = x.size(0);
  if (execution.gradients) return windows;
  const auto aligned = [&](std::int64_t run) {
    if (windows % run != 0) return false;
    return std::all_of(coarser.begin(), coarser.end(), [&](const KeyValuePart& part) {
      const std::int64_t share = windows / part.key.size(0);
      return run % share == 0 || share % run == 0;
    });
  };
  std::int64_t run =
      std::clamp<std::int64_t>(tokens_at_once(execution, windows * x.size(1)) / x.size(1), 1, windows);
  while (!aligned(run)) --run;
  return run;
}

// The keys and values that windows [first, first+run) of `windows` look at.
KeyValuePart part_of_run(const KeyValuePart& part, std::int64_t windows, std::int64_t first,
                         std::int64_t run) {
  const std::int64_t share = windows / part.key.size(0);
  const std::int64_t begin = first / share, count = std::max<std::int64_t>(1, run / share);
  return {part.key.narrow(0, begin, count), part.value.narrow(0, begin, count)};
}

// body(first, run) gives the new value of these windows.
template <typename Body>
void update_by_runs(at::Tensor& x, std::int64_t run, const Execution& execution, const Body& body) {
  if (execution.gradients || run == x.size(0)) {
    x = body(0, x.size(0));
    return;
  }
  for (std::int64_t first = 0; first < x.size(0); first += run)
    x.narrow(0, first, run).copy_(body(first, run));
}

}  // namespace

AtlasBlock::AtlasBlock(const Scope& scope, const std::vector<ScaleLayout>& layout,
                       const BlockSettings& settings)
    : layout_(layout), settings_(settings) {
  for (std::size_t k = 0; k < layout.size(); ++k) {
    const Scope block = scope / "blocks" / k, position = scope / "posemb" / k / "cpb_mlp";
    Scale scale;
    scale.norm1_q = LayerNorm(block / "norm1_q", kNormEpsilon);
    scale.norm1_kv = LayerNorm(block / "norm1_kv", kNormEpsilon);
    scale.norm2 = LayerNorm(block / "norm2", kNormEpsilon);
    scale.q = Linear(block / "attn" / "q");
    scale.kv = Linear(block / "attn" / "kv");
    scale.proj = Linear(block / "attn" / "proj");
    scale.fc1 = Linear(block / "mlp" / "fc1");
    scale.fc2 = Linear(block / "mlp" / "fc2");
    scale.position1 = Linear(position / "0");
    scale.position2 = Linear(position / "2");
    scale.coordinates_hwd = position_coordinates(layout[k].window).to(scale.q.weight.device());
    scales_.push_back(std::move(scale));
  }
}

void AtlasBlock::freeze(at::ScalarType compute) {
  for (Scale& scale : scales_) {
    scale.frozen_positions =
        scale.position2(at::relu(scale.position1(scale.coordinates_hwd, at::kFloat)), at::kFloat).detach();
    scale.position1 = scale.position2 = Linear();
    for (LayerNorm* norm : {&scale.norm1_q, &scale.norm1_kv, &scale.norm2}) norm->freeze();
    for (Linear* linear : {&scale.q, &scale.kv, &scale.proj, &scale.fc1, &scale.fc2}) linear->freeze(compute);
  }
}

void AtlasBlock::operator()(ScaleTokens& scales, const PassOptions& pass) const {
  Run run{pass.execution, {}};
  if (pass.train) run.draws = seeded_generator(pass.execution.device, pass.seed);
  add_positions(scales);
  pool_upwards(scales, pass.execution);
  attend_to_coarser(scales, run);
  attend_to_finer(scales, run);
}

std::vector<at::Tensor> AtlasBlock::parameters() const {
  std::vector<at::Tensor> all;
  for (const Scale& s : scales_) {
    for (const LayerNorm* norm : {&s.norm1_q, &s.norm1_kv, &s.norm2})
      all.insert(all.end(), {norm->weight, norm->bias});
    for (const Linear* linear : {&s.q, &s.kv, &s.proj, &s.fc1, &s.fc2, &s.position1, &s.position2}) {
      all.push_back(linear->weight);
      if (linear->bias.defined()) all.push_back(linear->bias);
    }
  }
  return all;
}

void AtlasBlock::add_positions(ScaleTokens& scales) const {
  for (std::size_t k = 0; k < scales.size(); ++k) {
    const Scale& s = scales_[k];
    if (s.frozen_positions.defined()) {
      scales[k].add_(s.frozen_positions);
    } else {
      scales[k] = scales[k] + s.position2(at::relu(s.position1(s.coordinates_hwd, at::kFloat)), at::kFloat);
    }
  }
}

void AtlasBlock::pool_upwards(ScaleTokens& scales, const Execution& execution) const {
  for (std::size_t k = 0; k + 1 < scales.size(); ++k) {
    const ScaleLayout &fine = layout_[k], &coarse = layout_[k + 1];
    const at::Tensor windows =
        scales[k].view({-1, fine.window[0], fine.window[1], fine.window[2], scales[k].size(-1)});
    const at::Tensor pooled = max_pool_grid(windows, settings_.local2global_dhw, execution);
    const at::Tensor grid =
        windows_to_grid(pooled, fine.grid, divided(fine.window, settings_.local2global_dhw));
    scales[k + 1] = scales[k + 1] + grid_to_windows(grid, coarse.grid, coarse.window);
  }
}

void AtlasBlock::attend_to_coarser(ScaleTokens& scales, const Run& pass) const {
  std::vector<KeyValuePart> coarser;
  for (std::size_t k = scales.size(); k-- > 0;) {
    const Scale& scale = scales_[k];
    const std::int64_t windows = scales[k].size(0);
    const std::int64_t at_once = run_length(scales[k], coarser, pass.execution);
    update_by_runs(scales[k], at_once, pass.execution, [&](std::int64_t first, std::int64_t run) {
      const at::Tensor x = scales[k].narrow(0, first, run);
      std::vector<KeyValuePart> parts = {keys_values(scale, x, pass)};
      for (const KeyValuePart& part : coarser) parts.push_back(part_of_run(part, windows, first, run));
      return finish(scale, x, attend(queries(scale, x, pass), parts, pass), pass);
    });
    if (k > 0) coarser.push_back(keys_values(scale, scales[k], pass));
  }
}

void AtlasBlock::attend_to_finer(ScaleTokens& scales, const Run& pass) const {
  for (std::size_t k = 1; k < scales.size(); ++k) {
    const ScaleLayout &fine = layout_[k - 1], &own = layout_[k];
    const Size3 share = divided(tokens_dhw(own), fine.grid);  // of this scale's tokens, in each finer window
    const auto regrouped = [&](const at::Tensor& x) {
      return grid_to_windows(windows_to_grid(x, own.grid, own.window), fine.grid, share);
    };
    const at::Tensor query =
        regrouped(queries(scales_[k], scales[k], pass).flatten(2))
            .view({scales[k - 1].size(0), -1, settings_.num_heads, scales[k].size(-1) / settings_.num_heads});
    std::vector<at::Tensor> attended;
    const std::int64_t run = run_length(scales[k - 1], {}, pass.execution);
    for (std::int64_t first = 0; first < query.size(0); first += run) {
      const KeyValuePart part = keys_values(scales_[k - 1], scales[k - 1].narrow(0, first, run), pass);
      attended.push_back(attend(query.narrow(0, first, run), {part}, pass));
    }
    const at::Tensor back =
        grid_to_windows(windows_to_grid(at::cat(attended), fine.grid, share), own.grid, own.window);
    const std::int64_t at_once = run_length(scales[k], {}, pass.execution);
    update_by_runs(scales[k], at_once, pass.execution, [&](std::int64_t first, std::int64_t n) {
      return finish(scales_[k], scales[k].narrow(0, first, n), back.narrow(0, first, n), pass);
    });
  }
}

at::Tensor AtlasBlock::queries(const Scale& scale, const at::Tensor& x, const Run& pass) const {
  const at::Tensor q = scale.q(scale.norm1_q(x, pass.execution), pass.execution.compute);
  return q.view({q.size(0), q.size(1), settings_.num_heads, -1});
}

KeyValuePart AtlasBlock::keys_values(const Scale& scale, const at::Tensor& x, const Run& pass) const {
  const at::Tensor kv = scale.kv(scale.norm1_kv(x, pass.execution), pass.execution.compute);
  const at::Tensor both = kv.view({kv.size(0), kv.size(1), 2, settings_.num_heads, -1});
  return {both.select(2, 0), both.select(2, 1)};
}

at::Tensor AtlasBlock::attend(const at::Tensor& query, const std::vector<KeyValuePart>& parts,
                              const Run& pass) const {
  const at::Tensor out = pass.draws && settings_.attn_drop > 0
                             ? merged_attention_with_dropout(query, parts, settings_.attn_drop, pass.draws)
                             : merged_attention(query, parts, pass.execution);
  return out.flatten(2);
}

at::Tensor AtlasBlock::finish(const Scale& scale, const at::Tensor& x, const at::Tensor& attended,
                              const Run& pass) const {
  const at::ScalarType compute = pass.execution.compute;
  at::Tensor projected = dropout(scale.proj(attended, compute), settings_.drop, pass.draws);
  if (pass.draws) projected = drop_path(projected.to(at::kFloat), settings_.drop_path, pass.draws);
  const LayerNorm::OfSum y = scale.norm2.of_sum(x, projected, pass.execution);
  at::Tensor hidden = scale.fc1(y.normed, compute);
  hidden = pass.execution.gradients ? at::gelu(hidden) : at::gelu_(hidden);
  hidden = dropout(hidden, settings_.drop, pass.draws);
  const at::Tensor out = dropout(scale.fc2(hidden, compute), settings_.drop, pass.draws);
  if (pass.execution.kernels != nullptr) return y.sum.add_(out);  // which converts as it reads
  return y.sum + drop_path(out.to(at::kFloat), settings_.drop_path, pass.draws);
}

}  // namespace pillar

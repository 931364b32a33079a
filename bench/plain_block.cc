#include "plain_block.h"

#include <ATen/ATen.h>

namespace pillar::bench {
namespace {

constexpr double kNormEpsilon = 1e-5;

at::Tensor linear(const PlainPart& part, const at::Tensor& x) {
  return at::linear(x, part.tensor("weight"), part.optional("bias"));
}

at::Tensor layer_norm(const PlainPart& part, const at::Tensor& x) {
  const at::Tensor& weight = part.tensor("weight");
  return at::layer_norm(x, {weight.size(0)}, weight, part.tensor("bias"), kNormEpsilon);
}

PlainPart scale_part(const PlainBlock& block, std::size_t scale) {
  return block.part / fmt::format("blocks.{}", scale);
}

// -1 to 1 along an axis of more than one token.
at::Tensor coordinates(std::int64_t tokens, const at::Device& device) {
  const at::Tensor i = at::arange(tokens, at::TensorOptions().dtype(at::kFloat).device(device));
  return tokens > 1 ? (i - tokens / 2) / static_cast<double>(tokens / 2) : i;
}

// The table is laid out h, w, d although tokens are stored d, h, w: the weights were trained on that.
at::Tensor positions(const PlainBlock& block, std::size_t scale) {
  const Size3& window = block.layout[scale].window_dhw;
  const PlainPart mlp = block.part / fmt::format("posemb.{}.cpb_mlp", scale);
  const at::Device device = mlp.tensor("2.weight").device();
  const auto axes = at::meshgrid(
      {coordinates(window[1], device), coordinates(window[2], device), coordinates(window[0], device)}, "ij");
  return linear(mlp / "2", at::relu(linear(mlp / "0", at::stack(axes, -1).view({-1, 3}))));
}

void pool_upwards(const PlainBlock& block, std::vector<at::Tensor>& scales) {
  for (std::size_t k = 0; k + 1 < scales.size(); ++k) {
    const PlainScale &fine = block.layout[k], &coarse = block.layout[k + 1];
    const Size3& w = fine.window_dhw;
    const at::Tensor pooled =
        plain_max_pool(scales[k].reshape({-1, w[0], w[1], w[2], scales[k].size(-1)}), block.pool_dhw);
    const at::Tensor grid =
        plain_to_grid(pooled, fine.grid_dhw, {pooled.size(1), pooled.size(2), pooled.size(3)});
    scales[k + 1] = scales[k + 1] + plain_to_windows(grid, coarse.grid_dhw, coarse.window_dhw);
  }
}

// (windows, tokens, dim) -> (windows, heads, tokens, width)
at::Tensor by_head(const at::Tensor& x, std::int64_t heads) {
  return x.reshape({x.size(0), x.size(1), heads, -1}).transpose(1, 2);
}

struct KeysValues {
  at::Tensor keys, values;  // (windows, heads, tokens, width)
};

KeysValues keys_values(const PlainBlock& block, std::size_t scale, const at::Tensor& x) {
  const PlainPart part = scale_part(block, scale);
  const at::Tensor kv = linear(part / "attn.kv", layer_norm(part / "norm1_kv", x));
  const at::Tensor both =
      kv.reshape({kv.size(0), kv.size(1), 2, block.num_heads, -1}).permute({2, 0, 3, 1, 4});
  return {both.select(0, 0), both.select(0, 1)};
}

at::Tensor queries(const PlainBlock& block, std::size_t scale, const at::Tensor& x) {
  const PlainPart part = scale_part(block, scale);
  return linear(part / "attn.q", layer_norm(part / "norm1_q", x));
}

at::Tensor attend(const at::Tensor& query, const KeysValues& kv) {
  return at::scaled_dot_product_attention(query, kv.keys, kv.values).transpose(1, 2).flatten(2);
}

at::Tensor finish(const PlainPart& part, const at::Tensor& before, const at::Tensor& attended) {
  const at::Tensor x = before + linear(part / "attn.proj", attended);
  const at::Tensor hidden = at::gelu(linear(part / "mlp.fc1", layer_norm(part / "norm2", x)));
  return x + linear(part / "mlp.fc2", hidden);
}

// One copy of each coarser scale's keys for every window that shares them.
KeysValues joined(const KeysValues& own, const std::vector<KeysValues>& coarser) {
  std::vector<at::Tensor> keys = {own.keys}, values = {own.values};
  for (const KeysValues& kv : coarser) {
    const std::int64_t repeats = own.keys.size(0) / kv.keys.size(0);
    keys.push_back(kv.keys.repeat_interleave(repeats, 0));
    values.push_back(kv.values.repeat_interleave(repeats, 0));
  }
  return {at::cat(keys, 2), at::cat(values, 2)};
}

void coarse_to_fine(const PlainBlock& block, std::vector<at::Tensor>& scales) {
  std::vector<KeysValues> coarser;
  for (std::size_t k = scales.size(); k-- > 0;) {
    const at::Tensor query = by_head(queries(block, k, scales[k]), block.num_heads);
    const at::Tensor attended = attend(query, joined(keys_values(block, k, scales[k]), coarser));
    scales[k] = finish(scale_part(block, k), scales[k], attended);
    if (k > 0) coarser.push_back(keys_values(block, k, scales[k]));
  }
}

void fine_to_coarse(const PlainBlock& block, std::vector<at::Tensor>& scales) {
  for (std::size_t k = 1; k < scales.size(); ++k) {
    const PlainScale &own = block.layout[k], &fine = block.layout[k - 1];
    Size3 share = {};  // of this scale's tokens, in each finer window
    for (std::size_t a = 0; a < 3; ++a) share[a] = own.grid_dhw[a] * own.window_dhw[a] / fine.grid_dhw[a];
    const at::Tensor grid = plain_to_grid(queries(block, k, scales[k]), own.grid_dhw, own.window_dhw);
    const at::Tensor query = by_head(plain_to_windows(grid, fine.grid_dhw, share), block.num_heads);
    const at::Tensor attended = attend(query, keys_values(block, k - 1, scales[k - 1]));
    const at::Tensor back =
        plain_to_windows(plain_to_grid(attended, fine.grid_dhw, share), own.grid_dhw, own.window_dhw);
    scales[k] = finish(scale_part(block, k), scales[k], back);
  }
}

}  // namespace

at::Tensor plain_to_windows(const at::Tensor& grid, const Size3& g, const Size3& w) {
  const std::int64_t channels = grid.size(-1);
  return grid.reshape({-1, g[0], w[0], g[1], w[1], g[2], w[2], channels})
      .permute({0, 1, 3, 5, 2, 4, 6, 7})
      .reshape({-1, w[0] * w[1] * w[2], channels});
}

at::Tensor plain_to_grid(const at::Tensor& windows, const Size3& g, const Size3& w) {
  const std::int64_t channels = windows.size(-1);
  return windows.reshape({-1, g[0], g[1], g[2], w[0], w[1], w[2], channels})
      .permute({0, 1, 4, 2, 5, 3, 6, 7})
      .reshape({-1, g[0] * w[0], g[1] * w[1], g[2] * w[2], channels});
}

at::Tensor plain_max_pool(const at::Tensor& grid, const Size3& by) {
  return at::max_pool3d(grid.permute({0, 4, 1, 2, 3}), by).permute({0, 2, 3, 4, 1});
}

void run_plain_block(const PlainBlock& block, std::vector<at::Tensor>& scales) {
  for (std::size_t k = 0; k < scales.size(); ++k) scales[k] = scales[k] + positions(block, k);
  pool_upwards(block, scales);
  coarse_to_fine(block, scales);
  fine_to_coarse(block, scales);
}

}  // namespace pillar::bench

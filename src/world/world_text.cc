#include "pillar/world/world_text.h"

#include <cstring>

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>

namespace pillar {
namespace {

at::Tensor as_rows(const std::string& text) {
  at::Tensor rows = at::empty({static_cast<std::int64_t>(text.size()), 1}, at::kByte);
  if (!text.empty()) std::memcpy(rows.mutable_data_ptr(), text.data(), text.size());
  return rows;
}

std::string as_text(const at::Tensor& rows) {
  const at::Tensor bytes = rows.contiguous();
  return {static_cast<const char*>(bytes.const_data_ptr()), static_cast<std::size_t>(bytes.numel())};
}

}  // namespace

std::string broadcast_text(const World& world, const std::string& text, std::int64_t from) {
  at::Tensor length =
      at::full({1}, static_cast<std::int64_t>(text.size()), at::TensorOptions().dtype(at::kLong));
  world.broadcast(length, from);
  at::Tensor bytes =
      world.rank() == from ? as_rows(text) : at::empty({length.item<std::int64_t>(), 1}, at::kByte);
  if (bytes.numel() > 0) world.broadcast(bytes, from);
  return as_text(bytes);
}

std::vector<std::string> gather_texts(const World& world, const std::string& text) {
  const at::Tensor own = as_rows(text);
  const at::Tensor lengths =
      world.all_gather_rows(at::full({1, 1}, own.size(0), at::TensorOptions().dtype(at::kLong)));
  const at::Tensor all = world.all_gather_rows(own);
  std::vector<std::string> texts;
  std::int64_t first = 0;
  for (std::int64_t rank = 0; rank < lengths.size(0); ++rank) {
    const auto length = lengths[rank][0].item<std::int64_t>();
    texts.push_back(as_text(all.narrow(0, first, length)));
    first += length;
  }
  return texts;
}

}  // namespace pillar

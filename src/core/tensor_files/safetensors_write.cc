#include "pillar/core/fail.h"
#include "pillar/core/printable.h"
#include "pillar/core/safetensors.h"

#include "core/shared/descriptor.h"
#include "core/shared/safetensors_header.h"
#include "core/shared/tensor_bytes.h"

#include <algorithm>
#include <set>

#include <fcntl.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using NamedTensor = std::pair<std::string, at::Tensor>;

void check_tensors(const std::vector<NamedTensor>& tensors, const std::filesystem::path& path) {
  std::set<std::string_view> names = {"__metadata__"};
  for (const auto& [name, tensor] : tensors) {
    if (!names.insert(name).second) {
      fail(ErrorCategory::usage, "{}: the tensor name '{}' is reserved or used twice", path, printable(name));
    }
    if (!tensor.defined()) fail(ErrorCategory::usage, "{}: tensor '{}' is undefined", path, printable(name));
    if (tensor.layout() != at::kStrided || safetensors_dtype_name(tensor.scalar_type()).empty()) {
      fail(ErrorCategory::unsupported, "{}: tensor '{}' ({}, {}) has no form in safetensors", path,
           printable(name), tensor.layout() == at::kStrided ? "dense" : "not dense",
           c10::toString(tensor.scalar_type()));
    }
  }
}

// Widest type first, else as given: with no holes allowed, this is what aligns every tensor for its own type.
std::vector<const NamedTensor*> storage_order(const std::vector<NamedTensor>& tensors) {
  std::vector<const NamedTensor*> order;
  for (const NamedTensor& tensor : tensors) order.push_back(&tensor);
  std::stable_sort(order.begin(), order.end(), [](const NamedTensor* a, const NamedTensor* b) {
    return a->second.element_size() > b->second.element_size();
  });
  return order;
}

std::string format_header(const std::vector<const NamedTensor*>& tensors,
                          const std::map<std::string, std::string>& metadata) {
  std::vector<std::string> items;
  if (!metadata.empty()) items.push_back(fmt::format("\"__metadata__\":{}", nlohmann::json(metadata).dump()));
  std::uint64_t begin = 0;
  for (const NamedTensor* item : tensors) {
    const auto& [name, tensor] = *item;
    const std::uint64_t end = begin + static_cast<std::uint64_t>(tensor.numel()) * tensor.element_size();
    items.push_back(fmt::format("{}:{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}}",
                                nlohmann::json(name).dump(), safetensors_dtype_name(tensor.scalar_type()),
                                fmt::join(tensor.sizes(), ","), begin, end));
    begin = end;
  }
  std::string text = fmt::format("{{{}}}", fmt::join(items, ","));
  text.resize((text.size() + 7) / 8 * 8, ' ');  // the data begins 8-aligned
  return text;
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  check_tensors(tensors, path);
  const std::vector<const NamedTensor*> order = storage_order(tensors);
  std::string header;
  try {
    header = format_header(order, metadata);
  } catch (const nlohmann::json::exception&) {
    fail(ErrorCategory::usage, "{}: a tensor name or the metadata is not UTF-8", path);
  }
  if (header.size() > kSafetensorsMaxHeaderBytes) {
    fail(ErrorCategory::usage, "{}: a header of {} bytes is more than the format allows", path,
         header.size());
  }
  PartialPath partial(path);
  {
    const Descriptor file = Descriptor::create(partial.path(), path);
    const std::uint64_t header_size = header.size();
    write_all(file, {reinterpret_cast<const std::uint8_t*>(&header_size), sizeof(header_size)}, path);
    write_all(file, as_bytes(header), path);
    for (const NamedTensor* item : order) {
      // One at a time, so that at most one tensor exists twice (when it is not contiguous, or on a device).
      const at::Tensor tensor = as_stored(item->second);
      write_all(file, tensor_bytes(tensor), path);
    }
  }
  partial.commit();
}

}  // namespace pillar

#include "pillar/core/npy.h"

#include "pillar/core/fail.h"

#include "core/shared/descriptor.h"
#include "core/shared/npy_header.h"
#include "core/shared/tensor_bytes.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include <ATen/ops/empty.h>
#include <fcntl.h>

namespace pillar {
namespace {

static_assert(std::endian::native == std::endian::little, "little-endian data is copied as it is");

void swap_elements(at::Tensor& tensor) {
  const std::size_t size = tensor.element_size();
  auto* data = static_cast<std::uint8_t*>(tensor.data_ptr());
  for (std::uint8_t* end = data + tensor.nbytes(); data != end; data += size) std::reverse(data, data + size);
}

}  // namespace

at::Tensor parse_npy(ByteView bytes, const std::string& name) {
  const NpyHeader header = parse_npy_header(bytes, name);
  const ByteView data = bytes.subspan(header.data_begin);
  if (data.size() != header.data_bytes) {
    fail(ErrorCategory::input, "{}: {} bytes of data where the npy header says {}", name, data.size(),
         header.data_bytes);
  }
  if (header.dtype == at::kBool && !are_bools(data)) {
    fail(ErrorCategory::input, "{}: a bool array has bytes other than 0 and 1", name);
  }
  std::vector<std::int64_t> stored_shape = header.shape;
  if (header.fortran_order) std::reverse(stored_shape.begin(), stored_shape.end());
  at::Tensor tensor = at::empty(stored_shape, header.dtype);
  if (!data.empty()) std::memcpy(tensor.data_ptr(), data.data(), data.size());
  if (header.big_endian) swap_elements(tensor);
  if (!header.fortran_order) return tensor;
  std::vector<std::int64_t> axes(header.shape.size());
  for (std::size_t i = 0; i < axes.size(); ++i) axes[i] = static_cast<std::int64_t>(axes.size() - 1 - i);
  return tensor.permute(axes).contiguous();
}

at::Tensor read_npy(const std::filesystem::path& path) {
  const MappedFile file(path);
  return parse_npy(file.bytes(), path.string());
}

Bytes format_npy(const at::Tensor& tensor) {
  const std::string header = format_npy_header(tensor, "npy data");
  const at::Tensor stored = as_stored(tensor);
  Bytes bytes(header.begin(), header.end());
  const ByteView data = tensor_bytes(stored);
  bytes.insert(bytes.end(), data.begin(), data.end());
  return bytes;
}

void write_npy(const std::filesystem::path& path, const at::Tensor& tensor) {
  const std::string header = format_npy_header(tensor, path.string());
  const at::Tensor stored = as_stored(tensor);
  PartialPath partial(path);
  {
    const Descriptor file = Descriptor::create(partial.path(), path);
    write_all(file, as_bytes(header), path);
    write_all(file, tensor_bytes(stored), path);
  }
  partial.commit();
}

}  // namespace pillar

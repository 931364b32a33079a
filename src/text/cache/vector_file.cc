#include "text/cache/vector_file.h"

#include "pillar/core/fail.h"

#include "core/shared/tensor_bytes.h"
#include "core/shared/torch_file.h"

#include <ATen/core/Dict.h>
#include <ATen/core/ivalue.h>
#include <caffe2/serialize/inline_container.h>
#include <fmt/format.h>
#include <torch/csrc/jit/serialization/pickler.h>

namespace pillar {
namespace {

constexpr std::uint64_t kMaxFileBytes = 1 << 28;

}  // namespace

std::map<std::string, at::Tensor> read_vector_file(const std::filesystem::path& file) {
  const auto bytes = std::make_shared<const Bytes>(read_file(file, kMaxFileBytes));
  std::map<std::string, at::Tensor> vectors = read_torch_tensors(*bytes, file.string(), bytes);
  if (vectors.empty() || vectors.count("") != 0)
    fail(ErrorCategory::input, "{}: no dict of vectors by category", file);
  return vectors;
}

Bytes format_vector_file(const std::map<std::string, at::Tensor>& vectors) {
  c10::Dict<std::string, at::Tensor> dict;
  // Copies: what would be written of a view is all of the tensor it looks at.
  for (const auto& [category, vector] : vectors) dict.insert(category, as_stored(vector).clone());
  std::string pickle;
  const auto append = [&pickle](const char* data, std::size_t size) { pickle.append(data, size); };
  // Without tags: restore_type_tag, which LibTorch puts around a dict, is nothing that weights_only lets in.
  torch::jit::Pickler pickler(append, nullptr, nullptr, nullptr, nullptr, /*tag_aggregates=*/false);
  pickler.protocol();
  pickler.pushIValue(dict);
  pickler.stop();

  Bytes bytes;
  caffe2::serialize::PyTorchStreamWriter writer([&bytes](const void* data, std::size_t size) {
    const auto* begin = static_cast<const std::uint8_t*>(data);
    bytes.insert(bytes.end(), begin, begin + size);
    return size;
  });
  writer.writeRecord("data.pkl", pickle.data(), pickle.size());
  writer.writeRecord("byteorder", "little", 6);
  std::size_t record = 0;
  for (const at::Tensor& tensor : pickler.tensorData())
    writer.writeRecord(fmt::format("data/{}", record++), tensor.const_data_ptr(), tensor.nbytes());
  writer.writeEndOfFile();
  return bytes;
}

}  // namespace pillar

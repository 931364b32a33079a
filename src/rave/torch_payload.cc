// volume.pt: what torch.save() wrote, a zip of a pickle and raw storages. The only source that includes
// torch's pickle.
#include "core/fail.h"
#include "core/printable.h"
#include "rave/tensor_payload.h"

#include <memory>

#include <archive.h>
#include <archive_entry.h>
#include <torch/csrc/jit/serialization/pickle.h>

namespace pillar {
namespace {

struct ArchiveDeleter {
  void operator()(archive* p) const { archive_read_free(p); }
};

// torch.save() stores its members as they are; anything that inflates is not from there, and may be a bomb.
void check_stored(ByteView bytes, const std::string& name) {
  std::unique_ptr<archive, ArchiveDeleter> reader(archive_read_new());
  if (!reader) throw std::bad_alloc();
  archive_read_support_format_zip_seekable(reader.get());
  int status = archive_read_open_memory(reader.get(), bytes.data(), bytes.size());
  std::uint64_t total = 0;
  archive_entry* entry = nullptr;
  while (status == ARCHIVE_OK || status == ARCHIVE_WARN) {
    status = archive_read_next_header(reader.get(), &entry);
    if (status == ARCHIVE_EOF) return;
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) break;
    total += static_cast<std::uint64_t>(std::max<la_int64_t>(archive_entry_size(entry), 0));
    if (total > bytes.size()) fail(ErrorCategory::input, "{}: inflates to more than its own size", name);
  }
  const char* reason = archive_error_string(reader.get());
  fail(ErrorCategory::input, "{}: not a whole torch file: {}", name,
       printable(reason ? reason : "unknown fault"));
}

at::Tensor only_tensor(const c10::IValue& value, const std::string& name) {
  if (value.isTensor()) return value.toTensor();
  at::Tensor found;
  if (value.isGenericDict()) {
    for (const auto& item : value.toGenericDict()) {
      if (!item.value().isTensor()) continue;
      if (found.defined()) fail(ErrorCategory::input, "{}: more than one tensor", name);
      found = item.value().toTensor();
    }
  }
  if (!found.defined()) fail(ErrorCategory::input, "{}: holds no tensor", name);
  return found;
}

// The unpickler takes sizes and strides as they are written: an index past the storage would read foreign
// memory.
void check_bounds(const at::Tensor& tensor, const std::string& name) {
  const bool plain = tensor.layout() == at::kStrided && tensor.device().is_cpu() && !tensor.is_quantized();
  if (!plain || !tensor.has_storage()) fail(ErrorCategory::input, "{}: not a plain tensor", name);
  std::int64_t last = tensor.storage_offset();
  bool fits = last >= 0;
  std::int64_t count = 1;
  for (std::int64_t axis = 0; axis < tensor.dim(); ++axis) {
    const std::int64_t size = tensor.size(axis), stride = tensor.stride(axis);
    std::int64_t reach = 0;
    fits = fits && size > 0 && stride >= 0 && !__builtin_mul_overflow(size - 1, stride, &reach) &&
           !__builtin_add_overflow(last, reach, &last) && !__builtin_mul_overflow(count, size, &count);
  }
  const auto held = static_cast<std::int64_t>(tensor.storage().nbytes() / tensor.element_size());
  // A stride of 0 would make much out of little.
  if (!fits || last >= held || count > held)
    fail(ErrorCategory::input, "{}: a tensor larger than its data", name);
}

}  // namespace

at::Tensor load_torch_tensor(ByteView bytes, const std::string& name) {
  check_stored(bytes, name);
  c10::IValue value;
  try {
    value = torch::jit::pickle_load(std::vector<char>(bytes.begin(), bytes.end()));
  } catch (const std::exception& error) {
    std::string_view reason(error.what());
    fail(ErrorCategory::input, "{}: not a readable torch file: {}", name,
         printable(reason.substr(0, reason.find('\n'))));
  }
  at::Tensor tensor = only_tensor(value, name);
  check_bounds(tensor, name);
  return as_dhw(tensor, name);
}

}  // namespace pillar

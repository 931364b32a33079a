// volume.pt: what torch.save() wrote.
#include "pillar/core/fail.h"

#include "core/shared/torch_file.h"
#include "rave/sample/tensor_payload.h"

namespace pillar {

at::Tensor load_torch_tensor(ByteView bytes, const std::string& name) {
  const std::map<std::string, at::Tensor> tensors = read_torch_tensors(bytes, name);
  if (tensors.empty()) fail(ErrorCategory::input, "{}: holds no tensor", name);
  if (tensors.size() > 1) fail(ErrorCategory::input, "{}: more than one tensor", name);
  return as_dhw(tensors.begin()->second, name);
}

}  // namespace pillar

#include "nn/shared/scope.h"

#include "pillar/core/fail.h"

namespace pillar {

std::string Scope::full_name(std::string_view name) const {
  return prefix_.empty() ? std::string(name) : prefix_ + "." + std::string(name);
}

Scope Scope::operator/(std::string_view part) const {
  Scope inner = *this;
  inner.prefix_ = full_name(part);
  return inner;
}

Scope Scope::in_group(std::string group) const {
  Scope same = *this;
  same.group_ = std::move(group);
  return same;
}

at::Tensor Scope::read(std::string_view name, ParameterKind kind) const {
  const auto found = weights_.find(full_name(name));
  if (found == weights_.end()) return {};
  if (list_ != nullptr) list_->add(Parameter{found->first, found->second, kind, group_});
  return found->second;
}

at::Tensor Scope::required(std::string_view name, ParameterKind kind) const {
  const at::Tensor found = read(name, kind);
  if (!found.defined()) fail(ErrorCategory::input, "the weights have no tensor {}", full_name(name));
  return found;
}

at::Tensor Scope::parameter(std::string_view name) const {
  return required(name, ParameterKind::trainable);
}
at::Tensor Scope::buffer(std::string_view name) const {
  return required(name, ParameterKind::buffer);
}
at::Tensor Scope::optional_parameter(std::string_view name) const {
  return read(name, ParameterKind::trainable);
}
at::Tensor Scope::optional_buffer(std::string_view name) const {
  return read(name, ParameterKind::buffer);
}

}  // namespace pillar

// Where a layer finds its weights: a weight map and the front part of the names. What it reads may be listed.
#pragma once

#include "pillar/nn/parameters.h"
#include "pillar/nn/weight_files.h"

#include <string>
#include <string_view>

namespace pillar {

class Scope {
 public:
  // `list`, if given, receives each tensor that is read, with its kind and group. Both must outlive the
  // scope.
  explicit Scope(const WeightMap& weights, std::string prefix = {}, Parameters* list = nullptr)
      : weights_(weights), list_(list), prefix_(std::move(prefix)) {}
  Scope operator/(std::string_view part) const;
  Scope operator/(std::size_t index) const { return *this / std::to_string(index); }
  // The same names; what is read from here on is listed under this group.
  Scope in_group(std::string group) const;

  // Trainable tensors and buffers. Throw Error(input) where it is missing: a model is checked as a whole
  // before its layers read it.
  at::Tensor parameter(std::string_view name) const;
  at::Tensor buffer(std::string_view name) const;
  // Undefined where it is missing.
  at::Tensor optional_parameter(std::string_view name) const;
  at::Tensor optional_buffer(std::string_view name) const;

 private:
  std::string full_name(std::string_view name) const;
  at::Tensor read(std::string_view name, ParameterKind kind) const;
  at::Tensor required(std::string_view name, ParameterKind kind) const;

  const WeightMap& weights_;
  Parameters* list_;
  std::string prefix_, group_;
};

}  // namespace pillar

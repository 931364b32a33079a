#include "pillar/nn/parameters.h"

#include "pillar/core/fail.h"

#include <algorithm>

namespace pillar {
namespace {

bool is_before(const Parameter& parameter, std::string_view name) {
  return parameter.name < name;
}

}  // namespace

Parameters::Parameters(std::initializer_list<Parameter> parameters) {
  for (const Parameter& parameter : parameters) add(parameter);
}

void Parameters::add(const Parameter& parameter) {
  const auto place = std::lower_bound(parameters_.begin(), parameters_.end(), parameter.name, is_before);
  if (place == parameters_.end() || place->name != parameter.name) {
    parameters_.insert(place, parameter);
  } else if (!place->tensor.is_same(parameter.tensor)) {
    fail(ErrorCategory::usage, "two tensors of one network are called {}", parameter.name);
  }
}

void Parameters::add(const Parameters& others) {
  for (const Parameter& parameter : others) add(parameter);
}

const Parameter* Parameters::find(std::string_view name) const {
  const auto place = std::lower_bound(parameters_.begin(), parameters_.end(), name, is_before);
  return place == parameters_.end() || place->name != name ? nullptr : &*place;
}

NamedTensors Parameters::of_kind(ParameterKind kind) const {
  NamedTensors found;
  for (const Parameter& parameter : parameters_) {
    if (parameter.kind == kind) found.emplace_back(parameter.name, parameter.tensor);
  }
  return found;
}

}  // namespace pillar

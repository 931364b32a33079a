// Internal: how sure a model was of a Yes, from the log-probabilities of its tokens.
#pragma once

#include <optional>

#include <nlohmann/json_fwd.hpp>

namespace pillar {

// Of the first token of the answer that is Yes, No or Uncertain (after a think block, if there is one): the
// share of Yes among the probabilities of these words there. Unset where the server gives no
// log-probabilities, or where no token is one of them.
std::optional<double> yes_probability(const nlohmann::json& choice);

}  // namespace pillar

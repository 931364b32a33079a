// Internal: what an opened sample holds.
#pragma once

#include "pillar/rave/sample.h"

#include "rave/sample/sample_members.h"

namespace pillar {

struct Sample::State {
  SampleInfo info;
  SampleMembers members;
  at::Tensor stored;  // npy and torch: the array as it is stored, maybe a view of `members`

  std::string payload_path() const;  // for messages
};

}  // namespace pillar

// Internal: the settings that a sample was made with, as it records them.
#pragma once

#include "pillar/rave/prepare.h"

#include "core/shared/settings.h"

namespace pillar {

// Everything that changes what is stored, by the names of configuration keys and flags, without what is at
// its default: so samples stay what they are when a setting is added.
Settings encode_settings(const SamplePrepareOptions& options);

// The same form, of a sample that has no record of its settings: what else its metadata says of them, and
// the wanted ones where it says nothing. For a comparison with `wanted`.
Settings settings_told_by(const SampleMetadata& metadata, const SamplePrepareOptions& wanted);

}  // namespace pillar

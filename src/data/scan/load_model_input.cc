#include "pillar/data/load_model_input.h"

namespace pillar {

ModelInput load_model_input(const std::filesystem::path& scan, const PreprocessSpec& spec, Notes& notes) {
  const OpenedScan opened = open_scan({scan, ""}, read_options(spec));
  notes.add(opened.notes);
  return model_input(opened.read(), spec, notes);
}

}  // namespace pillar

#include "support/goldens.h"

namespace pillar::test {

std::filesystem::path golden(const std::string& relative) {
  return std::filesystem::path(PILLAR_GOLDENS) / relative;
}

}  // namespace pillar::test

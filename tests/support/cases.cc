#include "support/cases.h"

namespace pillar::test {

std::filesystem::path scan_case(const std::string& relative) {
  return std::filesystem::path(PILLAR_CASES) / relative;
}

}  // namespace pillar::test

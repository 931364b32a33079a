#include "pillar/metrics/run_record.h"

#include "pillar/core/sha256.h"

namespace pillar {

InputRecord file_record(const std::string& what, const std::filesystem::path& file) {
  const MappedFile mapped(file);
  InputRecord record;
  record.what = what;
  record.path = file;
  record.sha256 = sha256_hex(mapped.bytes());
  record.bytes = mapped.bytes().size();
  return record;
}

}  // namespace pillar

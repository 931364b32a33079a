// Internal: the count of what a batch leaves out, by folder, kind and reason.
#pragma once

#include "pillar/image/dicom_series.h"
#include "pillar/rave/encode_job.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace pillar {

class LeftOutRecord {
 public:
  void add(const std::filesystem::path& file, LeftOut kind, const std::string& reason);
  void add_many(const std::filesystem::path& folder, LeftOut kind, const std::string& reason,
                std::size_t count);
  // One entry for each folder, kind and reason; that of a single file names the file.
  std::vector<EncodeLeftOut> take();

 private:
  using Key = std::tuple<std::filesystem::path, LeftOut, std::string>;
  std::map<Key, EncodeLeftOut> entries_;
};

void log_left_out(const std::vector<EncodeLeftOut>& left_out);

// left_out.csv (path, class, count, reason); only its header where nothing was.
void record_left_out(const std::filesystem::path& output_folder, const std::vector<EncodeLeftOut>& left_out);

}  // namespace pillar

// Internal: answers of a label file as they are read, and those that mean nothing counted.
#pragma once

#include "pillar/labels/answer_map.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace pillar {

class AnswerReader {
 public:
  AnswerReader(const std::filesystem::path& file, const AnswerMap& map) : file_(file), map_(map) {}

  // Of a word that the map does not have: missing, and finish() will refuse the file.
  Answer meaning(std::string_view word, std::string_view accession, std::string_view question);
  // Throws Error(input) naming the words without a meaning, how often each is there and where it was first.
  void finish() const;

 private:
  struct Unknown {
    std::int64_t count = 0;
    std::string first_place;
  };
  const std::filesystem::path& file_;
  const AnswerMap& map_;
  std::map<std::string, Unknown> unknown_;  // by folded word
};

}  // namespace pillar

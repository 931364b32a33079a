// Reports and questions that the test's server answers by rule (support/chat_server.py).
#pragma once

#include "pillar/rate/extract.h"

#include "support/chat_server.h"
#include "support/temp_dir.h"

#include <filesystem>
#include <string>

namespace pillar::test {

// The questions' last words: "nodule" and "effusion" of Chest, "stone" of Abdomen.
inline constexpr const char* kSmallQuestions = R"(modality: ct
categories:
  Chest:
    description: Lungs and pleura
    questions:
      - question: Is there a nodule?
      - question: Is there an effusion?
  Abdomen:
    description: Kidneys
    questions:
      - question: Is there a stone?
)";

std::filesystem::path rate_config_folder();  // share/pillar/configs/rate of the build

// `count` reports with accessions "0000", "0001", ...: every second has a nodule, every third an effusion,
// every fifth a stone that is "maybe stone" every tenth.
void write_small_cohort(const std::filesystem::path& folder, int count);

// Of write_small_cohort() in `folder`, into `folder`/out.
ExtractOptions small_options(const std::filesystem::path& folder, const std::string& url);

std::string bytes_of(const std::filesystem::path& file);

}  // namespace pillar::test

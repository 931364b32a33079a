// Internal: the two kinds of label files. Each reader fills questions, categories, rows and answers as they
// are met.
#pragma once

#include "pillar/labels/labels.h"

#include "labels/answer_reader.h"

#include <filesystem>

namespace pillar {

// Both throw Error(io | input) as load_labels() does, but for answers without a meaning, which `answers`
// keeps.
void read_label_json(const std::filesystem::path& file, AnswerReader& answers, LabelTable& table);
void read_label_csv(const std::filesystem::path& file, const AnswerMap& map, AnswerReader& answers,
                    LabelTable& table);

}  // namespace pillar

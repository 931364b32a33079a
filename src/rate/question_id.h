// Internal: the names of questions in RATE's public files.
#pragma once

#include <string>
#include <string_view>

namespace pillar {

// The first eight hex digits of the MD5 of the question's UTF-8 text, as the public engine has it.
std::string question_id(std::string_view question);

}  // namespace pillar

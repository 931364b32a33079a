// The words of an NRRD header that say which way its axes run and in what unit.
#pragma once

#include "image/volume_file/text_header.h"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pillar {

// Component i of a point in the header's space runs along LPS axis `axis[i]`, forwards or backwards.
struct NrrdSpace {
  std::array<std::size_t, 3> axis = {0, 1, 2};
  std::array<double, 3> sign = {1, 1, 1};
  bool of_the_patient = false;  // else (scanner-xyz, 3D-right-handed, none) it is taken for LPS
};

// Three of left or right, anterior or posterior, superior or inferior, in any order, whole or as letters,
// with or without time; or one of the format's spaces that name no patient. Throws Error(input) for any other
// word.
NrrdSpace nrrd_space(const TextHeader& header, const std::filesystem::path& path);

// The words of a value: "(...)" and "..." are one word each, the latter without its quotes.
std::vector<std::string> nrrd_words(std::string_view text);

// "(1,0,0)"; nothing where it is no list of finite numbers.
std::optional<std::vector<double>> nrrd_vector(std::string_view word);

// Millimetres of a unit, 1 for an empty word; nothing if it is unknown.
std::optional<double> nrrd_unit_mm(std::string_view word);

}  // namespace pillar

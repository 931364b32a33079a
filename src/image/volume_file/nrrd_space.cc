#include "image/volume_file/nrrd_space.h"

#include "core/shared/path_format.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

namespace pillar {
namespace {

std::string lower_case(std::string_view text) {
  std::string result;
  for (char c : text) result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

struct Side {
  std::string_view word;
  std::size_t axis;
  double sign;
};

constexpr Side kSides[] = {{"left", 0, 1},      {"right", 0, -1},   {"posterior", 1, 1},
                           {"anterior", 1, -1}, {"superior", 2, 1}, {"inferior", 2, -1}};

// "right-anterior-superior" to its words, "ras" to its letters; without a time at the end.
std::vector<std::string> sides_of(const std::string& space) {
  std::vector<std::string> words;
  if (space.size() == 3 || (space.size() == 4 && space.back() == 't')) {
    for (char c : space.substr(0, 3)) words.emplace_back(1, c);
    return words;
  }
  std::string word;
  for (char c : space + "-") {
    if (c != '-' && c != ' ') {
      word += c;
    } else if (!word.empty()) {
      words.push_back(word);
      word.clear();
    }
  }
  if (words.size() == 4 && words.back() == "time") words.pop_back();
  return words;
}

std::optional<NrrdSpace> patient_space(const std::string& space) {
  const std::vector<std::string> words = sides_of(space);
  if (words.size() != 3) return std::nullopt;
  NrrdSpace result;
  std::array<bool, 3> met = {false, false, false};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto* side = std::find_if(std::begin(kSides), std::end(kSides), [&](const Side& known) {
      return words[i] == known.word || words[i] == known.word.substr(0, 1);
    });
    if (side == std::end(kSides) || met[side->axis]) return std::nullopt;
    met[side->axis] = true;
    result.axis[i] = side->axis;
    result.sign[i] = side->sign;
  }
  result.of_the_patient = true;
  return result;
}

bool is_other_space(std::string space) {
  if (space.ends_with("-time")) space.resize(space.size() - 5);
  for (std::string_view known : {"none", "scanner-xyz", "3d-right-handed", "3d-left-handed"}) {
    if (space == known) return true;
  }
  return false;
}

}  // namespace

NrrdSpace nrrd_space(const TextHeader& header, const std::filesystem::path& path) {
  const std::string space = lower_case(header.value("space").value_or("none"));
  if (const auto of_patient = patient_space(space)) return *of_patient;
  if (!is_other_space(space))
    fail(ErrorCategory::input, "{}: unknown space '{}'", path, printable(space, 40));
  return {};
}

std::vector<std::string> nrrd_words(std::string_view text) {
  std::vector<std::string> words;
  std::size_t at = 0;
  while (at < text.size()) {
    if (std::isspace(static_cast<unsigned char>(text[at])) != 0) {
      ++at;
      continue;
    }
    const char closing = text[at] == '(' ? ')' : (text[at] == '"' ? '"' : '\0');
    std::size_t end = at + 1;
    while (end < text.size() && (closing != '\0' ? text[end] != closing
                                                 : std::isspace(static_cast<unsigned char>(text[end])) == 0))
      ++end;
    if (closing == '"')
      words.emplace_back(text.substr(at + 1, end - at - 1));
    else
      words.emplace_back(text.substr(at, end - at + (closing != '\0' ? 1 : 0)));
    at = end + (closing != '\0' ? 1 : 0);
  }
  return words;
}

std::optional<std::vector<double>> nrrd_vector(std::string_view word) {
  if (!word.starts_with('(') || !word.ends_with(')')) return std::nullopt;
  word = word.substr(1, word.size() - 2);
  std::vector<double> numbers;
  while (true) {
    const std::size_t comma = std::min(word.find(','), word.size());
    std::string_view part = word.substr(0, comma);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    double number = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), number);
    if (error != std::errc() || end != part.data() + part.size() || !std::isfinite(number))
      return std::nullopt;
    numbers.push_back(number);
    if (comma == word.size()) return numbers;
    word.remove_prefix(comma + 1);
  }
}

std::optional<double> nrrd_unit_mm(std::string_view word) {
  struct Unit {
    double mm;
    std::initializer_list<std::string_view> names;
  };
  static const Unit kUnits[] = {
      {1, {"", "mm", "millimeter", "millimeters", "millimetre", "millimetres"}},
      {10, {"cm", "centimeter", "centimeters", "centimetre", "centimetres"}},
      {1000, {"m", "meter", "meters", "metre", "metres"}},
      {0.001,
       {"um", "\u00b5m", "\u03bcm", "micron", "microns", "micrometer", "micrometers", "micrometre",
        "micrometres"}},
      {1e-6, {"nm", "nanometer", "nanometers", "nanometre", "nanometres"}},
      {25.4, {"in", "inch", "inches"}},
  };
  const std::string lowered = lower_case(word);
  for (const Unit& unit : kUnits) {
    if (std::find(unit.names.begin(), unit.names.end(), lowered) != unit.names.end()) return unit.mm;
  }
  return std::nullopt;
}

}  // namespace pillar

#include "data/scan/series_choice.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "core/shared/joined.h"
#include "core/shared/path_format.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr double kCoveringShare = 0.8;     // of what could be covered: the last slices are seldom missed
constexpr double kSameThicknessMm = 0.05;  // 1.25 and 1.2499 are one thickness
constexpr std::size_t kNamedSeries = 12;

// What each number of a Fitness stands for, when it is less than the chosen one's.
constexpr std::array<const char*, 8> kLacks = {"it cannot be read",
                                               "of another modality",
                                               "derived from other images",
                                               "slices lie another way",
                                               "of another part of the body",
                                               "covers less",
                                               "thicker slices",
                                               "fewer slices"};
using Fitness = std::array<double, kLacks.size()>;  // of each the larger, the better; the first decides

// Words of BodyPartExamined and SeriesDescription for what the name of a tower says.
struct BodyWords {
  const char* tower;
  std::array<const char*, 5> words;  // the last ones may be missing
};
constexpr BodyWords kBodyWords[] = {{"chest", {"CHEST", "THORAX", "LUNG", "TORSO", "WHOLEBODY"}},
                                    {"abdomen", {"ABD", "PELVIS", "LIVER", "TORSO", "WHOLEBODY"}},
                                    {"head", {"HEAD", "BRAIN", "SKULL"}},
                                    {"brain", {"HEAD", "BRAIN", "SKULL"}},
                                    {"breast", {"BREAST"}},
                                    {"prostate", {"PROSTATE", "PELVIS"}}};

std::string upper(std::string_view text) {
  std::string result;
  for (const char c : text) result += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return result;
}

bool says(const BodyWords& part, const std::string& text) {
  return std::any_of(part.words.begin(), part.words.end(), [&](const char* word) {
    return word != nullptr && text.find(word) != std::string::npos;
  });
}

bool says_any(const std::string& text) {
  return std::any_of(std::begin(kBodyWords), std::end(kBodyWords),
                     [&](const BodyWords& words) { return says(words, text); });
}

// 1: of the part that the tower's name says, or nothing is said; 0: of another one, which the description may
// say where BodyPartExamined does not.
double body_part_fit(const DicomSeries& series, const std::string& tower) {
  const std::string part = upper(series.body_part), description = upper(series.series_description);
  bool known = false;
  for (const BodyWords& words : kBodyWords) {
    if (tower.find(words.tower) == std::string::npos) continue;
    if (says(words, part) || says(words, description)) return 1;
    known = true;
  }
  return known && (says_any(part) || says_any(description)) ? 0 : 1;
}

std::string wanted_orientation(const PrepareOptions& prepare) {
  switch (prepare.axes.value_or(kAxialBodyAxes)[0]) {
    case BodySide::left:
    case BodySide::right:
      return "SAGITTAL";
    case BodySide::back:
    case BodySide::front:
      return "CORONAL";
    default:
      return "AXIAL";
  }
}

bool is_of_modality(const DicomSeries& series, const ScanReadOptions& options) {
  return !options.prepare.modality || *options.prepare.modality == series.modality;
}

double extent_mm(const DicomSeries& series) {
  return slice_spacing_mm(series) * static_cast<double>(series.planes.size());
}

// `visible_mm`: what the model sees of the longest series.
Fitness fitness(const DicomSeries& series, const ScanReadOptions& options, double visible_mm) {
  const double thickness = slice_spacing_mm(series);
  return {series.fault.empty() ? 1.0 : 0.0,
          is_of_modality(series, options) ? 1.0 : 0.0,
          series.is_derived_view ? 0.0 : 1.0,
          orientation_of(series) == wanted_orientation(options.prepare) ? 1.0 : 0.0,
          body_part_fit(series, options.series.tower),
          extent_mm(series) >= kCoveringShare * visible_mm ? 1.0 : 0.0,
          thickness > 0 ? -std::round(thickness / kSameThicknessMm) : -HUGE_VAL,
          static_cast<double>(series.planes.size())};
}

bool is_wished(const DicomSeries& series, const SeriesWish& wish) {
  if (wish.number && *wish.number != series.series_number) return false;
  return upper(series.series_description).find(upper(wish.description)) != std::string::npos;
}

std::string name_of(const DicomSeries& series) {
  std::string text = fmt::format("number {}", series.series_number);
  if (!series.series_description.empty())
    text += fmt::format(" '{}'", printable(series.series_description, 64));
  if (!series.volume_key.empty()) text += fmt::format(", {}", series.volume_key);
  return text;
}

std::string facts_of(const DicomSeries& series) {
  std::vector<std::string> facts;
  const std::string orientation = orientation_of(series);
  if (!orientation.empty()) facts.push_back(orientation);
  if (!series.body_part.empty()) facts.push_back(printable(series.body_part, 32));
  if (slice_spacing_mm(series) > 0) facts.push_back(fmt::format("{:.4g} mm", slice_spacing_mm(series)));
  facts.push_back(fmt::format("{} slices", series.planes.size()));
  return joined(facts, ", ");
}

// Why it was not taken.
std::string lack_of(const Fitness& fit, const Fitness& best) {
  for (std::size_t i = 0; i < fit.size(); ++i) {
    if (fit[i] < best[i]) return kLacks[i];
  }
  return "as good";
}

double visible_mm(const std::vector<const DicomSeries*>& among, const PrepareOptions& prepare) {
  double longest = 0;
  for (const DicomSeries* one : among) longest = std::max(longest, extent_mm(*one));
  const PreprocessOptions& grid = prepare.preprocess;
  if (!grid.slices || !grid.target_spacing_xyz_mm) return longest;
  return std::min(longest, static_cast<double>(*grid.slices) * (*grid.target_spacing_xyz_mm)[2]);
}

[[noreturn]] void fail_wish(std::span<const DicomSeries> series, const SeriesWish& wish,
                            const fs::path& source) {
  std::vector<std::string> names;
  for (const DicomSeries& one : series.first(std::min(series.size(), kNamedSeries)))
    names.push_back(name_of(one));
  fail(ErrorCategory::input, "{}: no series {}{}; there are: {}", source,
       wish.number ? fmt::format("number {} ", *wish.number) : "",
       wish.description.empty() ? ""
                                : fmt::format("with '{}' in its description", printable(wish.description)),
       joined(names, "; "));
}

// Those that the longest look is worth: what cannot be taken anyway sets no measure of what to cover.
std::vector<const DicomSeries*> sound_ones(const std::vector<const DicomSeries*>& among,
                                           const ScanReadOptions& options) {
  std::vector<const DicomSeries*> sound;
  for (const DicomSeries* one : among) {
    const Fitness fit = fitness(*one, options, 0);
    if (std::all_of(fit.begin(), fit.begin() + 5, [](double value) { return value > 0; }))
      sound.push_back(one);
  }
  return sound.empty() ? among : sound;
}

}  // namespace

const DicomSeries& choose_series(std::span<const DicomSeries> series, const ScanReadOptions& options,
                                 const fs::path& source, Notes& notes) {
  std::vector<const DicomSeries*> among;
  for (const DicomSeries& one : series) {
    if (is_wished(one, options.series)) among.push_back(&one);
  }
  if (among.empty()) fail_wish(series, options.series, source);
  const double visible = visible_mm(sound_ones(among, options), options.prepare);
  const auto is_better = [&](const DicomSeries* a, const DicomSeries* b) {
    const Fitness fit_a = fitness(*a, options, visible), fit_b = fitness(*b, options, visible);
    return fit_a != fit_b ? fit_a > fit_b : a->series_number < b->series_number;
  };
  const DicomSeries& best = **std::min_element(among.begin(), among.end(), is_better);
  if (among.size() == 1) return best;
  std::vector<std::string> others;
  for (const DicomSeries* one : among) {
    if (one == &best || others.size() == kNamedSeries) continue;
    others.push_back(fmt::format("{}: {}", name_of(*one),
                                 lack_of(fitness(*one, options, visible), fitness(best, options, visible))));
  }
  notes.add(fmt::format("{} series, taken is {} ({}); not {}", among.size(), name_of(best), facts_of(best),
                        joined(others, "; not ")));
  return best;
}

std::vector<const DicomSeries*> usable_series(std::span<const DicomSeries> series,
                                              const ScanReadOptions& options) {
  std::vector<const DicomSeries*> usable;
  for (const DicomSeries& one : series) {
    if (one.fault.empty() && is_of_modality(one, options) && is_wished(one, options.series))
      usable.push_back(&one);
  }
  return usable;
}

}  // namespace pillar

#include "evidence_pages.h"

#include "pillar/core/csv.h"
#include "pillar/core/file.h"
#include "pillar/core/file_name.h"
#include "pillar/viz/evidence_report.h"
#include "pillar/viz/hang.h"
#include "pillar/viz/slice_viewer.h"

#include <cstdlib>
#include <map>

#include <fmt/format.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostPageBytes = 5'000'000;
constexpr int kLongestSides[] = {256, 192, 160, 128, 96, 64};
constexpr DisplayWindow kTissue = {40, 400};

std::string point_text(const PatientXyz& point) {
  return fmt::format("{:.0f}, {:.0f}, {:.0f} mm", point[0], point[1], point[2]);
}

// As hang() turns the volume round.
std::array<std::int64_t, 3> hung_voxel(std::array<std::int64_t, 3> voxel_dhw, const TurnedAxes& turns,
                                       const SizeDhw& size) {
  if (turns.rows) voxel_dhw[1] = size[1] - 1 - voxel_dhw[1];
  if (turns.columns) voxel_dhw[2] = size[2] - 1 - voxel_dhw[2];
  return voxel_dhw;
}

TokenOverlay::Layer layer_of(const QuestionMap& map, const StudyMaps& study, const TurnedAxes& turns,
                             const SizeDhw& size, const std::string& unit) {
  TokenOverlay::Layer layer;
  layer.name = map.question;
  layer.about = fmt::format("probability {:.3f}, logit {:.2f}, of the mean study {:.2f}", map.probability,
                            map.evidence.logit, map.evidence.mean_logit);
  if (study.spread == TokenSpread::evenly && map.map.beside_scan != 0)
    layer.about += fmt::format(", {:.2f} of it on padding", map.map.beside_scan);
  layer.of_scale_dhw = study.voxels.of_voxels(map.evidence.of_scale_dhw, study.spread);
  for (const StrongPlace& place : map.places) {
    layer.places.push_back(
        {hung_voxel(place.voxel_dhw, turns, size),
         fmt::format("{} · {:.0f} {}", point_text(place.point_xyz_mm), place.value, unit)});
  }
  return layer;
}

void turn_way(TokenOverlay& overlay, std::size_t axis, std::int64_t size) {
  for (std::size_t i = 0; i < 3; ++i) {
    overlay.first_dhw[i] += static_cast<double>(size - 1) * overlay.along_dhw[axis][i];
    overlay.along_dhw[axis][i] = -overlay.along_dhw[axis][i];
  }
}

TokenOverlay overlay_of(const StudyMaps& study, const TurnedAxes& turns, const SizeDhw& size,
                        const std::string& unit) {
  TokenOverlay overlay;
  const TokenVoxels::FinestWay way = study.voxels.finest_way();
  overlay.first_dhw = way.first_dhw;
  overlay.along_dhw = way.along_dhw;
  if (turns.rows) turn_way(overlay, 1, size[1]);
  if (turns.columns) turn_way(overlay, 2, size[2]);
  for (std::size_t s = 0; s < study.study.scales.size(); ++s) {
    const TokenScale& scale = study.study.scales[s];
    const bool is_last = s + 1 == study.study.scales.size();
    overlay.scales.push_back({s == 0    ? "finest"
                              : is_last ? "coarsest"
                                        : fmt::format("scale {}", s + 1),
                              scale.tokens_dhw, scale.finest_dhw});
  }
  for (const QuestionMap& map : study.questions)
    overlay.layers.push_back(layer_of(map, study, turns, size, unit));
  return overlay;
}

// The first row of each map of places.csv.
std::map<std::pair<std::string, std::string>, std::vector<std::string>> first_places(const fs::path& file) {
  const CsvTable table = read_csv(file);
  std::vector<std::size_t> columns;
  for (const char* name : {"accession", "question", "rank", "x_mm", "y_mm", "z_mm", "value", "share"})
    columns.push_back(table.column(name, file));
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> places;
  for (const auto& row : table.rows) {
    if (row[columns[2]] != "1") continue;
    places[{row[columns[0]], row[columns[1]]}] = {row[columns[3]], row[columns[4]], row[columns[5]],
                                                  row[columns[6]], row[columns[7]]};
  }
  return places;
}

double number(const std::string& text) {
  return std::strtod(text.c_str(), nullptr);
}

}  // namespace

void write_evidence_view(const fs::path& out, const StudyMaps& study) {
  if (study.questions.empty()) return;
  Volume shown = study.scan.volume;
  const TurnedAxes turns = turned_axes(shown.geometry);
  SliceViewerOptions page = hang(shown, study.scan.geometry_known);
  const bool is_ct = shown.modality == Modality::ct;
  page.window = is_ct ? kTissue : automatic_window(shown.voxels_dhw);
  page.title = study.accession;
  page.facts.insert(page.facts.begin(), {"modality", to_string(shown.modality)});
  page.facts.emplace_back(
      "colours",
      study.spread == TokenSpread::evenly
          ? "where the score comes from: red speaks for a yes, blue against it. A maximum over tokens is no "
            "segmentation"
          : "what the probe says of each token alone: red for a yes, blue against it");
  page.tokens = overlay_of(study, turns, size_dhw(shown.voxels_dhw), is_ct ? "HU" : "");
  std::string html;
  for (const int side : kLongestSides) {
    page.longest_side = side;
    html = slice_viewer_html(shown.voxels_dhw, shown.geometry.spacing_xyz_mm, page);
    if (html.size() < kMostPageBytes) break;
  }
  const fs::path folder = out / "view";
  std::error_code ignored;
  fs::create_directories(folder, ignored);
  write_file_atomic(folder / (file_stem(study.accession) + ".html"), html);
}

void write_evidence_index(const fs::path& out, const EvidenceJob& job, const EvidenceSummary& summary) {
  const auto places = first_places(out / "places.csv");
  const CsvTable table = read_csv(out / "evidence.csv");
  const auto cell = [&](const std::vector<std::string>& row, const char* column) -> const std::string& {
    return row[table.column(column, out / "evidence.csv")];
  };
  EvidenceReport report;
  report.title = "Where the scores come from";
  report.about = fmt::format("{} maps of {} studies of split {}", summary.maps, summary.studies, job.split);
  report.note =
      job.token_products
          ? "What the probe says of each token alone; it adds up to nothing."
          : "Each score is a sum over the tokens whose values are the study's maxima. A place is where most "
            "of what "
            "speaks for a yes is; its share is of all that does. A maximum over tokens is no segmentation.";
  report.unit = "HU";
  for (const auto& row : table.rows) {
    EvidenceReportRow& shown = report.rows.emplace_back();
    shown.accession = cell(row, "accession");
    shown.question = cell(row, "question");
    shown.probability = number(cell(row, "probability"));
    shown.evidence = number(cell(row, "evidence"));
    const auto place = places.find({shown.accession, shown.question});
    if (place == places.end()) continue;
    const std::vector<std::string>& first = place->second;
    shown.place = point_text({number(first[0]), number(first[1]), number(first[2])});
    shown.value = number(first[3]);
    shown.share = number(first[4]);
  }
  write_evidence_report(report, out / "report.html");
}

}  // namespace pillar

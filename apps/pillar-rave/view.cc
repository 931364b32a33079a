#include "pillar/rave/verify.h"
#include "pillar/viz/contact_sheet.h"
#include "pillar/viz/slice_viewer.h"

#include "commands.h"

#include <cmath>

#include <fmt/format.h>

namespace pillar {
namespace {

struct Arguments {
  std::filesystem::path sample;
  std::filesystem::path out;
  std::string window;
  ContactSheetOptions sheet;
};

DisplayWindow window_for(const Arguments& a, const Volume& volume) {
  return a.window.empty() ? automatic_window(volume.voxels_dhw) : parse_display_window(a.window);
}

ExitCode view(Arguments& a) {
  const std::string extension = a.out.extension().string();
  if (extension != ".png" && extension != ".html") {
    throw Error(
        ErrorCategory::usage,
        fmt::format("{}: --out ends in .png (contact sheet) or .html (slice viewer)", a.out.string()));
  }
  if (!a.window.empty()) parse_display_window(a.window);
  const Sample sample = Sample::open(a.sample);
  const Volume volume = sample.read();
  const std::string title = a.sample.filename().string();
  const DisplayWindow window = window_for(a, volume);
  if (extension == ".png") {
    a.sheet.title = fmt::format("{}  C {:g} W {:g}", title, window.center, window.width);
    write_png(a.out, contact_sheet(volume.voxels_dhw, volume.geometry.spacing_xyz_mm, window, a.sheet));
    return ExitCode::ok;
  }
  SliceViewerOptions options;
  options.title = title;
  options.window = window;
  options.facts = sample_facts(sample.info());
  options.value_unit = volume.modality == Modality::ct ? "HU" : "";
  options.slices_ascend = volume.geometry.axis(2)[2] >= 0;
  // Within 45 degrees of the patient's axes, so that left is left on the picture.
  const auto& direction = volume.geometry.direction;
  options.lps_axial =
      sample.info().metadata && direction[0] > 0.7 && direction[4] > 0.7 && std::abs(direction[8]) > 0.7;
  write_slice_viewer(a.out, volume.voxels_dhw, volume.geometry.spacing_xyz_mm, options);
  return ExitCode::ok;
}

}  // namespace

void add_view(AppContext& context) {
  CLI::App* command = context.app.add_subcommand(
      "view", "a sample as a contact sheet (.png) or a slice viewer in one file (.html)");
  auto a = std::make_shared<Arguments>();
  command->add_option("SAMPLE", a->sample, "folder, archive or video file")->required();
  command->add_option("--out", a->out, "file to write, .png or .html")->required();
  command->add_option("--window", a->window,
                      "display window as centre,width: --window 40,400; without it, from the values");
  command->add_option("--tiles", a->sheet.tiles, "slices on a contact sheet")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->callback([a, &context] { context.result = view(*a); });
}

}  // namespace pillar

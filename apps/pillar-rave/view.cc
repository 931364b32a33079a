#include "pillar/core/fail.h"
#include "pillar/rave/verify.h"
#include "pillar/viz/contact_sheet.h"
#include "pillar/viz/hang.h"
#include "pillar/viz/slice_viewer.h"
#include "pillar/viz/window_viewer.h"
#include "pillar/windows/value_check.h"
#include "pillar/windows/windowed_volume.h"

#include "commands.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace pillar {
namespace {

struct ViewArguments {
  std::filesystem::path sample;
  std::filesystem::path out;
  std::string window;
  std::string windows;
  ContactSheetOptions sheet;
};

DisplayWindow window_for(const ViewArguments& a, const Volume& volume) {
  return a.window.empty() ? automatic_window(volume.voxels_dhw) : parse_display_window(a.window);
}

// What each window shows as black and white, in the sample's own values.
std::vector<ShownWindow> shown_windows(const at::Tensor& voxels_dhw, const std::vector<Window>& windows) {
  const WindowedVolume volume(voxels_dhw.unsqueeze(0).unsqueeze(0), windows);
  std::vector<ShownWindow> shown;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const WindowRange range = volume.range(0, static_cast<std::int64_t>(i));
    shown.push_back({windows[i].name, range.low, range.low + range.width});
  }
  return shown;
}

void view_windows(const ViewArguments& a, const Volume& volume, const SliceViewerOptions& viewer) {
  const WindowFamily family = volume.modality == Modality::ct ? WindowFamily::ct : WindowFamily::mr;
  const ValueCheck check = check_values(volume.voxels_dhw, family);
  const std::vector<ShownWindow> windows = shown_windows(volume.voxels_dhw, parse_windows(a.windows, family));
  WindowViewerOptions options;
  options.title = viewer.title;
  options.facts = viewer.facts;
  options.value_unit = viewer.value_unit;
  options.notice = check.message;
  options.warning = check.warning;
  if (check.warning) spdlog::warn("{}: {}", a.sample.string(), check.message);
  if (a.out.extension() == ".png") {
    write_png(a.out, window_sheet(volume.voxels_dhw, volume.geometry.spacing_xyz_mm, windows, options));
  } else {
    write_window_viewer(a.out, volume.voxels_dhw, volume.geometry.spacing_xyz_mm, windows, options);
  }
}

ExitCode view(ViewArguments& a) {
  const std::string extension = a.out.extension().string();
  if (extension != ".png" && extension != ".html") {
    fail(ErrorCategory::usage, "{}: --out ends in .png (a sheet) or .html (a viewer)", a.out);
  }
  if (!a.window.empty()) parse_display_window(a.window);
  const Sample sample = Sample::open(a.sample);
  Volume volume = sample.read();
  const std::string title = a.sample.filename().string();
  const SampleInfo& info = sample.info();
  SliceViewerOptions options = hang(volume, info.metadata && info.metadata->geometry);
  options.title = title;
  const auto facts = sample_facts(info);
  options.facts.insert(options.facts.begin(), facts.begin(), facts.end());
  if (!a.windows.empty()) {
    view_windows(a, volume, options);
    return ExitCode::ok;
  }
  const DisplayWindow window = window_for(a, volume);
  if (extension == ".png") {
    a.sheet.title = fmt::format("{}  C {:g} W {:g}", title, window.center, window.width);
    write_png(a.out, contact_sheet(volume.voxels_dhw, volume.geometry.spacing_xyz_mm, window, a.sheet));
    return ExitCode::ok;
  }
  options.window = window;
  write_slice_viewer(a.out, volume.voxels_dhw, volume.geometry.spacing_xyz_mm, options);
  return ExitCode::ok;
}

}  // namespace

void add_view(AppContext& context) {
  CLI::App* command = context.app.add_subcommand(
      "view", "a sample as a contact sheet (.png) or a slice viewer in one file (.html)");
  auto a = std::make_shared<ViewArguments>();
  command->add_option("SAMPLE", a->sample, "folder, archive or video file")->required();
  command->add_option("--out", a->out, "file to write, .png or .html")->required();
  CLI::Option* window = command->add_option(
      "--window", a->window, "display window as centre,width: --window 40,400; without it, from the values");
  command
      ->add_option(
          "--windows", a->windows,
          "the model's windows side by side: all, default, or a list with your own as name:centre,width: "
          "--windows lung,bone,kidney:60,300")
      ->excludes(window);
  command->add_option("--tiles", a->sheet.tiles, "slices on a contact sheet")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->callback([a, &context] { context.result = view(*a); });
}

}  // namespace pillar

#include "viz/viewer/token_overlay.h"

#include "pillar/core/fail.h"

#include "viz/picture/overlay.h"
#include "viz/viewer/packed_voxels.h"
#include "viz/viewer/text_encoding.h"

#include <cmath>

#include <fmt/ranges.h>

namespace pillar::viz {
namespace {

constexpr double kMostLevel = 127;

// Levels of one scale, a signed byte each, at the end of `bytes`. Returns what one level is worth.
double add_levels(const at::Tensor& values_dhw, Bytes& bytes) {
  const at::Tensor values = values_dhw.to(at::kDouble).contiguous();
  const auto* value = values.const_data_ptr<double>();
  double largest = 0;
  for (std::int64_t i = 0; i < values.numel(); ++i) {
    if (!std::isfinite(value[i])) fail(ErrorCategory::input, "cannot show a token of value {}", value[i]);
    largest = std::max(largest, std::abs(value[i]));
  }
  const double step = largest > 0 ? largest / kMostLevel : 1;
  for (std::int64_t i = 0; i < values.numel(); ++i)
    bytes.push_back(static_cast<std::uint8_t>(static_cast<std::int8_t>(std::lround(value[i] / step))));
  return step;
}

std::string place_json(const TokenOverlay::Place& place) {
  const auto& [d, h, w] = place.voxel_dhw;
  return fmt::format("{{\"voxel\":[{},{},{}],\"text\":{}}}", w, h, d, json_string(place.text));
}

std::string layer_json(const TokenOverlay::Layer& layer, const std::vector<TokenOverlay::Scale>& scales,
                       Bytes& bytes) {
  if (layer.of_scale_dhw.size() != scales.size())
    fail(ErrorCategory::input, "a layer of {} scales over {}", layer.of_scale_dhw.size(), scales.size());
  std::vector<std::string> steps, places;
  for (std::size_t s = 0; s < scales.size(); ++s) {
    if (layer.of_scale_dhw[s].sizes() != at::IntArrayRef(scales[s].tokens_dhw))
      fail(ErrorCategory::input, "a layer's scale {} is no grid of {} tokens", s,
           fmt::format("{}", fmt::join(scales[s].tokens_dhw, " x ")));
    steps.push_back(fmt::format("{}", add_levels(layer.of_scale_dhw[s], bytes)));
  }
  for (const TokenOverlay::Place& place : layer.places) places.push_back(place_json(place));
  return fmt::format("{{\"about\":{},\"steps\":[{}],\"places\":[{}]}}", json_string(layer.about),
                     fmt::join(steps, ","), fmt::join(places, ","));
}

std::string option(std::int64_t value, const std::string& name) {
  return fmt::format("<option value=\"{}\">{}</option>", value, escape_html(name));
}

std::string controls(const TokenOverlay& overlay) {
  std::string layers, scales = option(-1, "all scales");
  for (std::size_t i = 0; i < overlay.layers.size(); ++i)
    layers += option(static_cast<std::int64_t>(i), overlay.layers[i].name);
  for (std::size_t s = 0; s < overlay.scales.size(); ++s)
    scales += option(static_cast<std::int64_t>(s), overlay.scales[s].name);
  return fmt::format(
      "<label>Question <select id=\"layer\">{}</select></label>\n"
      "  <label>Scale <select id=\"scale\">{}</select></label>\n"
      "  <label>Opacity <input id=\"opacity\" type=\"range\" min=\"0\" max=\"1\" step=\"0.05\" "
      "value=\"{}\"></label>\n"
      "  <output id=\"layer-about\"></output>\n"
      "  <div id=\"places\" role=\"group\" aria-label=\"Strongest places\"></div>",
      layers, scales, overlay.opacity);
}

}  // namespace

OverlayFields token_fields(const TokenOverlay& overlay) {
  check_opacity(overlay.opacity);
  if (overlay.layers.empty() || overlay.scales.empty())
    fail(ErrorCategory::usage, "an overlay of tokens without layers or scales");
  Bytes bytes;
  std::vector<std::string> scales, layers, along;
  for (const TokenOverlay::Scale& scale : overlay.scales) {
    scales.push_back(fmt::format("{{\"tokens\":[{}],\"finest\":[{}]}}", fmt::join(scale.tokens_dhw, ","),
                                 fmt::join(scale.finest_dhw, ",")));
  }
  for (const TokenOverlay::Layer& layer : overlay.layers)
    layers.push_back(layer_json(layer, overlay.scales, bytes));
  for (const auto& step : overlay.along_dhw) along.push_back(fmt::format("[{}]", fmt::join(step, ",")));
  OverlayFields fields;
  fields.json =
      fmt::format("{{\"opacity\":{},\"first\":[{}],\"along\":[{}],\"scales\":[{}],\"layers\":[{}]}}",
                  overlay.opacity, fmt::join(overlay.first_dhw, ","), fmt::join(along, ","),
                  fmt::join(scales, ","), fmt::join(layers, ","));
  fields.control = controls(overlay);
  fields.voxels =
      fmt::format("<script id=\"overlay\" type=\"text/plain\">{}</script>\n", base64(deflate_bytes(bytes)));
  return fields;
}

}  // namespace pillar::viz

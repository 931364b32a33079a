// Internal: a built-in 5x7 pixel font for titles and labels in grey images.
#pragma once

#include "pillar/viz/png.h"

#include <cstdint>
#include <string_view>

namespace pillar::viz {

// Pixels that `text` takes; `scale` is the side of one dot of the font.
int text_width(std::string_view text, int scale);
int text_height(int scale);

// Capital letters only (small ones are drawn as such); a character without a glyph appears as '?'. What lies
// outside of the image is clipped. The image has one channel.
void draw_text(Image8& image, int left, int top, std::string_view text, int scale, std::uint8_t grey);

void fill_rectangle(Image8& image, int left, int top, int width, int height, std::uint8_t grey);

}  // namespace pillar::viz

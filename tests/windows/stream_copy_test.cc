#include "windows/shared/stream_copy.h"

#include <cstdint>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace pillar::windows {
namespace {

TEST(StreamCopy, AnyPlaceAndLengthAndNothingBeside) {
  std::vector<std::uint8_t> source(256);
  std::iota(source.begin(), source.end(), std::uint8_t{1});
  for (std::size_t to = 0; to < 33; ++to) {
    for (const std::size_t from : {0, 1, 7}) {
      for (const std::size_t bytes : {0, 1, 5, 15, 16, 17, 31, 33, 64, 100}) {
        std::vector<std::uint8_t> target(160, 0xEE);
        stream_copy(target.data() + to, source.data() + from, bytes);
        stream_done();
        for (std::size_t i = 0; i < target.size(); ++i) {
          const bool copied = i >= to && i < to + bytes;
          ASSERT_EQ(target[i], copied ? source[from + i - to] : 0xEE)
              << to << " " << from << " " << bytes << " " << i;
        }
      }
    }
  }
}

}  // namespace
}  // namespace pillar::windows

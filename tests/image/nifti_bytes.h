// NIfTI files made field by field, right or wrong.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace pillar::test {

class NiftiBytes {
 public:
  // A 4x3x2 int16 file of 0.5 x 0.6 x 2 mm with a scanner qform of no rotation and the values 0..23.
  NiftiBytes() : bytes_(352, '\0') {
    put<std::int32_t>(0, 348);
    set_sizes({4, 3, 2});
    set_type(4, 16);
    const float pixdim[] = {1, 0.5F, 0.6F, 2};
    for (std::size_t i = 0; i < 4; ++i) put<float>(76 + 4 * i, pixdim[i]);
    put<float>(108, 352);
    put<float>(112, 1);
    bytes_[123] = 2;  // mm
    put<std::int16_t>(252, 1);
    std::memcpy(bytes_.data() + 344, "n+1", 4);
    for (std::int16_t i = 0; i < 24; ++i) append(i);
  }

  template <typename T>
  void put(std::size_t offset, T value) {
    std::memcpy(bytes_.data() + offset, &value, sizeof(T));
  }
  void set_sizes(const std::vector<std::int16_t>& sizes) {
    put<std::int16_t>(40, static_cast<std::int16_t>(sizes.size()));
    for (std::size_t i = 0; i < 7; ++i)
      put<std::int16_t>(42 + 2 * i, i < sizes.size() ? sizes[i] : std::int16_t(1));
  }
  void set_type(std::int16_t code, std::int16_t bits) {
    put(70, code);
    put(72, bits);
  }
  template <typename T>
  void append(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(T));
  }
  void clear_voxels() { bytes_.resize(352); }
  std::string& bytes() { return bytes_; }

  // The same file as NIfTI-2.
  std::string as_version_2() const {
    std::string out(544, '\0');
    const auto put2 = [&](std::size_t offset, auto value) {
      std::memcpy(out.data() + offset, &value, sizeof(value));
    };
    put2(0, std::int32_t{540});
    std::memcpy(out.data() + 4, "n+2\0\r\n\032\n", 8);
    std::memcpy(out.data() + 12, bytes_.data() + 70, 4);
    for (std::size_t i = 0; i < 8; ++i) put2(16 + 8 * i, std::int64_t{get<std::int16_t>(40 + 2 * i)});
    for (std::size_t i = 0; i < 8; ++i) put2(104 + 8 * i, double{get<float>(76 + 4 * i)});
    put2(168, std::int64_t{544});
    for (std::size_t i = 0; i < 2; ++i) put2(176 + 8 * i, double{get<float>(112 + 4 * i)});
    for (std::size_t i = 0; i < 2; ++i) put2(344 + 4 * i, std::int32_t{get<std::int16_t>(252 + 2 * i)});
    for (std::size_t i = 0; i < 18; ++i) put2(352 + 8 * i, double{get<float>(256 + 4 * i)});
    put2(500, std::int32_t{bytes_[123]});
    return out + bytes_.substr(352);
  }

  // All fields of the header that are looked at, and 16-bit voxels, in the other byte order.
  void swap() {
    reverse(0, 4);
    for (std::size_t i = 40; i < 56; i += 2) reverse(i, 2);
    reverse(70, 2);
    reverse(72, 2);
    for (std::size_t i = 76; i < 120; i += 4) reverse(i, 4);
    reverse(252, 2);
    reverse(254, 2);
    for (std::size_t i = 256; i < 328; i += 4) reverse(i, 4);
    for (std::size_t i = 352; i < bytes_.size(); i += 2) reverse(i, 2);
  }

 private:
  template <typename T>
  T get(std::size_t offset) const {
    T value;
    std::memcpy(&value, bytes_.data() + offset, sizeof(T));
    return value;
  }
  void reverse(std::size_t offset, std::size_t size) {
    for (std::size_t i = 0; i < size / 2; ++i) std::swap(bytes_[offset + i], bytes_[offset + size - 1 - i]);
  }

  std::string bytes_;
};

}  // namespace pillar::test

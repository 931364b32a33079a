#include "pillar/core/npy.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <cstring>

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

// A version 1 file with this header text, as another writer might make it.
std::string npy_of(const std::string& dict, const std::string& data, char major = 1) {
  std::string text("\x93NUMPY", 6);
  text += {major, '\0', static_cast<char>(dict.size() & 0xFF), static_cast<char>(dict.size() >> 8)};
  if (major > 1) text += std::string(2, '\0');
  return text + dict + data;
}

std::string dict_of(const std::string& descr, const std::string& shape,
                    const std::string& fortran = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }\n";
}

at::Tensor parsed_npy(const std::string& text) {
  return parse_npy(as_bytes(text), "x.npy");
}

void expect_broken(const std::string& text, const std::string& fault) {
  EXPECT_PILLAR_ERROR(parsed_npy(text), ErrorCategory::input, AllOf(HasSubstr("x.npy: "), HasSubstr(fault)));
}

TEST(Npy, RoundTripOfEveryDtype) {
  TempDir dir;
  const at::Tensor values = at::arange(0, 24).reshape({2, 3, 4});
  for (at::ScalarType dtype : {at::kBool, at::kChar, at::kShort, at::kInt, at::kLong, at::kByte, at::kUInt16,
                               at::kUInt32, at::kUInt64, at::kHalf, at::kFloat, at::kDouble}) {
    const at::Tensor tensor = values.to(dtype);
    write_npy(dir / "a b.npy", tensor);
    const at::Tensor read = read_npy(dir / "a b.npy");
    EXPECT_EQ(read.scalar_type(), dtype);
    EXPECT_EQ(read.sizes(), tensor.sizes());
    EXPECT_EQ(std::memcmp(read.const_data_ptr(), tensor.const_data_ptr(), tensor.nbytes()), 0)
        << c10::toString(dtype);
  }
}

TEST(Npy, WritesTheHeaderNumPyWrites) {
  const Bytes bytes = format_npy(at::full({3}, 1, at::kFloat));
  const std::string text(bytes.begin(), bytes.end());
  EXPECT_EQ(text.size(), 128u + 12u);
  EXPECT_EQ(text.substr(0, 10), std::string("\x93NUMPY\1\0\x76\0", 10));
  EXPECT_THAT(text, HasSubstr("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }    "));
  EXPECT_EQ(text[127], '\n');
}

TEST(Npy, ScalarsAndEmptyArrays) {
  const Bytes scalar = format_npy(at::full({}, 2.5, at::kDouble));
  EXPECT_EQ(parse_npy(scalar, "x").dim(), 0);
  EXPECT_EQ(parse_npy(scalar, "x").item<double>(), 2.5);
  const Bytes empty = format_npy(at::empty({0, 7}));
  EXPECT_EQ(parse_npy(empty, "x").sizes(), (std::vector<std::int64_t>{0, 7}));
}

TEST(Npy, ATransposedTensorIsWrittenInItsLogicalOrder) {
  const at::Tensor transposed = at::arange(6).reshape({2, 3}).t();
  EXPECT_TRUE(at::equal(parse_npy(format_npy(transposed), "x"), transposed));
}

TEST(Npy, FortranOrderComesBackInCOrder) {
  const at::Tensor read = parsed_npy(npy_of(dict_of("|u1", "(2, 3)", "True"), "\1\4\2\5\3\6"));
  EXPECT_TRUE(read.is_contiguous());
  EXPECT_TRUE(at::equal(read, at::tensor({1, 2, 3, 4, 5, 6}, at::kByte).reshape({2, 3})));
  const at::Tensor wide = parsed_npy(npy_of(dict_of("<u2", "(1, 2)", "True"), std::string("\1\0\2\0", 4)));
  EXPECT_EQ(wide.scalar_type(), at::kUInt16);
  EXPECT_TRUE(at::equal(wide.to(at::kInt), at::tensor({1, 2}, at::kInt).reshape({1, 2})));
}

TEST(Npy, BigEndianIsSwapped) {
  const at::Tensor read = parsed_npy(npy_of(dict_of(">i2", "(2,)"), std::string("\1\2\xff\xfe", 4)));
  EXPECT_TRUE(at::equal(read, at::tensor({0x0102, -2}, at::kShort)));
  EXPECT_EQ(parsed_npy(npy_of(dict_of(">f8", "()"), std::string("\x40\x04\0\0\0\0\0\0", 8))).item<double>(),
            2.5);
}

TEST(Npy, HeadersOfOtherWritersAreRead) {
  EXPECT_EQ(parsed_npy(npy_of("{\"shape\":(2L,),\"fortran_order\":False,\"descr\":\"|i1\"}", "ab")).numel(),
            2);
  EXPECT_EQ(parsed_npy(npy_of(dict_of("|i1", "(2,)"), "ab", 2)).numel(), 2);
  EXPECT_EQ(parsed_npy(npy_of(dict_of("|i1", "(2,)"), "ab", 3)).numel(), 2);
  EXPECT_EQ(parsed_npy(npy_of(dict_of("=i4", "(1,)"), "abcd")).scalar_type(), at::kInt);
}

TEST(Npy, WhatIsNoNpyIsRefused) {
  expect_broken("", "not an npy file");
  expect_broken("PK\3\4", "not an npy file");
  expect_broken(std::string("\x93NUMPY\1\0", 8), "truncated npy header");
  expect_broken(std::string("\x93NUMPY\2\0\1\1", 10), "truncated");
  expect_broken(std::string("\x93NUMPY\1\0\xff\xff{", 11), "claims an npy header of 65535 bytes");
  expect_broken(std::string("\x93NUMPY\2\0\xff\xff\xff\xff{}", 14),
                "claims an npy header of 4294967295 bytes");
  expect_broken(npy_of(dict_of("|i1", "(2,)"), "ab", 4), "npy version 4.0");
  TempDir dir;
  EXPECT_PILLAR_ERROR(read_npy(dir / "absent.npy"), ErrorCategory::io, HasSubstr("absent.npy"));
}

TEST(Npy, MalformedHeadersAreRefused) {
  expect_broken(npy_of("", ""), "malformed npy header");
  expect_broken(npy_of("{'descr': '|i1'", ""), "malformed npy header");
  expect_broken(npy_of("{'descr': '|i1", ""), "malformed npy header");
  expect_broken(npy_of("{}", ""), "no descr");
  expect_broken(npy_of("{'descr': '|i1', 'shape': ()}", "a"), "no fortran_order");
  expect_broken(npy_of("{'descr': '|i1', 'descr': '|u1'}", "a"), "duplicate key 'descr'");
  expect_broken(npy_of("{'colour': 'red'}", "a"), "unknown key 'colour'");
  expect_broken(npy_of(dict_of("|i1", "(1,)", "Maybe"), "a"), "malformed npy header near 'Maybe");
  expect_broken(npy_of(dict_of("|i1", "(-1,)"), "a"), "malformed npy header near '-1");
  expect_broken(npy_of(dict_of("|i1", "(1.5,)"), "a"), "malformed npy header near '.5");
  expect_broken(npy_of(dict_of("|i1", "(1,)") + "x", "a"), "malformed npy header near 'x'");
  std::string many = "(";
  for (int i = 0; i < 65; ++i) many += "1,";
  expect_broken(npy_of(dict_of("|i1", many + ")"), "a"), "more than 64 dimensions");
}

TEST(Npy, OtherDtypesAreRefused) {
  for (const char* descr : {"|O", "<U5", "|S3", "<c8", "<M8[ns]", "|V2", "i4", "", "<i3"}) {
    expect_broken(npy_of(dict_of(descr, "(1,)"), "abcd"), "dtype '");
  }
  expect_broken(npy_of(dict_of("|i4", "(1,)"), "abcd"), "no byte order");
  expect_broken(npy_of("{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (1,), }", "abcd"),
                "structured");
}

TEST(Npy, TheDataMustFitTheHeader) {
  expect_broken(npy_of(dict_of("<i4", "(2,)"), "abcdefg"), "7 bytes of data where the npy header says 8");
  expect_broken(npy_of(dict_of("<i4", "(1,)"), "abcde"), "5 bytes of data where the npy header says 4");
  expect_broken(npy_of(dict_of("<i4", "(1000000000000,)"), "abcd"), "says 4000000000000");
  expect_broken(npy_of(dict_of("<i4", "(4611686018427387904, 4)"), "abcd"), "too large");
  expect_broken(npy_of(dict_of("<i4", "(0, 9223372036854775807)"), ""), "too large");
  expect_broken(npy_of(dict_of("<i4", "(99999999999999999999,)"), "abcd"), "malformed");
  expect_broken(npy_of(dict_of("|b1", "(2,)"), "\1\2"), "bytes other than 0 and 1");
}

TEST(Npy, WhatNumPyHasNoTypeForIsUnsupported) {
  TempDir dir;
  EXPECT_PILLAR_ERROR(write_npy(dir / "x.npy", at::empty({1}, at::kBFloat16)), ErrorCategory::unsupported,
                      AllOf(HasSubstr("x.npy"), HasSubstr("BFloat16")));
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

}  // namespace
}  // namespace pillar

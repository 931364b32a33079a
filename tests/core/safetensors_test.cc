#include "pillar/core/safetensors.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/goldens.h"
#include "support/temp_dir.h"

#include <cstring>

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

// A file of this header and this many data bytes, each the low byte of its index.
std::filesystem::path file_of(const TempDir& dir, const std::string& header, std::size_t data_bytes) {
  const std::uint64_t size = header.size();
  std::string content(8, '\0');
  std::memcpy(content.data(), &size, 8);
  content += header;
  for (std::size_t i = 0; i < data_bytes; ++i) content += static_cast<char>(i);
  write_file_atomic(dir / "a b.safetensors", content);
  return dir / "a b.safetensors";
}

void expect_bad(const std::string& header, std::size_t data_bytes, const std::string& fault,
                ErrorCategory category = ErrorCategory::input) {
  TempDir dir;
  const auto path = file_of(dir, header, data_bytes);
  EXPECT_PILLAR_ERROR(SafetensorsFile(path), category,
                      AllOf(HasSubstr("a b.safetensors: "), HasSubstr(fault)));
}

constexpr const char* kTwo = R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)";

TEST(Safetensors, RoundTripOfEveryDtype) {
  TempDir dir;
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  const at::Tensor values = at::arange(0, 6).reshape({2, 3});
  for (at::ScalarType dtype :
       {at::kBool, at::kDouble, at::kFloat, at::kHalf, at::kBFloat16, at::kLong, at::kInt, at::kShort,
        at::kChar, at::kByte, at::kUInt16, at::kUInt32, at::kUInt64, at::kFloat8_e4m3fn, at::kFloat8_e5m2}) {
    tensors.emplace_back(c10::toString(dtype), values.to(dtype));
  }
  write_safetensors(dir / "all.safetensors", tensors, {{"format", "pt"}, {"note", "a \"b\"\n"}});
  const SafetensorsFile file(dir / "all.safetensors");
  EXPECT_EQ(file.entries().size(), 15u);
  EXPECT_EQ(file.metadata().at("note"), "a \"b\"\n");
  for (const auto& [name, tensor] : tensors) {
    const at::Tensor read = file.tensor(name);
    EXPECT_EQ(read.scalar_type(), tensor.scalar_type());
    EXPECT_EQ(read.sizes(), tensor.sizes());
    EXPECT_EQ(std::memcmp(read.const_data_ptr(), tensor.const_data_ptr(), tensor.nbytes()), 0) << name;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(read.const_data_ptr()) % read.element_size(), 0u);
  }
}

TEST(Safetensors, ScalarsAndEmptyTensors) {
  TempDir dir;
  write_safetensors(dir / "x",
                    {{"scalar", at::full({}, 2.5)}, {"none", at::empty({0, 3})}, {"one", at::full({1}, 7)}});
  const SafetensorsFile file(dir / "x");
  EXPECT_EQ(file.tensor("scalar").item<double>(), 2.5);
  EXPECT_EQ(file.tensor("scalar").dim(), 0);
  EXPECT_EQ(file.tensor("none").sizes(), (std::vector<std::int64_t>{0, 3}));
  EXPECT_EQ(file.tensor("one").item<std::int64_t>(), 7);
}

TEST(Safetensors, NoTensorsAtAll) {
  TempDir dir;
  write_safetensors(dir / "x", {});
  EXPECT_TRUE(SafetensorsFile(dir / "x").entries().empty());
}

TEST(Safetensors, ATransposedTensorIsStoredInItsLogicalOrder) {
  TempDir dir;
  const at::Tensor transposed = at::arange(6).reshape({2, 3}).t();
  write_safetensors(dir / "x", {{"t", transposed}});
  EXPECT_TRUE(at::equal(SafetensorsFile(dir / "x").tensor("t"), transposed));
}

TEST(Safetensors, TensorsOutliveTheFileObjectAndShareItsPages) {
  TempDir dir;
  write_safetensors(dir / "x", {{"a", at::arange(1000)}});
  at::Tensor first, second;
  {
    const SafetensorsFile file(dir / "x");
    first = file.tensor("a");
    second = file.tensor("a");
  }
  EXPECT_EQ(first.const_data_ptr(), second.const_data_ptr());
  EXPECT_TRUE(at::equal(first, at::arange(1000)));
}

TEST(Safetensors, UnalignedDataIsCopied) {
  TempDir dir;
  const auto path = file_of(
      dir,
      R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"I16","shape":[2],"data_offsets":[1,5]}})",
      5);
  const SafetensorsFile file(path);
  const at::Tensor b = file.tensor("b");
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(b.const_data_ptr()) % 2, 0u);
  EXPECT_EQ(b[0].item<int>(), 0x0201);
  EXPECT_EQ(b[1].item<int>(), 0x0403);
}

TEST(Safetensors, UnknownNameSuggestsTheNearest) {
  TempDir dir;
  write_safetensors(dir / "x",
                    {{"visual.norm.weight", at::empty({1})}, {"visual.norm.bias", at::empty({1})}});
  EXPECT_PILLAR_ERROR(SafetensorsFile(dir / "x").tensor("visual.norm.wieght"), ErrorCategory::input,
                      HasSubstr("no tensor 'visual.norm.wieght'; did you mean 'visual.norm.weight'?"));
}

TEST(Safetensors, BoolBytesAreCheckedWhenRead) {
  TempDir dir;
  const SafetensorsFile file(file_of(dir, R"({"m":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]}})", 3));
  EXPECT_PILLAR_ERROR(file.tensor("m"), ErrorCategory::input, HasSubstr("bytes other than 0 and 1"));
}

TEST(Safetensors, ReadsTheReferenceWriter) {
  PILLAR_NEEDS_GOLDEN("rave/luts.safetensors");
  const SafetensorsFile file(test::golden("rave/luts.safetensors"));
  EXPECT_FALSE(file.entries().empty());
  for (const auto& [name, entry] : file.entries()) {
    EXPECT_EQ(file.tensor(name).nbytes(), entry.end - entry.begin) << name;
  }
}

TEST(Safetensors, TheLengthIsCheckedBeforeAnythingElse) {
  TempDir dir;
  write_file_atomic(dir / "x", std::string_view());
  EXPECT_PILLAR_ERROR(SafetensorsFile(dir / "x"), ErrorCategory::input, HasSubstr("only 0 bytes"));
  write_file_atomic(dir / "x", std::string_view("\x00\x00\x00\x00\x00\x00\x00\x01{}", 10));
  EXPECT_PILLAR_ERROR(SafetensorsFile(dir / "x"), ErrorCategory::input,
                      HasSubstr("claims a header of 72057594037927936 bytes"));
  write_file_atomic(dir / "x", std::string_view("\x03\x00\x00\x00\x00\x00\x00\x00{}", 10));
  EXPECT_PILLAR_ERROR(SafetensorsFile(dir / "x"), ErrorCategory::input, HasSubstr("truncated"));
  EXPECT_PILLAR_ERROR(SafetensorsFile(dir / "absent"), ErrorCategory::io, HasSubstr("absent"));
}

TEST(Safetensors, BrokenJsonIsRefused) {
  expect_bad("", 0, "does not begin with '{'");
  expect_bad(" {}", 0, "does not begin with '{'");
  expect_bad("[]", 0, "does not begin with '{'");
  expect_bad("{\"a\":", 0, "not valid JSON");
  expect_bad("{} {}", 0, "not valid JSON");
  expect_bad("{\"\xff\":{}}", 0, "not valid JSON");
  expect_bad(std::string("{\"a\":").append(1'000'000, '['), 0, "'a' is a list");
}

TEST(Safetensors, FieldsOfTheWrongKindAreRefused) {
  expect_bad(R"({"a":1})", 0, "'a' is a number, not an object");
  expect_bad(R"({"a":null})", 0, "'a' is null, not an object");
  expect_bad(R"({"a":{"dtype":1}})", 0, "'dtype' of tensor 'a' has a number");
  expect_bad(R"({"a":{"shape":"x"}})", 0, "'shape' of tensor 'a' has a string");
  expect_bad(R"({"a":{"shape":[-1]}})", 0, "a negative number");
  expect_bad(R"({"a":{"shape":[1.5]}})", 0, "no whole number");
  expect_bad(R"({"a":{"shape":[99999999999999999999]}})", 0, "no whole number");
  expect_bad(R"({"a":{"shape":[[1]]}})", 0, "a list");
  expect_bad(R"({"a":{"data_offsets":[0]}})", 0, "is not two numbers");
  expect_bad(R"({"a":{"data_offsets":[0,1,2]}})", 0, "more than 2 numbers");
  expect_bad(R"({"a":{"colour":"red"}})", 0, "unknown key 'colour'");
  expect_bad(R"({"a":{"dtype":"U8","shape":[1]}})", 1, "has no data_offsets");
  expect_bad(R"({"a":{}})", 1, "has no dtype");
  expect_bad(R"({"__metadata__":{"step":1}})", 0, "'step' in __metadata__ is a number, not a string");
  expect_bad(R"({"__metadata__":{"step":{}}})", 0, "is an object, not a string");
  expect_bad(R"({"__metadata__":"x"})", 0, "not an object");
}

TEST(Safetensors, DuplicateKeysAreRefused) {
  expect_bad(std::string(kTwo) + R"("a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})", 8,
             "duplicate key 'a'");
  expect_bad(R"({"a":{"dtype":"U8","dtype":"I8","shape":[4],"data_offsets":[0,4]}})", 4,
             "duplicate key 'dtype' in 'a'");
  expect_bad(R"({"__metadata__":{"k":"1","k":"2"}})", 0, "duplicate key 'k' in '__metadata__'");
  expect_bad(R"({"__metadata__":{},"__metadata__":{}})", 0, "duplicate key '__metadata__'");
}

TEST(Safetensors, UnknownDtypesAreUnsupported) {
  expect_bad(R"({"a":{"dtype":"F4","shape":[4],"data_offsets":[0,2]}})", 2, "unsupported dtype 'F4'",
             ErrorCategory::unsupported);
  expect_bad(R"({"a":{"dtype":"f32\u000a","shape":[1],"data_offsets":[0,4]}})", 4,
             R"(unsupported dtype 'f32\x0A')", ErrorCategory::unsupported);
}

TEST(Safetensors, SizesMustFitTheShape) {
  expect_bad(R"({"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,12]}})", 12,
             "has 12 bytes but F32 of shape [2, 2] takes 16");
  expect_bad(R"({"a":{"dtype":"F32","shape":[],"data_offsets":[0,8]}})", 8, "takes 4");
  expect_bad(R"({"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0, "too large");
  expect_bad(R"({"a":{"dtype":"F64","shape":[0,4611686018427387904],"data_offsets":[0,0]}})", 0, "too large");
  expect_bad(R"({"a":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,0]}})", 0, "too large");
}

TEST(Safetensors, TensorsMustCoverTheDataExactly) {
  expect_bad(std::string(kTwo) + R"("b":{"dtype":"U8","shape":[4],"data_offsets":[3,7]}})", 7,
             "before where the one before it ends");
  expect_bad(std::string(kTwo) + R"("b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", 4,
             "before where the one before it ends");
  expect_bad(std::string(kTwo) + R"("b":{"dtype":"U8","shape":[4],"data_offsets":[5,9]}})", 9,
             "after where the one before it ends");
  expect_bad(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", 3, "truncated");
  expect_bad(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", 5, "1 bytes after the last tensor");
  expect_bad(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}})", 4, "ends (0) before it begins (4)");
  expect_bad("{}", 1, "1 bytes after the last tensor");
}

TEST(Safetensors, AFailedWriteLeavesTheOldFile) {
  TempDir dir;
  write_safetensors(dir / "x", {{"a", at::full({1}, 1)}});
  EXPECT_PILLAR_ERROR(write_safetensors(dir / "x", {{"a", at::full({1}, 2)}, {"a", at::full({1}, 3)}}),
                      ErrorCategory::usage, HasSubstr("used twice"));
  EXPECT_PILLAR_ERROR(write_safetensors(dir / "x", {{"__metadata__", at::full({1}, 2)}}),
                      ErrorCategory::usage, HasSubstr("reserved"));
  EXPECT_PILLAR_ERROR(write_safetensors(dir / "x", {{"\xff", at::full({1}, 2)}}), ErrorCategory::usage,
                      HasSubstr("UTF-8"));
  EXPECT_PILLAR_ERROR(write_safetensors(dir / "x", {{"c", at::empty({1}, at::kComplexFloat)}}),
                      ErrorCategory::unsupported, HasSubstr("ComplexFloat"));
  EXPECT_PILLAR_ERROR(write_safetensors(dir / "no folder/x", {}), ErrorCategory::io, HasSubstr("no folder"));
  EXPECT_EQ(SafetensorsFile(dir / "x").tensor("a").item<int>(), 1);
  EXPECT_EQ(
      std::distance(std::filesystem::directory_iterator(dir.path()), std::filesystem::directory_iterator()),
      1);
}

}  // namespace
}  // namespace pillar

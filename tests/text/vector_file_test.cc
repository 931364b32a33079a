#include "text/cache/vector_file.h"

#include "support/expect_error.h"
#include "support/program.h"
#include "support/temp_dir.h"
#include "support/text_caches.h"
#include "support/torch_file.h"

#include <ATen/ops/equal.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::ramp;
using test::TempDir;
using ::testing::HasSubstr;

TEST(VectorFile, WhatIsWrittenComesBack) {
  TempDir dir;
  const test::Vectors vectors = {{"all_findings", ramp(4096, 1)},
                                 {"lungs", ramp(7, 3).to(at::kBFloat16)},
                                 {"liver", ramp(1, 2).to(at::kHalf)}};
  write_file_atomic(dir / "x.pt", format_vector_file(vectors));
  const auto back = read_vector_file(dir / "x.pt");
  ASSERT_EQ(back.size(), 3u);
  for (const auto& [category, vector] : vectors) {
    EXPECT_EQ(back.at(category).scalar_type(), vector.scalar_type());
    EXPECT_TRUE(at::equal(back.at(category), vector)) << category;
  }
}

TEST(VectorFile, ARowOfALargerTensorIsStoredAlone) {
  TempDir dir;
  const at::Tensor rows = ramp(64'000, 0).reshape({1000, 64});
  const Bytes bytes = format_vector_file({{"all_findings", rows[3]}});
  EXPECT_LT(bytes.size(), 5000u);
  write_file_atomic(dir / "x.pt", bytes);
  EXPECT_TRUE(at::equal(read_vector_file(dir / "x.pt").at("all_findings"), rows[3]));
}

// What torch.load(weights_only=True) lets in, by name; Python's own pickletools and zipfile read the file.
TEST(VectorFile, HasTheOpcodesOfTorchSave) {
  TempDir dir;
  write_file_atomic(dir / "x.pt", format_vector_file({{"all_findings", ramp(8, 1)}}));
  write_file_atomic(dir / "check.py", R"(import pickletools, struct, sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
assert archive.testzip() is None
names = {name.split('/', 1)[1] for name in archive.namelist()}
assert {'data.pkl', 'data/0', 'version', 'byteorder'} <= names, names
root = archive.namelist()[0].split('/')[0]
assert archive.read(root + '/byteorder') == b'little'
assert struct.unpack('<8f', archive.read(root + '/data/0')) == tuple(range(1, 9))
pickle = archive.read(root + '/data.pkl')
ops = [(op.name, argument) for op, argument, _ in pickletools.genops(pickle)]
assert ops[0] == ('PROTO', 2) and ops[-1][0] == 'STOP', ops
used = {argument for name, argument in ops if name == 'GLOBAL'}
assert used == {'torch._utils _rebuild_tensor_v2', 'torch FloatStorage', 'collections OrderedDict'}, used
allowed = {'PROTO', 'EMPTY_DICT', 'BINPUT', 'MARK', 'BINUNICODE', 'GLOBAL', 'BININT1', 'BININT', 'TUPLE', 'BINPERSID',
           'NEWFALSE', 'EMPTY_TUPLE', 'REDUCE', 'SETITEMS', 'SETITEM', 'STOP', 'BINGET', 'TUPLE1', 'BININT2', 'LONG1'}
assert {name for name, _ in ops} <= allowed, {name for name, _ in ops} - allowed
texts = [argument for name, argument in ops if name == 'BINUNICODE']
assert texts == ['all_findings', 'storage', '0', 'cpu'], texts
)");
  const auto result =
      test::run_program({"/usr/bin/python3", (dir / "check.py").string(), (dir / "x.pt").string()});
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

TEST(VectorFile, RefusesWhatIsNoDictOfTensors) {
  TempDir dir;
  test::PickledTensor lone;
  lone.sizes = {4};
  lone.strides = {1};
  write_file_atomic(dir / "lone.pt", test::torch_file(test::pickled(lone), {ramp(4, 0)}));
  EXPECT_PILLAR_ERROR(read_vector_file(dir / "lone.pt"), ErrorCategory::input, HasSubstr("lone.pt: no dict"));
  write_file_atomic(dir / "none.pt", test::torch_file(test::pickled_dict({}), {}));
  EXPECT_PILLAR_ERROR(read_vector_file(dir / "none.pt"), ErrorCategory::input, HasSubstr("none.pt: no dict"));
  EXPECT_PILLAR_ERROR(read_vector_file(dir / "absent.pt"), ErrorCategory::io, HasSubstr("absent.pt"));
}

}  // namespace
}  // namespace pillar

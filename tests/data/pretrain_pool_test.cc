#include "pillar/data/pretrain_pool.h"

#include "pillar/core/file.h"

#include "data/training_studies.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/text_caches.h"
#include "support/volumes.h"

#include <limits>

#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::int64_t kWidth = 4;

PreprocessSpec spec() {
  return default_preprocess_spec("ct", {8, 40, 40});
}

// Studies of one dataset, with their vectors: ramps from 10, 20, ...
struct Dataset {
  Dataset(const fs::path& at, const std::vector<std::string>& names, std::int64_t width = kWidth)
      : folder(at) {
    fs::create_directories(folder);
    float start = 10;
    for (const std::string& name : names) {
      test::write_study(folder, name, 8, 0);
      vectors[name] = {{"all_findings", test::ramp(width, start)}};
      start += 10;
      manifest += fmt::format("{},{}\n", name, name);
    }
    source = {folder.filename().string(), folder / "manifest.csv", {}, folder / "text", "all_findings"};
    write(width);
  }
  void write(std::int64_t width = kWidth) const {
    write_file_atomic(source.manifest, "sample_name,image_cache_path\n" + manifest);
    fs::remove_all(source.text_cache);
    test::write_public_cache(source.text_cache, vectors, width);
  }

  fs::path folder;
  std::string manifest;
  std::map<std::string, test::Vectors> vectors;
  PretrainSource source;
};

PretrainPool load(const std::vector<PretrainSource>& sources, std::vector<StudyFault>& faults,
                  int threads = 2) {
  return load_pretrain_pool(sources, spec(), threads, faults);
}

std::vector<std::string> names_of(const PretrainPool& pool) {
  std::vector<std::string> names;
  for (const PoolStudy& study : pool.studies) names.push_back(study.name);
  return names;
}

TEST(PretrainPool, HoldsTheStudiesOfAllSourcesInOrder) {
  TempDir dir;
  const Dataset a(dir / "a", {"A2", "A1"}), b(dir / "b", {"B1"});
  std::vector<StudyFault> faults;
  const PretrainPool pool = load({b.source, a.source}, faults);
  EXPECT_THAT(faults, IsEmpty());
  EXPECT_THAT(names_of(pool), ElementsAre("B1", "A2", "A1"));
  EXPECT_EQ(pool.studies[0].source, "b");
  EXPECT_EQ(pool.studies[1].path, dir / "a" / "A2");
  ASSERT_EQ(pool.text_nw.sizes(), (at::IntArrayRef{3, kWidth}));
  EXPECT_TRUE(at::equal(pool.text_nw[0], test::ramp(kWidth, 10)));
  EXPECT_TRUE(at::equal(pool.text_nw[1], test::ramp(kWidth, 10)));
  EXPECT_TRUE(at::equal(pool.text_nw[2], test::ramp(kWidth, 20)));
  EXPECT_EQ(pool.spec.size_dhw, spec().size_dhw);
}

TEST(PretrainPool, TextsOfABatchStandInItsOrder) {
  TempDir dir;
  const Dataset a(dir / "a", {"A1", "A2", "A3"});
  std::vector<StudyFault> faults;
  PretrainPool pool = load({a.source}, faults);
  const at::Tensor texts = texts_of(pool, {2, 0});
  ASSERT_EQ(texts.sizes(), (at::IntArrayRef{2, kWidth}));
  EXPECT_TRUE(at::equal(texts[0], pool.text_nw[2]));
  EXPECT_TRUE(at::equal(texts[1], pool.text_nw[0]));
  pool.studies.pop_back();
  EXPECT_PILLAR_ERROR(texts_of(pool, {0}), ErrorCategory::usage, HasSubstr("text embeddings"));
}

TEST(PretrainPool, JsonLinesChooseStudiesAndTheirOrder) {
  TempDir dir;
  Dataset a(dir / "a", {"A1", "A2", "A3"});
  a.source.json_lines = a.folder / "train.jsonl";
  write_file_atomic(a.source.json_lines,
                    "{\"sample_name\": \"A3\"}\n{\"sample_name\": \"gone\"}\n"
                    "{\"sample_name\": \"A1\", \"report_metadata\": \"Normal.\"}\n");
  std::vector<StudyFault> faults;
  const PretrainPool pool = load({a.source}, faults);
  EXPECT_THAT(names_of(pool), ElementsAre("A3", "A1"));
  EXPECT_TRUE(at::equal(pool.text_nw[0], test::ramp(kWidth, 30)));
  ASSERT_THAT(faults, SizeIs(1));
  EXPECT_EQ(faults[0].name, "gone");
  EXPECT_THAT(faults[0].fault, HasSubstr("manifest.csv"));
}

TEST(PretrainPool, StudiesWithAFaultAreLeftOutAndNamed) {
  TempDir dir;
  Dataset a(dir / "a", {"A0", "A1", "A2", "A3", "A4", "A5"});
  fs::remove_all(a.folder / "A0");
  a.vectors.erase("A1");
  a.vectors["A3"] = {
      {"all_findings", at::full({kWidth}, std::numeric_limits<float>::quiet_NaN(), at::kFloat)}};
  a.write();
  write_file_atomic(a.folder / "A4" / "metadata.json", "{");
  Volume volume = test::smooth_volume(8, 40, 40);
  volume.modality = Modality::mr;
  SampleMetadata metadata;
  metadata.accession = "A5";
  metadata.modality = Modality::mr;
  fs::remove_all(a.folder / "A5");
  write_sample(a.folder / "A5", volume, metadata, {});

  for (const int threads : {1, 3}) {
    std::vector<StudyFault> faults = {{"before", "kept", "", "as it was"}};
    const PretrainPool pool = load({a.source}, faults, threads);
    EXPECT_THAT(names_of(pool), ElementsAre("A2"));
    EXPECT_TRUE(at::equal(pool.text_nw, test::ramp(kWidth, 30).unsqueeze(0)));
    ASSERT_THAT(faults, SizeIs(6));
    EXPECT_EQ(faults[0].source, "before");
    EXPECT_THAT(faults[1].fault, HasSubstr("no such file or folder"));
    EXPECT_EQ(faults[1].path, (a.folder / "A0").string());
    EXPECT_EQ(faults[1].source, "a");
    EXPECT_EQ(faults[2].name, "A1");
    EXPECT_THAT(faults[2].fault, HasSubstr("A1"));
    EXPECT_EQ(faults[3].name, "A3");
    EXPECT_THAT(faults[4].fault, HasSubstr("metadata.json"));
    EXPECT_THAT(faults[5].fault, HasSubstr("a MR volume, the model's tower ct takes CT"));
  }
}

TEST(PretrainPool, CountsTheStudiesThatTheModelDoesNotExpect) {
  TempDir dir;
  const Dataset a(dir / "a", {"A1", "A2", "A3"});  // voxels of 0.75x0.8x2.5 mm
  std::vector<StudyFault> faults;
  PreprocessSpec expecting = spec();
  expecting.target_spacing_xyz_mm = {0.75, 0.8, 2.5};
  EXPECT_EQ(load_pretrain_pool({a.source}, expecting, 2, faults).mismatched, 0);
  expecting.target_spacing_xyz_mm = {7.5, 7.5, 7.5};
  const PretrainPool pool = load_pretrain_pool({a.source}, expecting, 2, faults);
  EXPECT_EQ(pool.mismatched, 3);
  ASSERT_THAT(pool.notes, SizeIs(1));
  EXPECT_THAT(to_text(pool.notes[0]), AllOf(HasSubstr("A1: voxels of 0.75x0.8x2.5 mm"),
                                            HasSubstr("7.5x7.5x7.5 mm"), HasSubstr("and 2 more studies")));
}

TEST(PretrainPool, CountsSlicesTheOtherWayRound) {
  TempDir dir;
  const Dataset a(dir / "a", {"A1", "A2", "A3"});
  Volume turned = test::smooth_volume(8, 40, 40);
  for (const std::size_t k : {2, 5, 8}) turned.geometry.direction[k] *= -1;
  SampleMetadata metadata;
  metadata.accession = "A2";
  fs::remove_all(a.folder / "A2");
  write_sample(a.folder / "A2", turned, metadata, {});
  std::vector<StudyFault> faults;
  PreprocessSpec silent = spec();
  silent.axes.reset();
  const PretrainPool as_stored = load_pretrain_pool({a.source}, silent, 2, faults);
  EXPECT_EQ(as_stored.mismatched, 1);
  ASSERT_THAT(as_stored.notes, SizeIs(1));
  EXPECT_THAT(to_text(as_stored.notes[0]),
              AllOf(HasSubstr("A2: stored along"), HasSubstr("not turned round")));
  // Where the model says how it takes axes, they are brought to it: said, and no mismatch.
  const PretrainPool turned_round = load_pretrain_pool({a.source}, spec(), 2, faults);
  EXPECT_EQ(turned_round.mismatched, 0);
  ASSERT_FALSE(turned_round.notes.empty());
  EXPECT_THAT(to_text(turned_round.notes[0]), HasSubstr("brought to SPL"));
}

TEST(PretrainPool, KnowsWhosePatientAStudyIs) {
  TempDir dir;
  Dataset a(dir / "a", {"A1", "A2"});
  for (const char* column : {"patient", "patient_id"}) {
    write_file_atomic(a.source.manifest,
                      fmt::format("sample_name,image_cache_path,{}\nA1,A1,P7\nA2,A2,\n", column));
    std::vector<StudyFault> faults;
    const PretrainPool pool = load({a.source}, faults);
    EXPECT_EQ(pool.studies[0].patient, "P7");
    EXPECT_EQ(pool.studies[1].patient, "");
  }
  a.source.json_lines = a.folder / "train.jsonl";
  write_file_atomic(a.source.json_lines, "{\"sample_name\": \"A1\"}\n");
  std::vector<StudyFault> faults;
  EXPECT_EQ(load({a.source}, faults).studies[0].patient, "P7");
}

TEST(PretrainPool, AnotherCategoryIsLookedUp) {
  TempDir dir;
  Dataset a(dir / "a", {"A1"});
  a.vectors["A1"]["impression"] = test::ramp(kWidth, 50);
  a.write();
  a.source.text_category = "impression";
  std::vector<StudyFault> faults;
  EXPECT_TRUE(at::equal(load({a.source}, faults).text_nw[0], test::ramp(kWidth, 50)));
}

TEST(PretrainPool, WhatCannotBeOnePoolIsRefused) {
  TempDir dir;
  Dataset a(dir / "a", {"A1", "A2"});
  const Dataset same(dir / "same", {"A2", "B1"}), wide(dir / "wide", {"C1"}, kWidth + 1);
  std::vector<StudyFault> faults;
  EXPECT_PILLAR_ERROR(load({}, faults), ErrorCategory::usage, HasSubstr("no datasets"));
  EXPECT_PILLAR_ERROR(load({a.source, same.source}, faults), ErrorCategory::input,
                      AllOf(HasSubstr("A2 (a and same)"), ::testing::Not(HasSubstr("B1"))));
  EXPECT_PILLAR_ERROR(
      load({a.source, wide.source}, faults), ErrorCategory::input,
      AllOf(HasSubstr("wide/text"), HasSubstr("a/text"), HasSubstr("5 wide"), HasSubstr("are 4")));
  EXPECT_PILLAR_ERROR(load({a.source}, faults, 0), ErrorCategory::usage, HasSubstr("0 threads"));

  for (const char* name : {"A1", "A2"}) fs::remove_all(a.folder / name);
  EXPECT_PILLAR_ERROR(load({a.source}, faults), ErrorCategory::input,
                      AllOf(HasSubstr("no study to train on"), HasSubstr("2 faults"), HasSubstr("A1")));
  fs::remove(a.source.manifest);
  EXPECT_PILLAR_ERROR(load({a.source}, faults), ErrorCategory::io, HasSubstr("manifest.csv"));
  fs::remove_all(a.source.text_cache);
  EXPECT_PILLAR_ERROR(load({a.source}, faults), ErrorCategory::io, HasSubstr("text"));
}

}  // namespace
}  // namespace pillar

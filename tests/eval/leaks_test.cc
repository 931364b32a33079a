// What is tested has not been trained on: patients and copies across splits.
#include "pillar/core/file.h"
#include "pillar/embed/embedding_cache.h"
#include "pillar/eval/probe_job.h"

#include "eval/probe/near_copies.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

at::Tensor normal_rows(std::int64_t rows, std::int64_t width, std::uint64_t seed) {
  at::Generator generator = at::detail::createCPUGenerator(seed);
  return at::randn({rows, width}, generator);
}

TEST(NearCopies, TheSameAndNearlyTheSameAreCountedAndOthersAreNot) {
  for (const std::int64_t width : {48, 300}) {
    // Far from 0, as maxima over channels are, where float32 products would drown what tells studies apart.
    const at::Tensor a = normal_rows(3000, width, 1) + 50;
    at::Tensor b = normal_rows(2500, width, 2) + 50;
    EXPECT_EQ(find_near_copies(a, b).count, 0);
    b[7].copy_(a[2999]);                                       // the scan itself
    b[2400].copy_(a[3] + 0.02 * normal_rows(1, width, 3)[0]);  // a fiftieth of the spread away
    b[2401].copy_(a[4] + 0.2 * normal_rows(1, width, 4)[0]);   // a fifth: another study
    const NearCopies copies = find_near_copies(a, b);
    EXPECT_EQ(copies.count, 2);
    EXPECT_EQ(copies.row_a, 2999);
    EXPECT_EQ(copies.row_b, 7);
  }
}

TEST(NearCopies, StudiesThatAreAllTheSameTellNothing) {
  EXPECT_EQ(find_near_copies(at::ones({5, 3}), at::ones({4, 3})).count, 0);
}

class ProbeLeaks : public ::testing::Test {
 protected:
  ProbeLeaks() {
    nlohmann::json labels;
    for (const auto& [split, count, seed] : {std::tuple("train", 40, 1), std::tuple("test", 20, 2)}) {
      EmbeddingCache cache(dir_ / "cache", split, EmbeddingFormat::csv);
      const at::Tensor rows = normal_rows(count, 80, static_cast<std::uint64_t>(seed));
      for (int i = 0; i < count; ++i) {
        const std::string accession = fmt::format("{}{:02}", split, i);
        cache.put(accession, rows[i]);
        labels[accession]["qa_results"]["Lungs"] = {{{"Large?", i % 2 == 0 ? "Yes" : "No"}}};
      }
      cache.flush();
    }
    write_file_atomic(dir_ / "labels.json", labels.dump());
    job_.cache = dir_ / "cache";
    job_.labels = dir_ / "labels.json";
    job_.out = dir_ / "run";
    job_.adam.epochs = 5;
    job_.bootstrap.replicates = 10;
    job_.quiet = true;
  }

  void write_patients(const std::string& patient_of_test03) {
    std::string table = "accession,patient\n";
    for (int i = 0; i < 40; ++i) table += fmt::format("train{:02},P{}\n", i, i);
    for (int i = 0; i < 20; ++i)
      table += fmt::format("test{:02},{}\n", i, i == 3 ? patient_of_test03 : fmt::format("T{}", i));
    write_file_atomic(dir_ / "patients.csv", table);
    job_.patients = dir_ / "patients.csv";
  }

  std::string shared_by_splits() const {
    const auto metrics = nlohmann::json::parse(read_text_file(job_.out / "metrics.json"));
    return metrics["settings"].value("shared by splits", "");
  }

  TempDir dir_;
  ProbeJob job_;
};

TEST_F(ProbeLeaks, APatientInTwoSplitsIsRefused) {
  write_patients("P17");
  EXPECT_PILLAR_ERROR(run_probe(job_), ErrorCategory::input,
                      AllOf(HasSubstr("1 patients are in both train and test"), HasSubstr("P17"),
                            HasSubstr("train17 and test03"), HasSubstr("--allow-overlap")));
  EXPECT_FALSE(fs::exists(job_.out));
  job_.allow_overlap = true;
  run_probe(job_);
  EXPECT_THAT(shared_by_splits(), HasSubstr("P17"));
  write_patients("another");
  job_.allow_overlap = false;
  run_probe(job_);
  EXPECT_EQ(shared_by_splits(), "");
}

TEST_F(ProbeLeaks, CopiesUnderOtherNamesAreCounted) {
  EmbeddingCache cache(job_.cache, "test", EmbeddingFormat::csv);
  cache.put("test05", normal_rows(40, 80, 1)[11]);
  cache.flush();
  run_probe(job_);
  EXPECT_THAT(shared_by_splits(),
              AllOf(HasSubstr("1 of 20 embeddings of test"), HasSubstr("test05 as train11")));
}

}  // namespace
}  // namespace pillar

// Something small to pretrain on: samples, vectors of their reports, an architecture, a configuration.
#pragma once

#include "support/program.h"
#include "support/temp_dir.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace pillar::test {

// Studies S00, S01, ... of 24 x 40 x 40 voxels; a tower of 24^3 voxels, two windows and two blocks.
class PretrainCohort {
 public:
  explicit PretrainCohort(int studies = 12);

  std::filesystem::path operator/(const std::string& name) const { return folder() / name; }
  std::filesystem::path sample(int study) const;
  std::filesystem::path config() const { return folder() / "run.yaml"; }
  std::filesystem::path output() const { return folder() / "run"; }
  std::filesystem::path checkpoint(int step) const;

  // Studies of samples.csv and of text, anew.
  void write_manifest(const std::vector<int>& studies) const;
  void write_text(const std::vector<int>& studies, std::int64_t width = 8) const;
  // Half of a sample's coded frames is no video any more; its headers still read.
  void spoil(int study) const;
  void put_nan(int study) const;  // a sample of float32 voxels, one of which is NaN

  std::vector<std::string> command(const std::vector<std::string>& more = {}) const;
  // On one thread: several that wait for each other on a busy machine are slower.
  ProgramResult run(const std::vector<std::string>& more = {}) const {
    return RunningProgram(command(more), {{"OMP_NUM_THREADS", "1"}}).wait();
  }

 private:
  std::filesystem::path folder() const { return dir_ / "a cohort"; }
  TempDir dir_;
};

}  // namespace pillar::test

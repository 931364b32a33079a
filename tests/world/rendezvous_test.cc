#include "pillar/world/world.h"

#include "support/expect_error.h"

#include <map>

namespace pillar {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using Variables = std::map<std::string, std::string>;

std::optional<Rendezvous> of(const Variables& variables) {
  return rendezvous_from_environment([&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

const Variables kTorchrun = {{"RANK", "3"},
                             {"WORLD_SIZE", "8"},
                             {"LOCAL_RANK", "1"},
                             {"MASTER_ADDR", "node1"},
                             {"MASTER_PORT", "29500"}};
const Variables kSlurm = {{"SLURM_PROCID", "5"},
                          {"SLURM_NTASKS", "8"},
                          {"SLURM_LOCALID", "1"},
                          {"SLURM_JOB_NODELIST", "gpu[003-006,009],login1"},
                          {"SLURM_JOB_ID", "123456"}};
const Variables kOpenMpi = {{"OMPI_COMM_WORLD_RANK", "1"},
                            {"OMPI_COMM_WORLD_SIZE", "2"},
                            {"OMPI_COMM_WORLD_LOCAL_RANK", "0"},
                            {"MASTER_ADDR", "h"},
                            {"MASTER_PORT", "1234"}};

Variables with(Variables variables, const std::string& name, const std::string& value) {
  variables[name] = value;
  return variables;
}

Variables without(Variables variables, const std::string& name) {
  variables.erase(name);
  return variables;
}

void expect_fault(const Variables& variables, const auto& message) {
  EXPECT_PILLAR_ERROR(of(variables), ErrorCategory::usage, message);
}

TEST(Rendezvous, NothingSetIsOneProcess) {
  EXPECT_FALSE(of({}));
  EXPECT_FALSE(of({{"MASTER_ADDR", "left over"}, {"LOCAL_RANK", "0"}, {"RANK", ""}}));
}

TEST(Rendezvous, Torchrun) {
  const auto found = of(kTorchrun);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->rank, 3);
  EXPECT_EQ(found->size, 8);
  EXPECT_EQ(found->local_rank, 1);
  EXPECT_EQ(found->master_address, "node1");
  EXPECT_EQ(found->master_port, 29500);
  EXPECT_EQ(of(without(kTorchrun, "LOCAL_RANK"))->local_rank, 0);  // one process on each host
}

TEST(Rendezvous, TorchrunNamesWhatIsMissing) {
  expect_fault(without(kTorchrun, "MASTER_ADDR"), AllOf(HasSubstr("MASTER_ADDR"), HasSubstr("WORLD_SIZE")));
  expect_fault(without(kTorchrun, "MASTER_PORT"), HasSubstr("MASTER_PORT is not set"));
  expect_fault(without(kTorchrun, "WORLD_SIZE"), HasSubstr("WORLD_SIZE is not set"));
  expect_fault(without(kTorchrun, "RANK"), HasSubstr("RANK is not set"));
  expect_fault({{"WORLD_SIZE", "2"}}, HasSubstr("RANK is not set"));
  expect_fault({{"WORLD_SIZE", "2"}, {"RANK", "0"}}, HasSubstr("MASTER_ADDR is not set"));
}

TEST(Rendezvous, TorchrunNamesWhatMakesNoSense) {
  expect_fault(with(kTorchrun, "RANK", "8"), AllOf(HasSubstr("RANK is 8"), HasSubstr("WORLD_SIZE is 8")));
  for (const char* bad : {"-1", "three", "3.0", "3 ", "0x3", "99999999999999999999"})
    expect_fault(with(kTorchrun, "RANK", bad), AllOf(HasSubstr("RANK is '"), HasSubstr(bad)));
  expect_fault(with(kTorchrun, "WORLD_SIZE", "0"), HasSubstr("WORLD_SIZE is '0'"));
  expect_fault(with(kTorchrun, "MASTER_PORT", "70000"), HasSubstr("MASTER_PORT is '70000'"));
  expect_fault(with(kTorchrun, "LOCAL_RANK", "-1"), HasSubstr("LOCAL_RANK"));
}

TEST(Rendezvous, Slurm) {
  const auto found = of(kSlurm);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->rank, 5);
  EXPECT_EQ(found->size, 8);
  EXPECT_EQ(found->local_rank, 1);
  EXPECT_EQ(found->master_address, "gpu003");
  EXPECT_GE(found->master_port, 1024);
  EXPECT_LT(found->master_port, 32768);
  EXPECT_NE(of(with(kSlurm, "SLURM_JOB_ID", "123457"))->master_port, found->master_port);
  EXPECT_EQ(of(with(kSlurm, "MASTER_PORT", "4000"))->master_port, 4000);
  EXPECT_EQ(of(with(kSlurm, "MASTER_ADDR", "ib-gpu003"))->master_address, "ib-gpu003");
  EXPECT_EQ(of(with(kSlurm, "SLURM_STEP_NODELIST", "gpu[005-006]"))->master_address, "gpu005");
}

TEST(Rendezvous, SlurmHostLists) {
  const auto first = [](const std::string& list) {
    return of(with(kSlurm, "SLURM_JOB_NODELIST", list))->master_address;
  };
  EXPECT_EQ(first("login1"), "login1");
  EXPECT_EQ(first("a,b"), "a");
  EXPECT_EQ(first("gpu[7]"), "gpu7");
  EXPECT_EQ(first("gpu[009,003-004]"), "gpu009");
  EXPECT_EQ(first("rack[1-2]node[03-04].cluster"), "rack1node03.cluster");
  for (const char* bad : {",a", "gpu[", "gpu[]", "gpu[-3]"})
    expect_fault(with(kSlurm, "SLURM_JOB_NODELIST", bad), HasSubstr("SLURM_JOB_NODELIST is '"));
}

TEST(Rendezvous, SlurmNamesWhatIsMissing) {
  expect_fault(without(kSlurm, "SLURM_NTASKS"), HasSubstr("SLURM_NTASKS is not set"));
  expect_fault(without(kSlurm, "SLURM_JOB_NODELIST"), HasSubstr("SLURM_JOB_NODELIST is not set"));
  expect_fault(without(kSlurm, "SLURM_JOB_ID"), HasSubstr("SLURM_JOB_ID is not set"));
  expect_fault(with(kSlurm, "SLURM_PROCID", "8"), HasSubstr("SLURM_PROCID is 8"));
  expect_fault(with(kSlurm, "SLURM_JOB_ID", "x"), HasSubstr("SLURM_JOB_ID is 'x'"));
}

TEST(Rendezvous, ASlurmJobOfOneTaskIsOneProcess) {
  EXPECT_FALSE(of({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "1"}, {"SLURM_JOB_ID", "1"}}));
  EXPECT_FALSE(
      of({{"SLURM_NTASKS", "4"}, {"SLURM_JOB_ID", "1"}, {"SLURM_JOB_NODELIST", "a"}}));  // salloc's shell
}

TEST(Rendezvous, TorchrunInsideASlurmJobCounts) {
  Variables both = kSlurm;
  both.insert(kTorchrun.begin(), kTorchrun.end());
  EXPECT_EQ(of(both)->rank, 3);
  // A batch script that sets WORLD_SIZE and leaves the numbers to srun.
  EXPECT_EQ(of(with(kSlurm, "WORLD_SIZE", "8"))->rank, 5);
  expect_fault(with(kSlurm, "WORLD_SIZE", "4"),
               AllOf(HasSubstr("WORLD_SIZE is 4"), HasSubstr("SLURM_NTASKS is 8")));
}

TEST(Rendezvous, OpenMpi) {
  const auto found = of(kOpenMpi);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->rank, 1);
  EXPECT_EQ(found->size, 2);
  EXPECT_EQ(found->master_address, "h");
  EXPECT_EQ(found->master_port, 1234);
  expect_fault(without(kOpenMpi, "MASTER_ADDR"), HasSubstr("MASTER_ADDR is not set"));
  expect_fault(without(kOpenMpi, "MASTER_PORT"), HasSubstr("MASTER_PORT is not set"));
  EXPECT_FALSE(of({{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "1"}}));
  // mpirun in a SLURM job: SLURM's own numbers are those of one process for each host.
  Variables both = kSlurm;
  both.insert(kOpenMpi.begin(), kOpenMpi.end());
  EXPECT_EQ(of(both)->rank, 1);
}

TEST(Rendezvous, ALaunchersSocketIsTakenOver) {
  EXPECT_EQ(of(kTorchrun)->listening, -1);
  EXPECT_EQ(of(with(kTorchrun, "PILLAR_LISTENING", "7"))->listening, 7);
}

}  // namespace
}  // namespace pillar

#include "pillar/core/available_memory.h"

#include "pillar/core/file.h"

#include "support/temp_dir.h"

#include <gtest/gtest.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::TempDir;

void put(const fs::path& file, std::string_view text) {
  fs::create_directories(file.parent_path());
  write_file_atomic(file, text);
}

TEST(AvailableMemory, WhatTheMachineSays) {
  TempDir root;
  put(root / "proc/meminfo", "MemTotal:       1000 kB\nMemFree:  10 kB\nMemAvailable:    600 kB\n");
  EXPECT_EQ(available_memory_bytes(root.path()), 600u * 1024);
}

TEST(AvailableMemory, AGroupsLimitBindsAndItsFileCacheIsFree) {
  TempDir root;
  put(root / "proc/meminfo", "MemAvailable: 600 kB\n");
  put(root / "proc/self/cgroup", "0::/jobs/mine\n");
  put(root / "sys/fs/cgroup/jobs/mine/memory.max", "300000\n");
  put(root / "sys/fs/cgroup/jobs/mine/memory.current", "200000\n");
  put(root / "sys/fs/cgroup/jobs/mine/memory.stat", "anon 5\nactive_file 7\ninactive_file 50000\n");
  EXPECT_EQ(available_memory_bytes(root.path()), 150'000u);
  put(root / "sys/fs/cgroup/jobs/memory.max", "100000\n");  // the group above allows less
  put(root / "sys/fs/cgroup/jobs/memory.current", "90000\n");
  EXPECT_EQ(available_memory_bytes(root.path()), 10'000u);
  put(root / "sys/fs/cgroup/jobs/memory.current", "190000\n");  // over its limit already
  EXPECT_EQ(available_memory_bytes(root.path()), 0u);
}

TEST(AvailableMemory, NoLimitIsNone) {
  TempDir root;
  put(root / "proc/meminfo", "MemAvailable: 600 kB\n");
  put(root / "proc/self/cgroup", "0::/\n");
  put(root / "sys/fs/cgroup/memory.max", "max\n");
  put(root / "sys/fs/cgroup/memory.current", "200000\n");
  EXPECT_EQ(available_memory_bytes(root.path()), 600u * 1024);
}

TEST(AvailableMemory, VersionOneGroups) {
  TempDir root;
  put(root / "proc/self/cgroup", "12:cpu,cpuacct:/a\n4:memory:/a\n");
  put(root / "sys/fs/cgroup/memory/a/memory.limit_in_bytes", "5000\n");
  put(root / "sys/fs/cgroup/memory/a/memory.usage_in_bytes", "2000\n");
  EXPECT_EQ(available_memory_bytes(root.path()), 3000u);
}

TEST(AvailableMemory, AnEmptySystemSaysNothingAndThisOneSomething) {
  TempDir root;
  EXPECT_EQ(available_memory_bytes(root.path()), UINT64_MAX);
  put(root / "proc/meminfo", "MemAvailable: lots\n");
  put(root / "proc/self/cgroup", "broken\n");
  EXPECT_EQ(available_memory_bytes(root.path()), UINT64_MAX);
  EXPECT_GT(available_memory_bytes(), 1u << 20);
  EXPECT_LT(available_memory_bytes(), UINT64_MAX);
}

}  // namespace
}  // namespace pillar

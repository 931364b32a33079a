#include "data/loader/batch_memory.h"

#include <thread>

#include <gtest/gtest.h>

namespace pillar {
namespace {

TEST(BatchMemory, IsGivenOutAgainWhenNobodyHoldsIt) {
  const auto memory = BatchMemory::make();
  at::Tensor first = memory->take({2, 1, 3, 4, 5}, at::kShort);
  EXPECT_EQ(first.sizes(), (at::IntArrayRef{2, 1, 3, 4, 5}));
  EXPECT_EQ(first.scalar_type(), at::kShort);
  EXPECT_TRUE(first.is_contiguous());
  const void* address = first.const_data_ptr();
  const at::Tensor view = first.narrow(0, 1, 1);
  first.reset();
  EXPECT_NE(memory->take({2, 1, 3, 4, 5}, at::kShort).const_data_ptr(), address) << "a view still holds it";
  EXPECT_EQ(memory->kept(), 1u);
}

TEST(BatchMemory, AnotherTypeOfTheSameSizeMayHaveIt) {
  const auto memory = BatchMemory::make();
  const void* address = memory->take({4, 4}, at::kShort).const_data_ptr();
  EXPECT_EQ(memory->take({4, 2}, at::kFloat).const_data_ptr(), address);
  EXPECT_NE(memory->take({4, 3}, at::kFloat).const_data_ptr(), address);
}

TEST(BatchMemory, KeepsNoMoreThanItNeeds) {
  const auto memory = BatchMemory::make();
  std::vector<at::Tensor> held;
  for (int i = 0; i < 7; ++i) held.push_back(memory->take({8}, at::kFloat));
  EXPECT_EQ(memory->kept(), 0u);
  held.clear();
  EXPECT_EQ(memory->kept(), 2u);
}

TEST(BatchMemory, TensorsOutliveIt) {
  auto memory = BatchMemory::make();
  at::Tensor tensor = memory->take({1024}, at::kFloat);
  memory.reset();
  tensor.fill_(3);
  EXPECT_EQ(tensor.sum().item<float>(), 3072);
}

TEST(BatchMemory, ThreadsShareIt) {
  const auto memory = BatchMemory::make();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        const at::Tensor own = memory->take({64}, at::kFloat).fill_(t);
        EXPECT_EQ(own.sum().item<float>(), static_cast<float>(64 * t));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace pillar

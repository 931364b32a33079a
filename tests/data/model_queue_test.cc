#include "data/loader/model_queue.h"

#include <stdexcept>
#include <thread>

#include <ATen/ops/full.h>
#include <gtest/gtest.h>

namespace pillar {
namespace {

using namespace std::chrono_literals;

// Says which batch it is of; the later it was given, the sooner it is done.
ScanBatchSteps::Keep reversed(const at::Tensor& voxels) {
  const int number = voxels.item<int>();
  std::this_thread::sleep_for((3 - number) * 30ms);
  if (number == 1) throw std::runtime_error("batch 1");
  return [number](std::span<const BatchedScan>) { return std::vector<std::string>{std::to_string(number)}; };
}

at::Tensor numbered(int number) {
  return at::full({}, number, at::kInt);
}

void expect_in_order(ModelQueue& queue) {
  EXPECT_EQ(queue.take()->result.get()({}).front(), "0");
  EXPECT_THROW(queue.take()->result.get(), std::runtime_error);
  EXPECT_EQ(queue.take()->result.get()({}).front(), "2");
  EXPECT_FALSE(queue.take());
  EXPECT_FALSE(queue.is_next_done());
}

TEST(ModelQueue, ResultsComeInTheOrderOfTheBatches) {
  ModelQueue queue(3, reversed);
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(queue.is_full());
    queue.give(std::vector<PendingScan>(1), numbered(i));
  }
  EXPECT_TRUE(queue.is_full());
  expect_in_order(queue);
}

TEST(ModelQueue, OneAtATimeIsComputedWhereItIsGiven) {
  const std::thread::id here = std::this_thread::get_id();
  ModelQueue queue(1, [&](const at::Tensor& voxels) {
    EXPECT_EQ(std::this_thread::get_id(), here);
    return reversed(voxels);
  });
  std::this_thread::sleep_for(10ms);
  queue.give(std::vector<PendingScan>(1), numbered(2));
  EXPECT_TRUE(queue.is_full());
  EXPECT_TRUE(queue.is_next_done());
  const double idle = queue.idle_seconds();
  EXPECT_GE(idle, 0.01);
  std::this_thread::sleep_for(10ms);
  EXPECT_GE(queue.idle_seconds(), idle + 0.01);
  EXPECT_EQ(queue.take()->result.get()({}).front(), "2");
}

}  // namespace
}  // namespace pillar

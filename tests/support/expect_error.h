// The failing-input half of a test: what was thrown, of which category, and what the message names.
#pragma once

#include "pillar/core/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

// EXPECT_PILLAR_ERROR(read_npy(path), ErrorCategory::input, AllOf(HasSubstr("x.npy"),
// HasSubstr("truncated")));
#define EXPECT_PILLAR_ERROR(statement, expected_category, message_matcher)        \
  try {                                                                           \
    static_cast<void>(statement);                                                 \
    ADD_FAILURE() << #statement << " did not throw";                              \
  } catch (const ::pillar::Error& pillar_error) {                                 \
    EXPECT_EQ(pillar_error.category(), expected_category) << pillar_error.what(); \
    EXPECT_THAT(std::string(pillar_error.what()), message_matcher);               \
  }

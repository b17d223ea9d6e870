// SPDX-License-Identifier: Apache-2.0
#include "io/message_ring.h"

#include <gtest/gtest.h>

#include <thread>

namespace sluice::io {
namespace {

struct Message {
  uint64_t number, echo;
};

TEST(message_ring, holds_what_was_asked_and_refuses_one_more) {
  MessageRing<int> ring{5};
  ASSERT_EQ(ring.capacity(), 8u);
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(ring.push(i));
  EXPECT_FALSE(ring.push(8));
  int got = -1;
  for (int i = 0; i < 8; ++i) {
    ASSERT_TRUE(ring.pop(got));
    EXPECT_EQ(got, i);
  }
  EXPECT_FALSE(ring.pop(got));
  EXPECT_TRUE(ring.push(9));
}

TEST(message_ring, between_two_threads_nothing_is_lost_torn_or_reordered) {
  constexpr uint64_t count = 200'000;
  MessageRing<Message> ring{64};
  std::thread producer{[&] {
    for (uint64_t i = 0; i < count;) {
      if (ring.push({i, ~i}))
        ++i;
      else
        std::this_thread::yield();
    }
  }};
  uint64_t wrong = 0;
  for (uint64_t i = 0; i < count;) {
    Message m{};
    if (!ring.pop(m)) {
      std::this_thread::yield();
      continue;
    }
    wrong += m.number != i || m.echo != ~i;
    ++i;
  }
  producer.join();
  EXPECT_EQ(wrong, 0u);
  Message m{};
  EXPECT_FALSE(ring.pop(m));
}

}  // namespace
}  // namespace sluice::io

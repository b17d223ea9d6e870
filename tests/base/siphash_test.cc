// SPDX-License-Identifier: Apache-2.0
#include "base/siphash.h"

#include <gtest/gtest.h>

#include <array>

namespace sluice {
namespace {

// The first vectors of the SipHash paper's appendix: key 00 01 .. 0f, message 00 01 .. of growing length.
TEST(SipHash, agrees_with_the_published_vectors) {
  const SipKey key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
  std::array<uint8_t, 15> in{};
  for (size_t i = 0; i < in.size(); ++i) in[i] = static_cast<uint8_t>(i);
  EXPECT_EQ(siphash24(key, Bytes{in}.first(0)), 0x726fdb47dd0e0e31u);
  EXPECT_EQ(siphash24(key, Bytes{in}.first(1)), 0x74f839c593dc67fdu);
  EXPECT_EQ(siphash24(key, Bytes{in}.first(8)), 0x93f5f5799a932462u);
  EXPECT_EQ(siphash24(key, Bytes{in}.first(15)), 0xa129ca6149be45e5u);
}

}  // namespace
}  // namespace sluice

// SPDX-License-Identifier: Apache-2.0
#include "wire/ip_addr.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(IpAddr, text_round_trips_in_both_families) {
  for (const char* t : {"198.18.0.1", "0.0.0.0", "255.255.255.255", "2001:2::1", "::", "fe80::1"}) {
    const auto a = parse_ip(t);
    ASSERT_TRUE(a) << t;
    EXPECT_EQ(to_text(*a), t);
  }
}

TEST(IpAddr, text_that_is_no_address_is_refused) {
  for (const char* t : {"", "198.18.0", "198.18.0.256", "198.18.0.01x", "1.2.3.4.5", "::g", "198.18.0.1/24"})
    EXPECT_FALSE(parse_ip(t)) << t;
}

TEST(Prefix, length_must_fit_the_family) {
  EXPECT_TRUE(parse_prefix("198.18.0.1/0"));
  EXPECT_TRUE(parse_prefix("2001:2::/128"));
  for (const char* t :
       {"198.18.0.1/33", "2001:2::/129", "198.18.0.1", "198.18.0.1/", "198.18.0.1/-1", "198.18.0.1/8x"})
    EXPECT_FALSE(parse_prefix(t)) << t;
}

TEST(Prefix, contains_compares_exactly_the_leading_bits) {
  struct {
    const char* prefix;
    const char* addr;
    bool inside;
  } const cases[] = {
      {"198.18.0.0/15", "198.19.255.255", true},
      {"198.18.0.0/15", "198.20.0.0", false},
      {"0.0.0.0/0", "1.2.3.4", true},
      {"0.0.0.0/0", "::1", false},
      {"::/0", "2001:2::1", true},
      {"::/0", "1.2.3.4", false},
      {"2001:2::/48", "2001:2:0:ffff::", true},
      {"2001:2::/48", "2001:2:1::", false},
      {"10.0.0.1/32", "10.0.0.1", true},
      {"10.0.0.1/32", "10.0.0.0", false},
  };
  for (const auto& c : cases)
    EXPECT_EQ(parse_prefix(c.prefix)->contains(*parse_ip(c.addr)), c.inside) << c.prefix << " " << c.addr;
}

}  // namespace
}  // namespace sluice

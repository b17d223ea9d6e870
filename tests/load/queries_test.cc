// SPDX-License-Identifier: Apache-2.0
#include "app/load/queries.h"

#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "dns/query.h"
#include "wire/checksum.h"

namespace sluice::load {
namespace {

std::string name_of(Bytes message) { return dns::read_question(message, dns::header_len)->name.text(); }

TEST(Queries, are_messages_a_server_reads) {
  std::istringstream file{"www.example.test A\nmail.Example.test\tMX\n. NS\nx.test TYPE65\ny.test ANY\n"};
  Queries q;
  std::string wrong;
  ASSERT_TRUE(q.read(file, "f", wrong)) << wrong;
  ASSERT_EQ(q.size(), 5u);
  const struct {
    const char* name;
    uint16_t type;
  } right[] = {
      {"www.example.test.", 1}, {"mail.Example.test.", 15}, {".", 2}, {"x.test.", 65}, {"y.test.", 255}};
  for (uint32_t i = 0; i < q.size(); ++i) {
    const Bytes m = q.message(i);
    dns::Query read;
    EXPECT_EQ(read.parse(m), dns::Rcode::NoError);
    EXPECT_EQ(name_of(m), right[i].name);
    EXPECT_EQ(static_cast<uint16_t>(read.type), right[i].type);
    EXPECT_EQ(read.qclass, dns::Class::In);
    EXPECT_TRUE(dns::Header::parse(m)->rd());
    EXPECT_EQ(q.sum(i), wire::Sum{}.add(m).folded());
  }
}

TEST(Queries, blank_lines_and_remarks_are_passed_over) {
  std::istringstream file{"; remark\n\n# another\n  a.test   A  ; and one\r\n"};
  Queries q;
  std::string wrong;
  ASSERT_TRUE(q.read(file, "f", wrong)) << wrong;
  EXPECT_EQ(q.size(), 1u);
  EXPECT_EQ(name_of(q.message(0)), "a.test.");
}

TEST(Queries, what_is_wrong_is_told_with_its_line) {
  const struct {
    const char *text, *place;
  } cases[] = {{"a.test A\nb.test\n", "f:2:"},
               {"a.test B0GUS\n", "f:1:"},
               {"a..test A\n", "f:1:"},
               {"a.test A extra\n", "f:1:"},
               {"", "f:"},
               {"; nothing\n", "f:"}};
  for (const auto& c : cases) {
    std::istringstream file{c.text};
    Queries q;
    std::string wrong;
    EXPECT_FALSE(q.read(file, "f", wrong)) << c.text;
    EXPECT_TRUE(wrong.starts_with(c.place)) << wrong;
  }
}

TEST(Queries, a_pattern_asks_every_name_once_in_an_order_the_seed_decides) {
  std::string wrong;
  const auto pattern = Pattern::parse("h{0..999}.example.test", wrong);
  const auto names = [&](uint64_t seed) {
    Queries q;
    Rng rng{seed};
    EXPECT_TRUE(q.make(*pattern, "AAAA", rng, wrong)) << wrong;
    std::vector<std::string> all;
    for (uint32_t i = 0; i < q.size(); ++i) all.push_back(name_of(q.message(i)));
    return all;
  };
  const auto one = names(1), again = names(1), other = names(2);
  EXPECT_EQ(one, again);
  EXPECT_NE(one, other);
  EXPECT_EQ(std::set<std::string>(one.begin(), one.end()).size(), 1'000u);
}

TEST(Queries, a_name_that_is_none_is_told) {
  std::string wrong;
  Queries q;
  Rng rng{1};
  EXPECT_FALSE(q.make(*Pattern::parse("a..b{1..2}", wrong), "A", rng, wrong));
  EXPECT_NE(wrong.find("no name"), std::string::npos);
  EXPECT_FALSE(q.make(*Pattern::parse("a{1..99000000}", wrong), "A", rng, wrong));
}

}  // namespace
}  // namespace sluice::load

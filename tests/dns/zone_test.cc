// SPDX-License-Identifier: Apache-2.0
#include "dns/zone.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/rng.h"
#include "dig.h"

namespace sluice::dns {
namespace {

constexpr const char* head = "$TTL 3600\n@ SOA ns.invalid. host 1 2 3 4 5\n@ NS ns.invalid.\n";

FoldedName folded(const Name& n) {
  FoldedName f;
  EXPECT_TRUE(f.fold(n.wire()));
  return f;
}

// RFC 1034 §4.3.2 by sets of names, without cleverness: what Zone::find must agree with.
struct Plain {
  std::set<std::string> names, cuts;  // text, lower case

  void add(Name n, const Name& apex, bool cut) {
    if (cut) cuts.insert(n.text());
    for (;; n = n.parent()) {
      names.insert(n.text());
      if (n == apex) return;
    }
  }
  // "cut NAME", "name NAME", "wildcard NAME" or "none".
  std::string find(const Name& sought, const Name& apex) const {
    std::string topmost;
    for (Name n = sought; !(n == apex); n = n.parent())
      if (cuts.contains(n.text())) topmost = n.text();
    if (!topmost.empty()) return "cut " + topmost;
    if (names.contains(sought.text())) return "name " + sought.text();
    Name encloser = sought;
    while (!names.contains(encloser.text())) encloser = encloser.parent();
    const std::string star = "*." + encloser.text();
    return names.contains(star) ? "wildcard " + star : "none";
  }
};

TEST(Zone, finds_what_a_plain_reading_of_the_rfc_finds) {
  Rng rng{4592};
  const Name apex = test::name("z.");
  const char* labels[] = {"a", "b", "c", "*", "d"};
  for (int round = 0; round < 200; ++round) {
    Plain plain;
    plain.add(apex, apex, false);
    std::string text = head;
    const auto random_name = [&](uint64_t most) {
      std::string s;
      for (uint64_t n = 1 + rng.below(most); n > 0; --n)
        s += std::string(labels[rng.below(std::size(labels))]) + ".";
      return s + "z.";
    };
    for (uint64_t n = rng.below(12); n > 0; --n) {
      const std::string owner = random_name(4);
      const bool cut = rng.below(4) == 0 && owner[0] != '*';
      text += owner + (cut ? " NS ns.invalid.\n" : " TXT x\n");
      plain.add(test::name(owner), apex, cut);
    }
    const auto z = test::zone("z.", text);
    ASSERT_NE(z, nullptr);
    EXPECT_EQ(z->nodes(), plain.names.size()) << text;
    for (int i = 0; i < 100; ++i) {
      const Name sought = test::name(random_name(6));
      const Found f = z->find(folded(sought));
      const auto shown = [&](NodeAt at) { return Name::from_wire(z->name(at)).text(); };
      std::string got = "none";
      if (f.cut != 0)
        got = "cut " + shown(f.cut);
      else if (f.node != 0)
        got = (shown(f.node) == sought.text() ? "name " : "wildcard ") + shown(f.node);
      ASSERT_EQ(got, plain.find(sought, apex)) << sought.text() << '\n' << text;
    }
  }
}

TEST(Zone, a_name_with_one_address_takes_about_a_hundred_octets) {
  constexpr int names = 20'000;
  std::string text = head;
  for (int i = 0; i < names; ++i)
    text += std::string("host") + std::to_string(100'000 + i) + " A 192.0.2.1\n";
  const auto z = test::zone("example.test.", text);
  ASSERT_NE(z, nullptr);
  EXPECT_EQ(z->nodes(), names + 1u);
  EXPECT_LT(z->memory() / names, 105u);
  for (int i = 0; i < names; ++i) {
    const Found f =
        z->find(folded(test::name(std::string("HOST") + std::to_string(100'000 + i) + ".example.test.")));
    ASSERT_NE(f.node, 0u);
    ASSERT_NE(z->rrset(f.node, Type::A), nullptr);
  }
  EXPECT_EQ(z->find(folded(test::name("host1.example.test."))).node, 0u);
}

TEST(Zone, the_negative_soa_has_the_lesser_of_ttl_and_minimum) {
  for (const auto& [ttl, minimum, want] : {std::tuple{100u, 50u, 50u}, {50u, 100u, 50u}, {0u, 5u, 0u}}) {
    const auto z =
        test::zone("z.", std::string("@ ") + std::to_string(ttl) + std::string(" SOA a. b. 1 2 3 4 ") +
                             std::to_string(minimum) + "\n@ NS c.\n");
    EXPECT_EQ(load_be<uint32_t>(z->negative_soa().octets.data() + 6), want);
  }
}

TEST(Zone, names_of_the_most_labels_are_found) {
  std::string owner;
  for (int i = 0; i < 126; ++i) owner += "a.";
  const auto z = test::zone("z.", std::string(head) + owner + "z. TXT x\n");
  ASSERT_NE(z, nullptr);
  EXPECT_EQ(z->nodes(), 127u);
  EXPECT_NE(z->find(folded(test::name(owner + "z."))).node, 0u);
  EXPECT_EQ(z->find(folded(test::name("b." + owner.substr(2) + "z."))).node, 0u);
}

}  // namespace
}  // namespace sluice::dns

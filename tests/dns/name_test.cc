// SPDX-License-Identifier: Apache-2.0
#include "dns/name.h"

#include <gtest/gtest.h>

#include <set>

#include "base/rng.h"
#include "dns/folded_name.h"

namespace sluice::dns {
namespace {

Name parsed(std::string_view text, const Name& origin = {}) {
  Name n;
  EXPECT_EQ(Name::parse(text, origin, n), nullptr) << text;
  return n;
}

std::string label(size_t n, char c = 'a') { return std::string(n, c); }

TEST(Name, text_becomes_wire_and_wire_becomes_text) {
  const Name origin = parsed("example.test.");
  struct {
    const char *in, *out;
    std::string wire;
  } const cases[] = {
      {".", ".", std::string("\0", 1)},
      {"@", "example.test.", std::string("\7example\4test\0", 14)},
      {"a", "a.example.test.", std::string("\1a\7example\4test\0", 16)},
      {"A.b.", "A.b.", std::string("\1A\1b\0", 5)},
      {"a\\.b.c.", "a\\.b.c.", std::string("\3a.b\1c\0", 7)},
      {"\\097\\b.", "ab.", std::string("\2ab\0", 4)},
      {"\\000\\255.", "\\000\\255.", std::string("\2\0\xff\0", 4)},
      {"\\@.", "\\@.", std::string("\1@\0", 3)},
      {"\\ x.", "\\032x.", std::string("\2 x\0", 4)},
      {"\\\\\\\"\\(\\).", "\\\\\\\"\\(\\).", std::string("\4\\\"()\0", 6)},
      {"*.w.", "*.w.", std::string("\1*\1w\0", 5)},
  };
  for (const auto& c : cases) {
    const Name n = parsed(c.in, origin);
    EXPECT_EQ(as_text(n.wire()), c.wire) << c.in;
    EXPECT_EQ(n.text(), c.out) << c.in;
    EXPECT_EQ(as_text(parsed(n.text()).wire()), c.wire) << c.in;
  }
}

TEST(Name, text_that_is_no_name_is_refused_with_a_reason) {
  const Name origin = parsed("example.test.");
  const std::string l63 = label(63), long253 = l63 + '.' + l63 + '.' + l63 + '.' + label(61);
  struct {
    std::string in;
    const char* wrong;
  } const cases[] = {
      {"", "an empty name"},
      {"..", "an empty label"},
      {".a", "an empty label"},
      {"a..b", "an empty label"},
      {"a\\", "a backslash with nothing after it"},
      {"\\12", "an escape \\DDD needs three digits"},
      {"\\1a2.", "an escape \\DDD needs three digits"},
      {"\\256.", "an escape \\DDD above 255"},
      {label(64), "a label longer than 63 octets"},
      {long253 + "a.", "a name longer than 255 octets"},
      {long253, "a name longer than 255 octets with its origin"},
  };
  for (const auto& c : cases) {
    Name n;
    const char* wrong = Name::parse(c.in, origin, n);
    ASSERT_NE(wrong, nullptr) << c.in;
    EXPECT_STREQ(wrong, c.wrong) << c.in;
  }
  EXPECT_EQ(parsed(long253 + '.').len(), 255u);
}

TEST(Name, of_the_most_labels_there_can_be_is_read) {
  std::string text;
  for (int i = 0; i < 127; ++i) text += "a.";
  const Name n = parsed(text);
  EXPECT_EQ(n.labels(), max_labels);
  EXPECT_EQ(n.len(), max_name_len);
  FoldedName f;
  ASSERT_TRUE(f.fold(n.wire()));
  EXPECT_EQ(f.labels(), max_labels);
}

TEST(Name, comparison_ignores_case_of_ascii_letters_only) {
  EXPECT_EQ(parsed("WWW.Example."), parsed("www.eXAMPLE."));
  EXPECT_FALSE(parsed("a[.") == parsed("a{."));
  EXPECT_FALSE(parsed("\\196.") == parsed("\\228."));  // not Latin-1
  EXPECT_FALSE(parsed("a.b.") == parsed("ab."));
  EXPECT_EQ(parsed("A\\.B.").lowered().text(), "a\\.b.");
}

TEST(Name, lies_within_a_zone_by_whole_labels) {
  EXPECT_TRUE(parsed("a.Example.").within(parsed("eXample.")));
  EXPECT_TRUE(parsed("example.").within(parsed("example.")));
  EXPECT_TRUE(parsed("example.").within(Name{}));
  EXPECT_FALSE(parsed("anexample.").within(parsed("example.")));
  EXPECT_FALSE(parsed("example.").within(parsed("a.example.")));
  EXPECT_FALSE(parsed("a\\007example.").within(parsed("example.")));
  EXPECT_EQ(parsed("a.b.").parent(), parsed("b."));
  EXPECT_EQ(Name{}.parent(), Name{});
}

TEST(Name, compression_is_followed_backwards_only) {
  struct {
    const char* claim;
    std::string message;
    size_t at;
    const char* want;  // null: refused
    size_t end;
  } const cases[] = {
      {"plain", std::string("\1a\0", 3), 0, "a.", 3},
      {"a pointer", std::string("\1a\0\1b\300\0", 7), 3, "b.a.", 7},
      {"a pointer to a pointer", std::string("\1a\0\1b\300\0\1c\300\3", 11), 7, "c.b.a.", 11},
      {"a bare pointer", std::string("\1a\0\300\0", 5), 3, "a.", 5},
      {"to itself", std::string("\300\0", 2), 0, nullptr, 0},
      {"into its own first label", std::string("\1a\300\0", 4), 0, nullptr, 0},
      {"forward", std::string("\300\2\1a\0", 5), 0, nullptr, 0},
      {"two that point at each other", std::string("\1a\300\4\1b\300\0", 8), 4, nullptr, 0},
      {"beyond the end", std::string("\300\77", 2), 0, nullptr, 0},
      {"a pointer cut off", std::string("\1a\300", 3), 0, nullptr, 0},
      {"a label cut off", std::string("\5abc", 4), 0, nullptr, 0},
      {"no root", std::string("\1a", 2), 0, nullptr, 0},
      {"nothing", "", 0, nullptr, 0},
      {"label type 01", std::string("\100\0", 2), 0, nullptr, 0},
      {"label type 10", std::string("\200\0", 2), 0, nullptr, 0},
  };
  for (const auto& c : cases) {
    const auto r = read_name(as_bytes(c.message), c.at);
    ASSERT_EQ(static_cast<bool>(r), c.want != nullptr) << c.claim;
    if (!r) {
      EXPECT_EQ(r.why(), Counter::dns_bad_name) << c.claim;
      continue;
    }
    EXPECT_EQ(r->name.text(), c.want) << c.claim;
    EXPECT_EQ(r->end, c.end) << c.claim;
    const auto skipped = skip_name(as_bytes(c.message), c.at);
    ASSERT_TRUE(skipped) << c.claim;
    EXPECT_EQ(*skipped, c.end) << c.claim;
  }
}

TEST(Name, cannot_grow_past_255_octets_by_compression) {
  std::string m;
  for (int i = 0; i < 4; ++i) m += '\77' + label(63);  // 256 octets without the root
  m += '\0';
  EXPECT_FALSE(read_name(as_bytes(m), 0));
  EXPECT_TRUE(read_name(as_bytes(m), 64));
  const size_t at = m.size();
  m += '\76' + label(62) + '\300' + '\100';  // 63 + 193 = 256
  EXPECT_FALSE(read_name(as_bytes(m), at));
  m[at] = '\75';
  m.erase(at + 1, 1);  // 62 + 193 = 255
  EXPECT_TRUE(read_name(as_bytes(m), at));
}

TEST(FoldedName, folds_octet_by_octet_like_lower) {
  for (unsigned c = 0; c < 256; ++c) {
    for (int place = 0; place < 64; place += 8) {
      const uint64_t in = uint64_t{c} << place;
      EXPECT_EQ(fold_detail::lower8(in), uint64_t{lower(static_cast<uint8_t>(c))} << place) << c;
    }
  }
  EXPECT_EQ(fold_detail::lower8(~uint64_t{0}), ~uint64_t{0});
}

// Whatever lies behind the name, however long both are: vectors, words and single octets do the same.
TEST(FoldedName, folds_and_hashes_every_length_alike) {
  uint8_t next = 0;
  for (size_t len = 1; len <= max_name_len; ++len) {
    std::string wire;
    while (wire.size() + 1 < len) {
      const size_t n = std::min(max_label_len, len - wire.size() - 2);
      if (n == 0) break;  // one octet is left, too few for a label
      wire += static_cast<char>(n);
      for (size_t i = 0; i < n; ++i) wire += static_cast<char>(next++);
    }
    wire += '\0';
    std::string want = wire;
    for (char& c : want) c = static_cast<char>(lower(static_cast<uint8_t>(c)));
    FoldedName plain;
    ASSERT_TRUE(plain.fold(as_bytes(want)));
    for (size_t behind = 0; behind <= 20; ++behind) {
      const std::string message = wire + std::string(behind, 'Z');
      const std::vector<char> exact{message.begin(), message.end()};  // so that a sanitizer sees its end
      FoldedName f;
      ASSERT_TRUE(f.fold({reinterpret_cast<const uint8_t*>(exact.data()), exact.size()}));
      ASSERT_EQ(f.len(), wire.size());
      ASSERT_EQ(as_text(f.suffix(0)), want) << len << "+" << behind;
      for (unsigned skip = 0; skip <= f.labels(); ++skip)
        ASSERT_EQ(f.hash(skip), plain.hash(skip)) << len << "+" << behind;
    }
  }
}

TEST(FoldedName, suffixes_hash_like_the_names_they_are) {
  const Name n = parsed("WWW.a-label-of-some-length.Example.TEST.");
  FoldedName f;
  ASSERT_TRUE(f.fold(n.wire()));
  ASSERT_EQ(f.labels(), 4u);
  Name rest = n;
  for (unsigned skip = 0; skip <= 4; ++skip, rest = rest.parent()) {
    FoldedName g;
    ASSERT_TRUE(g.fold(rest.lowered().wire()));
    EXPECT_EQ(f.hash(skip), g.hash(0));
    EXPECT_EQ(as_text(f.suffix(skip)), as_text(rest.lowered().wire()));
  }
}

TEST(FoldedName, what_is_no_uncompressed_name_is_refused) {
  const std::string bad[] = {"", "\1", std::string("\300\0", 2), std::string("\100", 1), "\1a", [] {
                               std::string s;
                               for (int i = 0; i < 128; ++i) s += "\1a";
                               return s + '\0';
                             }()};
  for (const std::string& b : bad) {
    FoldedName f;
    EXPECT_FALSE(f.fold(as_bytes(b)));
  }
}

TEST(FoldedName, a_hundred_thousand_names_that_differ_little_hash_apart) {
  std::set<uint64_t> whole, low;
  for (int i = 0; i < 100'000; ++i) {
    FoldedName f;
    std::string h = std::to_string(i);
    ASSERT_TRUE(f.fold(parsed(std::string("h") + h + ".example.test.").wire()));
    whole.insert(f.hash(0));
    low.insert(f.hash(0) & 0xfffff);
  }
  EXPECT_EQ(whole.size(), 100'000u);
  EXPECT_GT(low.size(), 94'000u);  // random: 2^20 (1 - e^(-100000 / 2^20)) = 95,371
}

}  // namespace
}  // namespace sluice::dns

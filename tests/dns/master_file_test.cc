// SPDX-License-Identifier: Apache-2.0
#include "dns/master_file.h"

#include <gtest/gtest.h>

#include <map>

#include "dig.h"
#include "dns/rdata_text.h"

namespace sluice::dns {
namespace {

using test::name;

std::string hex(std::string_view s) {
  std::string out;
  for (const unsigned char c : s) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", c);
    out += two;
  }
  return out;
}

struct Read {
  MasterFile file;
  Complaints complaints;
};

Read read(std::string_view text, const std::map<std::string, std::string>& others = {},
          const Options& options = {}) {
  Read r;
  const Loader load = [&](std::string_view n, std::string_view) -> std::optional<std::string> {
    const auto i = others.find(std::string(n));
    return i == others.end() ? std::nullopt : std::optional{i->second};
  };
  r.file = parse_master_file(text, "main", name("example.test."), load, options, r.complaints);
  return r;
}

// "owner ttl TYPE hex; ..." of what was read, then the complaints.
std::string shown(const Read& r) {
  std::string s;
  for (const Record& one : r.file.records)
    s += Name::from_wire(as_bytes(one.owner)).text() + std::string(" ") + std::to_string(one.ttl) + " " +
         type_text(one.type) + " " + hex(one.rdata) + "; ";
  for (const Complaint& c : r.complaints.list()) s.append("[").append(c.text()).append("]");
  return s;
}

TEST(MasterFile, reads_entries_as_rfc_1035_writes_them) {
  struct {
    const char *claim, *text, *want;
  } const cases[] = {
      {"ttl, class, type", "a 5 IN A 192.0.2.1", "a.example.test. 5 A c0000201; "},
      {"class, ttl, type", "a IN 5 A 192.0.2.1", "a.example.test. 5 A c0000201; "},
      {"words in any case", "a 5 in a 192.0.2.1", "a.example.test. 5 A c0000201; "},
      {"class by number", "a 5 CLASS1 A 192.0.2.1", "a.example.test. 5 A c0000201; "},
      {"owners are folded", "A.B 5 A 192.0.2.1", "a.b.example.test. 5 A c0000201; "},
      {"@ is the origin", "@ 5 A 192.0.2.1", "example.test. 5 A c0000201; "},
      {"absolute names", "a.b. 5 NS c.", "a.b. 5 NS 016300; "},
      {"owner and TTL of the line before", "a 5 A 192.0.2.1\n  A 192.0.2.2",
       "a.example.test. 5 A c0000201; a.example.test. 5 A c0000202; "},
      {"$TTL before the last TTL", "$TTL 7\na 5 A 192.0.2.1\nb A 192.0.2.2",
       "a.example.test. 5 A c0000201; b.example.test. 7 A c0000202; "},
      {"TTL units", "a 1h30m A 192.0.2.1\nb 1W2d3H4m5S A 192.0.2.1",
       "a.example.test. 5400 A c0000201; b.example.test. 788645 A c0000201; "},
      {"$ORIGIN, absolute and relative", "$ORIGIN x.\na 5 NS b\n$ORIGIN y\na 5 NS @",
       "a.x. 5 NS 0162017800; a.y.x. 5 NS 0179017800; "},
      {"comments", "; one\na 5 A 192.0.2.1 ; two\n;three", "a.example.test. 5 A c0000201; "},
      {"parentheses", "a 5 ( A ; here\n ( 192.0.2.1\n) ) ; there\nb 5 A 192.0.2.2",
       "a.example.test. 5 A c0000201; b.example.test. 5 A c0000202; "},
      {"parentheses do not make a blank owner", "(a\n 5) A 192.0.2.1", "a.example.test. 5 A c0000201; "},
      {"carriage returns", "a 5 A 192.0.2.1\r\n\r\n 6 A 192.0.2.2\r\n",
       "a.example.test. 5 A c0000201; a.example.test. 6 A c0000202; "},
      {"AAAA", "a 5 AAAA 2001:db8::1", "a.example.test. 5 AAAA 20010db8000000000000000000000001; "},
      {"MX", "a 5 MX 10 m", "a.example.test. 5 MX 000a016d076578616d706c65047465737400; "},
      {"SRV", "a 5 SRV 1 2 3 .", "a.example.test. 5 SRV 00010002000300; "},
      {"SOA", "@ 5 SOA . . 4294967295 1h 2 3 1d",
       "example.test. 5 SOA 0000ffffffff00000e10000000020000000300015180; "},
      {"TXT: tokens, quotes, escapes", R"(a 5 TXT a "b c" "d\"e" f\;g \065\010 "")",
       "a.example.test. 5 TXT 016103622063036422650366"
       "3b6702410a00; "},
      {"adjacent quotes", R"(a 5 TXT "a""b")", "a.example.test. 5 TXT 01610162; "},
      {"a comment sign and parentheses in quotes", "a 5 TXT \"(;)\"", "a.example.test. 5 TXT 03283b29; "},
      {"CAA", R"(a 5 CAA 128 issue "x; y=z")", "a.example.test. 5 CAA 80056973737565783b20793d7a; "},
      {"RFC 3597",
       "a 5 TYPE65280 \\# 3 aa bbcC\nb 5 TYPE1 \\# 4 c0000201\nc 5 A \\# 4 c000 0201\nd 5 TYPE9 \\# 0",
       "a.example.test. 5 TYPE65280 aabbcc; b.example.test. 5 A c0000201; c.example.test. 5 A c0000201; "
       "d.example.test. 5 TYPE9 ; "},
      {"a type by number takes the text of its name", "a 5 TYPE1 192.0.2.1",
       "a.example.test. 5 A c0000201; "},
      {"an owner that looks like a type", "A 5 A 192.0.2.1", "a.example.test. 5 A c0000201; "},
      {"nothing", "", ""},
      {"an escaped dot in a name", "a\\.b 5 PTR c\\032d.", "a\\.b.example.test. 5 PTR 0363206400; "},
  };
  for (const auto& c : cases) EXPECT_EQ(shown(read(c.text)), c.want) << c.claim;
}

TEST(MasterFile, every_fault_is_told_with_its_place_and_what_would_be_right) {
  struct {
    const char* text;
    const char* want;  // "line:column: " and the beginning of what is wrong
  } const cases[] = {
      {"a A 192.0.2.1", "1:3: no TTL, and none before it; put $TTL 3600"},
      {" 5 A 192.0.2.1", "1:2: an entry without an owner, and none before it; begin"},
      {"a 5", "1:3: an entry without a type; write"},
      {"a 5 IN", "1:5: an entry without a type; write"},
      {"a 5 FOO x", "1:5: unknown type 'FOO'; known are A NS"},
      {"a 5 \"A\" x", "1:5: unknown type 'A'"},
      {"a 5 TYPE65536 x", "1:5: unknown type 'TYPE65536'"},
      {"a 5 TYPE255 \\# 0", "1:5: TYPE255 is not a type of data; "},
      {"a 5 TYPE41 \\# 0", "1:5: TYPE41 is not a type of data; "},
      {"a 5 CH A 192.0.2.1", "1:5: class 'CH' in a zone of class IN; "},
      {"a 5 CLASS7 A 192.0.2.1", "1:5: class 'CLASS7' in a zone of class IN; "},
      {"a 5x A 192.0.2.1", "1:3: '5x' is not a TTL; "},
      {"a 1h30 A 192.0.2.1", "1:3: '1h30' is not a TTL; "},
      {"a 4294967296 A 192.0.2.1", "1:3: '4294967296' is not a TTL; "},
      {"a 7102w A 192.0.2.1", "1:3: '7102w' is not a TTL; "},
      {"a..b 5 A 192.0.2.1", "1:1: 'a..b' is not a domain name: an empty label; "},
      {"a 5 A 192.0.2.256", "1:7: '192.0.2.256' is not an IPv4 address; "},
      {"a 5 A 2001:db8::1", "1:7: '2001:db8::1' is not an IPv4 address; "},
      {"a 5 AAAA 192.0.2.1", "1:10: '192.0.2.1' is not an IPv6 address; "},
      {"a 5 A", "1:6: A data ends too early; add an IPv4 address"},
      {"a 5 A 192.0.2.1 x", "1:17: 'x' after the end of the data; "},
      {"a 5 MX mail", "1:8: 'mail' is not a number from 0 to 65535; "},
      {"a 5 MX 65536 mail", "1:8: '65536' is not a number from 0 to 65535; "},
      {"a 5 MX -1 mail", "1:8: '-1' is not a number from 0 to 65535; "},
      {"a 5 MX 10", "1:10: MX data ends too early; add a domain name"},
      {"a 5 MX 10 m..", "1:11: 'm..' is not a domain name: an empty label; "},
      {"@ 5 SOA a b 1 2 3 4", "1:20: SOA data ends too early; add a time in seconds"},
      {"@ 5 SOA a b 1h 2 3 4 5", "1:13: '1h' is not a number from 0 to 4294967295; "},
      {"@ 5 SOA a b 1 2 x 4 5", "1:17: 'x' is not a time; "},
      {"a 5 TXT", "1:8: TXT data ends too early; add a string"},
      {"a 5 TXT \"abc", "1:9: a quoted string without its closing quote; "},
      {"a 5 TXT \"abc\n; def", "1:9: a quoted string without its closing quote; "},
      {"a 5 TXT \\300", "1:9: '\\300' has an escape \\DDD above 255; "},
      {"a 5 TXT x\\", "1:9: 'x\\' has a backslash with nothing after it; "},
      {"a 5 CAA 256 issue x", "1:9: '256' is not a number from 0 to 255; "},
      {"a 5 CAA 0 is-sue x", "1:11: 'is-sue' is not a property tag; "},
      {"a 5 CAA 0 \"\" x", "1:11: '' is not a property tag; "},
      {"a 5 A (192.0.2.1", "1:7: an opening parenthesis is never closed; "},
      {"a 5 A 192.0.2.1 )", "1:17: a closing parenthesis without an opening one; "},
      {"a 5 TYPE65280 x", "1:15: the data of TYPE65280 has no known text form; "},
      {"a 5 TYPE65280", "1:5: the data of TYPE65280 has no known text form; "},
      {"a 5 TYPE65280 \\#", "1:15: \\# without a length; "},
      {"a 5 TYPE65280 \\# 2 aabbcc",
       "1:18: length 2 does not match the hexadecimal octets that follow; they are 3"},
      {"a 5 TYPE65280 \\# 1 a",
       "1:18: length 1 does not match the hexadecimal octets that follow; they are 0 and a half"},
      {"a 5 TYPE65280 \\# 1 ag", "1:20: 'ag' is not hexadecimal; "},
      {"a 5 TYPE65280 \\# 65536 aa", "1:18: '65536' is not a number"},
      {"a 5 A \\# 3 c00002", "1:7: these octets are no A data; "},
      {"a 5 NS \\# 2 c000", "1:8: these octets are no NS data; "},
      {"$ORIGIN", "1:1: $ORIGIN lacks its argument; "},
      {"$ORIGIN a b", "1:11: 'b' after the end of the directive; "},
      {"$ORIGIN a..b", "1:9: 'a..b' is not a domain name: an empty label; "},
      {"$TTL x", "1:6: 'x' is not a TTL; "},
      {"$GENERATE 1-2 a A 192.0.2.1", "1:1: unknown directive '$GENERATE'; "},
      {"$INCLUDE", "1:1: $INCLUDE lacks its argument; "},
      {"$INCLUDE missing", "1:10: cannot read 'missing'; "},
      {"$INCLUDE missing a..", "1:18: 'a..' is not a domain name: an empty label; "},
      {"\n\n\n  ; x\n$FOO", "5:1: unknown directive '$FOO'; "},
  };
  for (const auto& c : cases) {
    const Read r = read(c.text);
    ASSERT_EQ(r.complaints.errors(), 1u) << c.text << '\n' << shown(r);
    EXPECT_TRUE(r.complaints.list()[0].text().starts_with(std::string("main:") + c.want))
        << c.text << '\n'
        << r.complaints.list()[0].text();
    EXPECT_TRUE(r.file.records.empty()) << c.text;
  }
}

TEST(MasterFile, goes_on_behind_a_fault_and_reports_several) {
  const Read r = read(
      "a 5 A x\nb 5 A 192.0.2.1\nc 5 TXT \"x\n 5 AAAA y\nd..d 5 A 192.0.2.2\n 5 A 192.0.2.3\ne 5 A "
      "192.0.2.4\n");
  EXPECT_EQ(r.complaints.errors(), 4u) << shown(r);
  ASSERT_EQ(r.file.records.size(), 2u) << "the line after a faulty owner belongs to nobody";
  EXPECT_EQ(r.file.records[1].place.line, 7u);
}

TEST(MasterFile, a_ttl_above_the_limit_counts_as_0_with_a_warning) {
  const Read r = read("a 2147483648 A 192.0.2.1\nb 2147483647 A 192.0.2.1");
  EXPECT_TRUE(r.complaints.ok());
  EXPECT_EQ(r.complaints.warnings(), 1u);
  EXPECT_EQ(r.file.records[0].ttl, 0u);
  EXPECT_EQ(r.file.records[1].ttl, 2147483647u);
}

TEST(MasterFile, without_a_ttl_the_soa_lends_its_minimum) {
  const Read r = read("@ SOA . . 1 2 3 4 77\na A 192.0.2.1");
  EXPECT_TRUE(r.complaints.ok());
  EXPECT_EQ(r.complaints.warnings(), 1u);
  EXPECT_EQ(r.file.records.at(0).ttl, 77u);
  EXPECT_EQ(r.file.records.at(1).ttl, 77u);
}

TEST(MasterFile, includes_keep_origin_and_owner_of_the_file_that_includes) {
  const Read r = read("$TTL 5\na A 192.0.2.1\n$INCLUDE one sub\n  A 192.0.2.4\nb A 192.0.2.5\n",
                      {{"one", "@ A 192.0.2.2\n$ORIGIN x.\ny A 192.0.2.3\nz A bad\n"}});
  EXPECT_EQ(shown(r),
            "a.example.test. 5 A c0000201; sub.example.test. 5 A c0000202; y.x. 5 A c0000203; "
            "a.example.test. 5 A c0000204; b.example.test. 5 A c0000205; "
            "[one:4:5: 'bad' is not an IPv4 address; four numbers from 0 to 255, as in 192.0.2.1]");
}

TEST(MasterFile, a_file_that_includes_itself_ends_at_the_option) {
  for (const uint32_t most : {1u, 8u}) {
    const Read r = read("$INCLUDE me", {{"me", "a 5 A 192.0.2.1\n$INCLUDE me"}}, {.include_depth_max = most});
    EXPECT_EQ(r.file.records.size(), most);
    ASSERT_EQ(r.complaints.errors(), 1u);
    EXPECT_EQ(r.complaints.list()[0].line, 2u);
  }
}

TEST(MasterFile, a_flood_of_faults_is_counted_but_not_kept) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "x 5 A y\n";
  const Read r = read(text);
  EXPECT_EQ(r.complaints.errors(), 1000u);
  EXPECT_EQ(r.complaints.list().size(), Complaints::most);
}

TEST(MasterFile, strings_and_data_have_their_longest) {
  EXPECT_TRUE(read("a 5 TXT " + std::string(255, 'x')).complaints.ok());
  EXPECT_FALSE(read("a 5 TXT " + std::string(256, 'x')).complaints.ok());
  std::string fits = "a 5 TXT", more;
  for (int i = 0; i < 255; ++i) fits += " " + std::string(255, 'x');  // 255 * 256 = 65280
  more = fits + " " + std::string(255, 'x');                          // 65536
  EXPECT_TRUE(read(fits).complaints.ok());
  EXPECT_FALSE(read(more).complaints.ok());
}

TEST(ParsePeriod, knows_units_and_bounds) {
  EXPECT_EQ(parse_period("0"), 0u);
  EXPECT_EQ(parse_period("1h30m"), 5400u);
  EXPECT_EQ(parse_period("4294967295"), 4294967295u);
  for (const char* bad : {"", "h", "1x", "1h30", "-1", "+1", "4294967296", "4294967295s1s", "1 h"})
    EXPECT_FALSE(parse_period(bad)) << bad;
}

}  // namespace
}  // namespace sluice::dns

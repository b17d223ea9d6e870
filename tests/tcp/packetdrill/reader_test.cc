// SPDX-License-Identifier: Apache-2.0
// The reader of scripts: what is wrong is told with line, expected and got; what cannot be played is skipped
// with the reason, never passed.
#include <gtest/gtest.h>

#include "tcp/packetdrill/assertions.h"
#include "tcp/packetdrill/player.h"
#include "tcp/packetdrill/script.h"

namespace sluice::test::pkt {
namespace {

const std::string opening =
    "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
    "+0 bind(3, ..., ...) = 0\n"
    "+0 listen(3, 1) = 0\n"
    "+0 < S 0:0(0) win 65535 <mss 1000>\n"
    "+0 > S. 0:0(0) ack 1 <mss 1460>\n"
    "+.1 < . 1:1(0) ack 1 win 65535\n"
    "+0 accept(3, ..., ...) = 4\n"
    "+0 write(4, ..., 100) = 100\n";  // eight lines

struct Case {
  const char* claim;
  const char* ninth;  // the script's line after the opening
  Verdict::Kind kind;
  const char* says;
};
constexpr auto passed = Verdict::Kind::Passed, failed = Verdict::Kind::Failed,
               skipped = Verdict::Kind::Skipped;

const Case cases[] = {
    {"what is sent as said passes", "+0 > P. 1:101(100) ack 1", passed, ""},
    {"any time", "* > P. 1:101(100) ack 1", passed, ""},
    {"other flags", "+0 > . 1:101(100) ack 1", failed,
     "another flags than expected\nexpected 0.100000 > . 1:101(100) ack 1\n     got 0.100000 > P. 1:101(100) "
     "ack 1"},
    {"another number", "+0 > P. 2:102(100) ack 1", failed, "another sequence number"},
    {"another length", "+0 > P. 1:102(101) ack 1", failed, "another length"},
    {"another acknowledgement", "+0 > P. 1:101(100) ack 2", failed, "another acknowledgement"},
    {"another window", "+0 > P. 1:101(100) ack 1 win 7", failed, "another window"},
    {"options that are not there", "+0 > P. 1:101(100) ack 1 <nop,nop,TS val 1 ecr 1>", failed,
     "another options"},
    {"any options", "+0 > P. 1:101(100) ack 1 <...>", passed, ""},
    {"padding is no option", "+0 > P. 1:101(100) ack 1 <nop,nop,nop,eol>", passed, ""},
    {"another codepoint", "+0 > [ce] P. 1:101(100) ack 1", failed, "another ECN"},
    {"too early", "+.5 > P. 1:101(100) ack 1", failed, "another time"},
    {"in a range", "+0~+.1 > P. 1:101(100) ack 1", passed, ""},
    {"nothing more comes in time", "+0 > P. 1:101(100) ack 1\n+.1 > P. 1:101(100) ack 1", failed,
     "nothing was sent by 0.202000 (the next timer is due at "},
    {"something is left over", "+0 read(4, ..., 0) = 0", failed, "the script ends, but this was sent:"},
    {"another result", "+0 write(4, ..., 10) = 9", failed, "write() returns 10, expected 9"},
    {"another errno", "+0 shutdown(4, SHUT_WR) = 0\n+0 write(4, ..., 10) = -1 EAGAIN", failed,
     "write() returns -1 EPIPE, expected -1 EAGAIN"},
    {"a call that blocks", "+0 read(4, ..., 10) = 10", failed, "read() blocks; expected 10"},
    {"a call that never returns", "+0 > P. 1:101(100) ack 1\n+0...0.2 read(4, ..., 10) = 10", failed,
     "read() has not returned at the end"},
    {"a call that returns too early",
     "+0 > P. 1:101(100) ack 1\n+0...0.9 read(4, ..., 10) = 10\n+.1 < . 1:11(10) ack 101 win 1000", failed,
     "read() returned at 0.200000, expected at 1.000000"},
    {"no such descriptor", "+0 write(9, ..., 10) = -1 EBADF\n+0 > P. 1:101(100) ack 1", passed, ""},
    {"an assertion", "+0 > P. 1:101(100) ack 1\n+0 %{ assert tcpi_snd_mss == 1000 }%", passed, ""},
    {"an assertion that does not hold", "+0 %{ assert tcpi_snd_mss == 999, tcpi_snd_mss }%", failed,
     "does not hold: assert tcpi_snd_mss == 999, tcpi_snd_mss (tcpi_snd_mss is 1000)"},
    {"a value we do not have", "+0 %{ assert tcpi_nonsense == 1 }%", skipped, "no value for tcpi_nonsense"},
    {"code that is no assertion", "+0 %{ import os }%", skipped, "code that is no plain assertion"},
    {"an unknown call", "+0 frobnicate(4) = 0", skipped, "frobnicate()"},
    {"an unknown option", "+0 setsockopt(4, SOL_TCP, TCP_MD5SIG, [1], 4) = 0", skipped,
     "setsockopt TCP_MD5SIG"},
    {"Fast Open", "+0 < S 0:0(0) win 1 <FO abcd>", skipped, "TCP Fast Open"},
    {"UDP", "+0 < udp (10)", skipped, "udp packets"},
    {"a shell command", "+0 `rm -rf /`", skipped, "the shell command rm"},
    {"a text of another length than its numbers", "+0 > P. 1:101(99) ack 1", failed,
     "not as long as its sequence"},
    {"no flags", "+0 > 1:101(100) ack 1", failed, "expected"},
    {"no such option of ours", "+0 `sluice colour=3`", failed, "no option 'colour' in stack/tcp/options.def"},
    {"an option out of its range", "+0 `sluice retries=1000`", failed, "retries=1000 is out of its range"},
};

class Reader : public testing::TestWithParam<Case> {};
TEST_P(Reader, says_what_happened) {
  const Verdict v = play(opening + GetParam().ninth + "\n");
  EXPECT_EQ(v.kind, GetParam().kind) << v.why;
  EXPECT_NE(v.why.find(GetParam().says), std::string::npos) << v.why;
  if (v.kind != passed) {
    EXPECT_GE(v.line, 9) << v.why;
    EXPECT_LE(v.line, 11) << v.why;
  }
}
INSTANTIATE_TEST_SUITE_P(Lines, Reader, testing::ValuesIn(cases), [](const auto& i) {
  std::string name = i.param.claim;
  for (char& c : name)
    if (!isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
});

TEST(Script, comments_of_both_kinds_are_blanks_and_lines_are_counted) {
  const Script s =
      parse("// one\n--mtu=1400\n/* two\nthree */ 0 close(3) = 0 // four\n+.5 < . 1:1(0) ack 1 win 7\n");
  ASSERT_EQ(s.flags.size(), 1u);
  EXPECT_EQ(s.flags[0].second, "1400");
  ASSERT_EQ(s.events.size(), 2u);
  EXPECT_EQ(s.events[0].line, 4);
  EXPECT_EQ(s.events[1].line, 5);
  EXPECT_EQ(s.events[1].at, 500_ms);
}

TEST(Script, what_is_printed_is_read_again) {
  const std::string line =
      "> [ect0] SFPRUEW. 10:110(100) ack 7 win 9 urg 3 <mss 5,wscale 2,sackOK,sack 1:2 3:4,TS val 8 ecr "
      "9,nop,eol>";
  const Script s = parse("0 " + line);
  const std::string again = print(std::get<Packet>(s.events[0].what));
  EXPECT_EQ(print(std::get<Packet>(parse("0 " + again).events[0].what)), again);
  EXPECT_NE(again.find("<mss 5,wscale 2,sackOK,sack 1:2 3:4,TS val 8 ecr 9,nop,eol>"), std::string::npos)
      << again;
}

struct Sum {
  const char* code;
  bool holds;
};
TEST(Code, of_python_the_part_that_scripts_use) {
  const Sum sums[] = {
      {"assert 1 + 2 * 3 == 7", true},
      {"assert (1 + 2) * 3 == 9 and not 0", true},
      {"assert x == 5 or x == 6, x", true},
      {"assert x < 5", false},
      {"assert 1 <= x <= 5", true},
      {"assert 6 <= x <= 9", false},
      {"assert (x & 4) != 0, x", true},
      {"y = x; y += 10; assert y == 15", true},
      {"assert x == 4 # no; assert 1\nassert x == 5", false},
      {"assert x == \\\n 5", true},
      {"print(x)\nassert 0x10 / 4 == -1 * -4", true},
  };
  for (const Sum& s : sums) {
    Assertions a;
    bool held = true;
    try {
      a.run({s.code}, 1,
            [](std::string_view n) { return n == "x" ? std::optional<int64_t>{5} : std::nullopt; });
    } catch (const Fault& f) {
      EXPECT_FALSE(f.lacking) << s.code << ": " << f.what;
      held = false;
    }
    EXPECT_EQ(held, s.holds) << s.code;
  }
}

}  // namespace
}  // namespace sluice::test::pkt

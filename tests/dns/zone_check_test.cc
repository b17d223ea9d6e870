// SPDX-License-Identifier: Apache-2.0
#include "dns/zone_check.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "dig.h"

namespace sluice::dns {
namespace {

constexpr const char* head = "$TTL 3600\n@ SOA ns1 host 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.1\n";

struct Case {
  const char* claim;
  std::string text;
  const char* wrong;  // part of what we say; null: accepted without a word
  bool accepted = false;
};

// Each row is put both to load_zone() and to named-checkzone.
const Case cases[] = {
    {"the least zone", head, nullptr, true},
    {"no last newline", std::string(head) + "a A 192.0.2.1", nullptr, true},
    {"an empty file", "", "has no SOA record"},
    {"no SOA", "$TTL 1\n@ NS ns1\nns1 A 192.0.2.1\n", "has no SOA record"},
    {"no NS", "$TTL 1\n@ SOA ns1 host 1 2 3 4 5\nns1 A 192.0.2.1\n", "has no NS record"},
    {"NS below only", "$TTL 1\n@ SOA ns1 host 1 2 3 4 5\nns1 A 192.0.2.1\nsub NS ns1\n", "has no NS record"},
    {"the SOA last", "$TTL 1\n@ NS ns1\nns1 A 192.0.2.1\n@ SOA ns1 host 1 2 3 4 5\n", nullptr, true},
    {"two SOAs", std::string(head) + "@ SOA ns1 host 2 2 3 4 5\n", "a second SOA record"},
    {"the same SOA twice", std::string(head) + "@ SOA NS1 host 1 2 3 4 5\n", nullptr, true},
    {"an SOA below", std::string(head) + "a SOA ns1 host 1 2 3 4 5\n", "an SOA record below the top"},
    {"CNAME and other data", std::string(head) + "a CNAME b\na A 192.0.2.1\n", "CNAME and other data"},
    {"other data and CNAME", std::string(head) + "a TXT x\na CNAME b\n", "CNAME and other data"},
    {"a CNAME at the apex", std::string(head) + "@ CNAME b\n", "CNAME and other data"},
    {"two CNAMEs", std::string(head) + "a CNAME b\na CNAME c\n", "a second CNAME record"},
    {"the same CNAME twice", std::string(head) + "a CNAME b\na CNAME B\n", nullptr, true},
    {"the same A twice", std::string(head) + "a A 192.0.2.1\nA A 192.0.2.1\n", nullptr, true},
    {"out of the zone", std::string(head) + "foo.other. A 192.0.2.1\n", "lies outside the zone", true},
    {"a name that only ends alike", std::string(head) + "anexample.test. A 192.0.2.1\n",
     "lies outside the zone", true},
    {"NS at a wildcard", std::string(head) + "*.w NS ns1\n", "NS at a wildcard"},
    {"our server without address", std::string(head) + "@ NS ns2\n", "which has no address here"},
    {"our server with a wildcard's address", std::string(head) + "@ NS ns2.w\n*.w A 192.0.2.2\n", nullptr,
     true},
    {"our server is an alias", std::string(head) + "@ NS ns2\nns2 CNAME ns1\n", "an alias"},
    {"our server by an address", std::string(head) + "@ NS 192.0.2.1\n", "which has no address here"},
    {"our server elsewhere", std::string(head) + "@ NS ns.other.\n", nullptr, true},
    {"a delegation without glue", std::string(head) + "sub NS ns.sub\n", "which has no address here", true},
    {"a delegation to a host we lack", std::string(head) + "sub NS ns.other\n", "which has no address here",
     true},
    {"a delegation with glue", std::string(head) + "sub NS ns.sub\nns.sub A 192.0.2.2\n", nullptr, true},
    {"data below a cut", std::string(head) + "sub NS ns1\nx.sub TXT a\n", nullptr, true},
    {"a mail exchanger without address", std::string(head) + "@ MX 1 m\n", "which has no address here", true},
    {"a mail exchanger that is an alias", std::string(head) + "@ MX 1 m\nm CNAME ns1\n", "an alias", true},
    {"a service without address", std::string(head) + "_s._tcp SRV 1 2 3 h\n", "which has no address here",
     true},
    {"TTLs of a set differ", std::string(head) + "a 1 A 192.0.2.1\na 2 A 192.0.2.2\n",
     "differs from that of the set", true},
    {"a TTL of 2^31", std::string(head) + "a 2147483648 A 192.0.2.1\n", "counts as 0", true},
    {"a TTL of 2^32", std::string(head) + "a 4294967296 A 192.0.2.1\n", "is not a TTL"},
    {"a negative TTL", std::string(head) + "a -1 A 192.0.2.1\n", "unknown type"},
    {"no TTL, SOA first", "@ SOA ns1 host 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.1\n", "MINIMUM is taken", true},
    {"no TTL, SOA last", "@ NS ns1\nns1 A 192.0.2.1\n@ SOA ns1 host 1 2 3 4 5\n",
     "no TTL, and none before it"},
    {"TTL of the line before", "@ 5 SOA ns1 host 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.1\n", nullptr, true},
    {"units in $TTL and SOA", "$TTL 1h\n@ SOA ns1 host 1 1h 30m 1w2d 5\n@ NS ns1\nns1 A 192.0.2.1\n", nullptr,
     true},
    {"units in a serial", "$TTL 1\n@ SOA ns1 host 1h 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.1\n",
     "is not a number"},
    {"an owner missing", " SOA ns1 host 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.1\n", "an entry without an owner"},
    {"class CH", std::string(head) + "a CH A 192.0.2.1\n", "class 'CH'"},
    {"class before TTL", std::string(head) + "a IN 5 A 192.0.2.1\n", nullptr, true},
    {"an underscore in a host", std::string(head) + "a_b A 192.0.2.1\n", nullptr, true},
    {"an empty label", std::string(head) + "a..b A 192.0.2.1\n", "an empty label"},
    {"a label of 63", std::string(head) + std::string(63, 'a') + " A 192.0.2.1\n", nullptr, true},
    {"a label of 64", std::string(head) + std::string(64, 'a') + " A 192.0.2.1\n", "longer than 63"},
    {"an escape in a name", std::string(head) + "a\\.b\\032c A 192.0.2.1\n", nullptr, true},
    {"an escape above 255", std::string(head) + "a\\256 A 192.0.2.1\n", "above 255"},
    {"too much data", std::string(head) + "a A 192.0.2.1 x\n", "after the end of the data"},
    {"too little data", std::string(head) + "a MX 10\n", "ends too early"},
    {"a bad address", std::string(head) + "a A 192.0.2\n", "not an IPv4 address"},
    {"a bad IPv6 address", std::string(head) + "a AAAA 2001:db8:::1\n", "not an IPv6 address"},
    {"several strings", std::string(head) + "a TXT a b \"c d\"\n", nullptr, true},
    {"no string", std::string(head) + "a TXT\n", "ends too early"},
    {"a string of 255", std::string(head) + "a TXT " + std::string(255, 'x') + "\n", nullptr, true},
    {"a string of 256", std::string(head) + "a TXT " + std::string(256, 'x') + "\n", "256 octets"},
    {"a newline in quotes", std::string(head) + "a TXT \"a\nb\"\n", "without its closing quote"},
    {"parentheses", std::string(head) + "a ( A\n  192.0.2.1 ) ; x\n", nullptr, true},
    {"an open parenthesis", std::string(head) + "a ( A 192.0.2.1\n", "never closed"},
    {"a closing parenthesis", std::string(head) + "a A 192.0.2.1 )\n", "without an opening one"},
    {"an unknown type", std::string(head) + "a FOO x\n", "unknown type"},
    {"an unknown directive", std::string(head) + "$FOO x\n", "unknown directive"},
    {"RFC 3597", std::string(head) + "a TYPE65280 \\# 3 aa bbcc\n", nullptr, true},
    {"RFC 3597, wrong length", std::string(head) + "a TYPE65280 \\# 4 aa bbcc\n", "does not match"},
    {"RFC 3597 for a known type", std::string(head) + "a A \\# 4 c0000201\n", nullptr, true},
    {"RFC 3597 for a known type, wrong", std::string(head) + "a A \\# 3 c00002\n",
     "these octets are no A data"},
    {"SRV", std::string(head) + "_s._tcp SRV 1 2 3 ns1\n", nullptr, true},
    {"a service that is not offered", std::string(head) + "_s._tcp SRV 0 0 0 .\n", nullptr, true},
    {"SRV port too great", std::string(head) + "_s._tcp SRV 1 2 65536 ns1\n", "is not a number"},
    {"CAA", std::string(head) + "@ CAA 0 issue \"ca.test\"\n", nullptr, true},
    {"CAA without quotes", std::string(head) + "@ CAA 0 issue ca.test\n", nullptr, true},
    {"CAA with an empty value", std::string(head) + "@ CAA 0 issue \"\"\n", nullptr, true},
    {"CAA flags too great", std::string(head) + "@ CAA 256 issue x\n", "is not a number"},
    {"CAA tag with a hyphen", std::string(head) + "@ CAA 0 iss-ue x\n", "is not a property tag"},
    {"a null MX", std::string(head) + "a MX 0 .\n", nullptr, true},
    {"PTR", std::string(head) + "1 PTR host.other.\n", nullptr, true},
    {"carriage returns", "$TTL 1\r\n@ SOA ns1 host 1 2 3 4 5\r\n@ NS ns1\r\nns1 A 192.0.2.1\r\n", nullptr,
     true},
    {"$ORIGIN", std::string(head) + "$ORIGIN sub.example.test.\na A 192.0.2.1\n$ORIGIN x\nb A 192.0.2.1\n",
     nullptr, true},
    {"a file that is not there", std::string(head) + "$INCLUDE no-such-file\n", "cannot read"},
    {"a wildcard", std::string(head) + "* A 192.0.2.1\n*.a TXT x\n", nullptr, true},
    {"an asterisk inside", std::string(head) + "a.*.b A 192.0.2.1\n", nullptr, true},
    {"@ as data", std::string(head) + "a MX 1 @\n@ A 192.0.2.1\n", nullptr, true},
};

TEST(ZoneCheck, judges_zones_and_says_why) {
  for (const Case& c : cases) {
    Complaints complaints;
    const auto z = load_zone(c.text, "z", test::name("example.test."), {}, {}, complaints);
    EXPECT_EQ(z != nullptr, c.accepted) << c.claim;
    EXPECT_EQ(complaints.ok(), c.accepted) << c.claim;
    std::string all;
    for (const Complaint& one : complaints.list()) all += one.text() + '\n';
    if (c.wrong == nullptr)
      EXPECT_EQ(all, "") << c.claim;
    else
      EXPECT_NE(all.find(c.wrong), std::string::npos) << c.claim << '\n' << all;
  }
}

class Scratch {
 public:
  Scratch() { made_ = mkdtemp(path_) != nullptr; }
  ~Scratch() {
    if (!made_) return;
    std::remove(file().c_str());
    rmdir(path_);
  }
  std::string file() const { return std::string(path_) + "/zone"; }
  bool made() const { return made_; }

 private:
  char path_[32] = "/tmp/sluice-zone-XXXXXX";
  bool made_ = false;
};

// -i local: looks up nothing outside the zone. Its exit status is 0 or 1; 127 from the shell: not installed.
int verdict_of_named(const std::string& file) {
  const int status =
      std::system(("named-checkzone -q -i local example.test " + file + " >/dev/null 2>&1").c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(ZoneCheck, accepts_and_rejects_as_named_checkzone_does) {
  if (std::system("command -v named-checkzone >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "named-checkzone (package bind9-utils) is not installed";
  const Scratch scratch;
  ASSERT_TRUE(scratch.made());
  for (const Case& c : cases) {
    std::ofstream(scratch.file(), std::ios::binary) << c.text;
    const int verdict = verdict_of_named(scratch.file());
    ASSERT_TRUE(verdict == 0 || verdict == 1) << c.claim << ": status " << verdict;
    Complaints complaints;
    load_zone(c.text, "z", test::name("example.test."), {}, {}, complaints);
    EXPECT_EQ(complaints.ok(), verdict == 0) << c.claim;
  }
}

TEST(ZoneCheck, a_set_that_fits_no_message_is_refused) {
  std::string text = head;
  for (int i = 0; i < 300; ++i)
    text += std::string("big TXT ") + std::to_string(i) + std::string(210, 'x') + "\n";
  Complaints complaints;
  EXPECT_EQ(load_zone(text, "z", test::name("example.test."), {}, {}, complaints), nullptr);
  ASSERT_EQ(complaints.errors(), 1u);
  EXPECT_NE(complaints.list()[0].wrong.find("fit no message"), std::string::npos);
}

TEST(ZoneCheck, the_first_ttl_of_a_set_is_taken) {
  Complaints complaints;
  const auto z = load_zone(std::string(head) + "a 7 A 192.0.2.1\nb A 192.0.2.3\na 9 A 192.0.2.2\n", "z",
                           test::name("example.test."), {}, {}, complaints);
  ASSERT_NE(z, nullptr);
  EXPECT_EQ(test::ask(Zones{{z}}, {.name = "a.example.test."}),
            "noerror aa | a.example.test. 7 A 192.0.2.1, a.example.test. 7 A 192.0.2.2,");
}

}  // namespace
}  // namespace sluice::dns

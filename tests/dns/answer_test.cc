// SPDX-License-Identifier: Apache-2.0
#include "dns/answer.h"

#include <gtest/gtest.h>

#include "dig.h"

namespace sluice::dns {
namespace {

using test::Ask;
using test::ask;

struct Case {
  const char* claim;
  const char* name;
  Type type;
  const char* want;
};

void expect_all(const Zones& zones, std::span<const Case> cases) {
  for (const Case& c : cases) EXPECT_EQ(ask(zones, {.name = c.name, .type = c.type}), c.want) << c.claim;
}

constexpr const char* main_text = R"($TTL 3600
@      SOA ns1 host.example.test. 1 7200 900 604800 300
@      NS ns1
@      NS ns.other.invalid.
@      MX 10 mail
@      MX 20 far.invalid.
ns1    A 192.0.2.1
ns1    AAAA 2001:db8::1
mail   A 192.0.2.25
www    60 A 192.0.2.80
www    60 A 192.0.2.81
www    AAAA 2001:db8::80
txt    TXT "one" two
Alias  CNAME www
far    CNAME www.elsewhere.invalid.
gone   CNAME nothing
nodata CNAME txt
c1     CNAME c2
c2     CNAME c3
c3     CNAME c1
self   CNAME self
tosub  CNAME host.sub
towild CNAME any.wild
_h._tcp SRV 1 2 80 www
ptr    PTR www
ca     CAA 0 issue "ca.invalid"
odd    TYPE65280 \# 2 beef
a.b.c  A 192.0.2.3
sub    NS ns.sub
sub    NS ns1
sub    TYPE43 \# 4 01020304
ns.sub A 192.0.2.53
ns.sub AAAA 2001:db8::53
deep.sub TXT "occluded"
*.wild A 192.0.2.99
*.wcname CNAME www
*.wloop CNAME x.wloop
)";

#define SOA " | example.test. 300 SOA ns1.example.test. host.example.test. 1 7200 900 604800 300,"
#define REFERRAL                                                                                    \
  " | sub.example.test. 3600 NS ns.sub.example.test., sub.example.test. 3600 NS ns1.example.test.," \
  " | ns.sub.example.test. 3600 A 192.0.2.53, ns.sub.example.test. 3600 AAAA 2001:db8::53,"         \
  " ns1.example.test. 3600 A 192.0.2.1, ns1.example.test. 3600 AAAA 2001:db8::1,"
#define WWW(owner) " " owner " 60 A 192.0.2.80, " owner " 60 A 192.0.2.81,"

class Answer : public testing::Test {
 protected:
  Zones zones{{test::zone("example.test.", main_text)}};
};

TEST_F(Answer, follows_the_algorithm_of_rfc_1034) {
  const Case cases[] = {
      {"a name that is there", "www.example.test.", Type::A, "noerror aa |" WWW("www.example.test.")},
      {"letters do not matter and come back as asked", "wWw.eXample.TEST.", Type::A,
       "noerror aa |" WWW("wWw.eXample.TEST.")},
      {"another type of it", "www.example.test.", Type::Aaaa,
       "noerror aa | www.example.test. 3600 AAAA 2001:db8::80,"},
      {"no data of that type", "www.example.test.", Type::Mx, "noerror aa |" SOA},
      {"no such name", "nope.example.test.", Type::A, "nxdomain aa |" SOA},
      {"no such name, far below", "x.y.z.www.example.test.", Type::A, "nxdomain aa |" SOA},
      {"an empty non-terminal has no data but exists", "b.c.example.test.", Type::A, "noerror aa |" SOA},
      {"a topmost empty non-terminal too", "c.example.test.", Type::A, "noerror aa |" SOA},
      {"below an empty non-terminal", "x.c.example.test.", Type::A, "nxdomain aa |" SOA},
      {"mail exchangers bring addresses", "example.test.", Type::Mx,
       "noerror aa | example.test. 3600 MX 10 mail.example.test., example.test. 3600 MX 20 far.invalid., | |"
       " mail.example.test. 3600 A 192.0.2.25,"},
      {"name servers bring addresses", "example.test.", Type::Ns,
       "noerror aa | example.test. 3600 NS ns1.example.test., example.test. 3600 NS ns.other.invalid., | |"
       " ns1.example.test. 3600 A 192.0.2.1, ns1.example.test. 3600 AAAA 2001:db8::1,"},
      {"services bring addresses", "_h._tcp.example.test.", Type::Srv,
       "noerror aa | _h._tcp.example.test. 3600 SRV 1 2 80 www.example.test., | |" WWW(
           "www.example.test.") " www.example.test. 3600 AAAA 2001:db8::80,"},
      {"the SOA itself keeps its TTL", "example.test.", Type::Soa,
       "noerror aa | example.test. 3600 SOA ns1.example.test. host.example.test. 1 7200 900 604800 300,"},
      {"strings", "txt.example.test.", Type::Txt, "noerror aa | txt.example.test. 3600 TXT #8,"},
      {"a pointer", "ptr.example.test.", Type::Ptr,
       "noerror aa | ptr.example.test. 3600 PTR www.example.test.,"},
      {"a CAA", "ca.example.test.", Type::Caa, "noerror aa | ca.example.test. 3600 CAA 0 #6 #10,"},
      {"a type without a name", "odd.example.test.", static_cast<Type>(65280),
       "noerror aa | odd.example.test. 3600 TYPE65280 #2,"},
      {"ANY gets one set", "www.example.test.", Type::Any, "noerror aa |" WWW("www.example.test.")},
      {"ANY at an empty non-terminal", "c.example.test.", Type::Any, "noerror aa |" SOA},
      {"a zone that is not ours", "www.example.invalid.", Type::A, "refused"},
      {"the zone above ours", "test.", Type::A, "refused"},
      {"a name that only ends like ours", "anexample.test.", Type::A, "refused"},
      {"the root", ".", Type::Ns, "refused"},
  };
  expect_all(zones, cases);
}

TEST_F(Answer, follows_aliases_inside_the_zone) {
  const Case cases[] = {
      {"to data", "alias.example.test.", Type::A,
       "noerror aa | alias.example.test. 3600 CNAME www.example.test.," WWW("www.example.test.")},
      {"asked for itself", "alias.example.test.", Type::Cname,
       "noerror aa | alias.example.test. 3600 CNAME www.example.test.,"},
      {"ANY is given the alias", "alias.example.test.", Type::Any,
       "noerror aa | alias.example.test. 3600 CNAME www.example.test.,"},
      {"out of the zone", "far.example.test.", Type::A,
       "noerror aa | far.example.test. 3600 CNAME www.elsewhere.invalid.,"},
      {"to nothing: the code is the last name's (RFC 6604)", "gone.example.test.", Type::A,
       "nxdomain aa | gone.example.test. 3600 CNAME nothing.example.test.," SOA},
      {"to no data", "nodata.example.test.", Type::A,
       "noerror aa | nodata.example.test. 3600 CNAME txt.example.test.," SOA},
      {"in a circle of three", "c1.example.test.", Type::A,
       "noerror aa | c1.example.test. 3600 CNAME c2.example.test., c2.example.test. 3600 CNAME "
       "c3.example.test.,"
       " c3.example.test. 3600 CNAME c1.example.test.,"},
      {"to itself", "self.example.test.", Type::A,
       "noerror aa | self.example.test. 3600 CNAME self.example.test.,"},
      {"into a delegation", "tosub.example.test.", Type::A,
       "noerror aa | tosub.example.test. 3600 CNAME host.sub.example.test.," REFERRAL},
      {"to a wildcard", "towild.example.test.", Type::A,
       "noerror aa | towild.example.test. 3600 CNAME any.wild.example.test., any.wild.example.test. 3600 A "
       "192.0.2.99,"},
      {"from a wildcard", "q.wcname.example.test.", Type::A,
       "noerror aa | q.wcname.example.test. 3600 CNAME www.example.test.," WWW("www.example.test.")},
      {"a wildcard that points at itself", "q.wloop.example.test.", Type::A,
       "noerror aa | q.wloop.example.test. 3600 CNAME x.wloop.example.test.,"},
  };
  expect_all(zones, cases);
}

TEST_F(Answer, refers_to_the_servers_of_a_delegated_zone) {
  const Case cases[] = {
      {"at the cut", "sub.example.test.", Type::A, "noerror |" REFERRAL},
      {"the cut's NS is not ours to answer", "sub.example.test.", Type::Ns, "noerror |" REFERRAL},
      {"below the cut", "x.y.sub.example.test.", Type::A, "noerror |" REFERRAL},
      {"data below the cut is occluded", "deep.sub.example.test.", Type::Txt, "noerror |" REFERRAL},
      {"glue is not answered with authority", "ns.sub.example.test.", Type::A, "noerror |" REFERRAL},
      {"DS at the cut is ours (RFC 4035 §3.1.4.1)", "sub.example.test.", Type::Ds,
       "noerror aa | sub.example.test. 3600 TYPE43 #4,"},
      {"DS below the cut is not", "x.sub.example.test.", Type::Ds, "noerror |" REFERRAL},
  };
  expect_all(zones, cases);
}

// RFC 4592 §2.2.1: the zone and the answers it lists.
TEST(AnswerWildcard, gives_the_answers_of_rfc_4592) {
  const Zones zones{{test::zone("example.", R"(
$TTL 3600
example.                 SOA   ns.example.com. host.example.com. 1 2 3 4 300
example.                 NS    ns.example.com.
example.                 NS    ns.example.net.
*.example.               TXT   "this is a wildcard"
*.example.               MX    10 host1.example.
sub.*.example.           TXT   "this is not a wildcard"
host1.example.           A     192.0.2.1
_ssh._tcp.host1.example. SRV   0 0 22 host1.example.
_ssh._tcp.host2.example. SRV   0 0 22 host1.example.
subdel.example.          NS    ns.example.com.
subdel.example.          NS    ns.example.net.
)")}};
#define SOA4592 " | example. 300 SOA ns.example.com. host.example.com. 1 2 3 4 300,"
#define DEL4592 " | subdel.example. 3600 NS ns.example.com., subdel.example. 3600 NS ns.example.net.,"
#define HOST1 " | | host1.example. 3600 A 192.0.2.1,"
  const Case cases[] = {
      {"synthesized", "host3.example.", Type::Mx,
       "noerror aa | host3.example. 3600 MX 10 host1.example.," HOST1},
      {"synthesized, no data", "host3.example.", Type::A, "noerror aa |" SOA4592},
      {"synthesized many labels down", "foo.bar.example.", Type::Txt,
       "noerror aa | foo.bar.example. 3600 TXT #19,"},
      {"the name exists", "host1.example.", Type::Mx, "noerror aa |" SOA4592},
      {"*.example exists", "sub.*.example.", Type::Mx, "noerror aa |" SOA4592},
      {"_tcp.host1.example exists", "_telnet._tcp.host1.example.", Type::Srv, "nxdomain aa |" SOA4592},
      {"the delegation", "host.subdel.example.", Type::A, "noerror |" DEL4592},
      {"*.example exists", "ghost.*.example.", Type::Mx, "nxdomain aa |" SOA4592},
      {"the wildcard asked for by name", "*.example.", Type::Txt, "noerror aa | *.example. 3600 TXT #19,"},
      {"an empty non-terminal blocks", "_tcp.host1.example.", Type::Txt, "noerror aa |" SOA4592},
      {"host2 exists only as such", "host2.example.", Type::Mx, "noerror aa |" SOA4592},
  };
  expect_all(zones, cases);
}

TEST_F(Answer, refuses_what_it_does_not_do) {
  struct {
    const char* claim;
    Ask a;
    const char* want;
  } const cases[] = {
      {"CHAOS", {.name = "example.test.", .qclass = Class::Ch}, "refused"},
      {"class ANY", {.name = "example.test.", .qclass = Class::Any}, "refused"},
      {"class NONE", {.name = "example.test.", .qclass = Class::None}, "refused"},
      {"AXFR over UDP", {.name = "example.test.", .type = Type::Axfr}, "formerr"},
      {"AXFR over TCP",
       {.name = "example.test.", .type = Type::Axfr, .how = {Transport::Kind::Tcp}},
       "refused"},
      {"IXFR", {.name = "example.test.", .type = Type::Ixfr}, "refused"},
      {"OPT as a question", {.name = "example.test.", .type = Type::Opt}, "formerr"},
      {"TSIG as a question", {.name = "example.test.", .type = Type::Tsig}, "formerr"},
      {"TKEY", {.name = "example.test.", .type = Type::Tkey}, "notimp"},
      {"MAILA", {.name = "example.test.", .type = Type::Maila}, "notimp"},
      {"UPDATE", {.name = "example.test.", .type = Type::Soa, .opcode = Opcode::Update}, "notimp"},
      {"NOTIFY",
       {.name = "example.test.", .type = Type::Soa, .edns_size = 1232, .opcode = Opcode::Notify},
       "notimp opt1232"},
      {"IQUERY", {.name = "example.test.", .opcode = Opcode::Iquery}, "notimp"},
      {"an opcode of no meaning", {.name = "example.test.", .opcode = static_cast<Opcode>(15)}, "notimp"},
      {"type 0", {.name = "example.test.", .type = Type{}}, "noerror aa |" SOA},
  };
  for (const auto& c : cases) EXPECT_EQ(ask(zones, c.a), c.want) << c.claim;
}

TEST_F(Answer, speaks_edns_when_spoken_to) {
  struct {
    const char* claim;
    Ask a;
    const char* want;
  } const cases[] = {
      {"OPT is answered",
       {.name = "ptr.example.test.", .type = Type::Ptr, .edns_size = 4096},
       "noerror aa opt1232 | ptr.example.test. 3600 PTR www.example.test.,"},
      {"DO is copied (RFC 3225 §3)",
       {.name = "ptr.example.test.", .type = Type::Ptr, .edns_size = 4096, .dnssec_ok = true},
       "noerror aa opt1232do | ptr.example.test. 3600 PTR www.example.test.,"},
      {"version 1", {.name = "www.example.test.", .edns_size = 1232, .edns_version = 1}, "badvers opt1232"},
      {"a size below 512 counts as 512",
       {.name = "ptr.example.test.", .type = Type::Ptr, .edns_size = 0},
       "noerror aa opt1232 | ptr.example.test. 3600 PTR www.example.test.,"},
      {"REFUSED has an OPT too", {.name = "x.invalid.", .edns_size = 512}, "refused opt1232"},
      {"RD clear comes back clear", {.name = "x.invalid.", .rd = false}, "refused"},
  };
  for (const auto& c : cases) EXPECT_EQ(ask(zones, c.a), c.want) << c.claim;
}

// ---- malformed messages

struct Raw {
  const char* claim;
  std::vector<uint8_t> message;
  const char* want;  // as Reading shows it, or the reason of the drop
};

std::vector<uint8_t> edited(const Ask& a, const std::function<void(std::vector<uint8_t>&)>& edit) {
  auto m = test::query(a);
  edit(m);
  return m;
}

TEST_F(Answer, tells_malformed_queries_from_messages_that_get_no_answer) {
  using V = std::vector<uint8_t>;
  const Ask plain{.name = "www.example.test."}, edns{.name = "www.example.test.", .edns_size = 1232};
  const Raw cases[] = {
      {"nothing", {}, "short"},
      {"eleven octets", V(11, 0), "short"},
      {"a response", edited(plain, [](V& m) { m[2] |= 0x80; }), "response"},
      {"a response of eleven octets is short", V(11, 0xff), "short"},
      {"a header alone", V(12, 0), "formerr"},
      {"a header that promises a question", edited(plain, [](V& m) { m.resize(12); }), "formerr"},
      {"two questions (RFC 9619)", edited(plain, [](V& m) { m[5] = 2; }), "formerr"},
      {"a name cut off", edited(plain, [](V& m) { m.resize(15); }), "formerr"},
      {"a name without its root", edited(plain, [](V& m) { m.resize(29); }), "formerr"},
      {"a type cut off", edited(plain, [](V& m) { m.resize(m.size() - 3); }), "formerr"},
      {"a pointer to itself", edited(plain, [](V& m) { m[12] = 0xc0, m[13] = 12; }), "formerr"},
      {"a pointer into the header", edited(plain, [](V& m) { m[12] = 0xc0, m[13] = 4; }), "formerr"},
      {"label type 01", edited(plain, [](V& m) { m[12] = 0x41; }), "formerr"},
      {"octets behind the end", edited(plain, [](V& m) { m.push_back(0); }), "formerr"},
      {"an additional record that is not there", edited(plain, [](V& m) { m[11] = 1; }), "formerr"},
      {"65535 records that are not there", edited(plain, [](V& m) { m[6] = m[7] = 0xff; }), "formerr"},
      {"an OPT cut off", edited(edns, [](V& m) { m.pop_back(); }), "formerr"},
      {"an OPT among the answers", edited(edns, [](V& m) { m[7] = 1, m[11] = 0; }), "formerr"},
      {"an OPT whose owner is not the root", edited(edns, [](V& m) { m.insert(m.end() - 11, {1, 'x'}); }),
       "formerr"},
      {"an OPT whose option is cut off",
       edited(edns, [](V& m) { m.back() = 3, m.insert(m.end(), {0, 10, 0}); }), "formerr"},
      {"an OPT whose option is longer than it",
       edited(edns, [](V& m) { m.back() = 4, m.insert(m.end(), {0, 10, 0, 1}); }), "formerr"},
      {"two OPTs",
       edited(edns,
              [](V& m) {
                m[11] = 2;
                V opt(m.end() - 11, m.end());
                m.insert(m.end(), opt.begin(), opt.end());
              }),
       "formerr opt1232"},
      {"an OPT with a whole option",
       edited(edns, [](V& m) { m.back() = 5, m.insert(m.end(), {0, 10, 0, 1, 7}); }),
       "noerror aa opt1232 |" WWW("www.example.test.")},
      {"a record before the OPT",
       edited(edns,
              [](V& m) {
                m[11] = 2;
                m.insert(m.end() - 11, {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 7});
              }),
       "noerror aa opt1232 |" WWW("www.example.test.")},
      {"UPDATE with garbage", edited({.name = "a.", .opcode = Opcode::Update}, [](V& m) { m[9] = 9; }),
       "notimp"},
  };
  for (const Raw& c : cases) {
    Counters count;
    V m = c.message;
    m.resize(1500);
    const V before = m;
    const auto n = answer(zones, m, c.message.size(), {}, count);
    if (!n) {
      EXPECT_STREQ(counter_table()[static_cast<size_t>(n.why())].labels[3], c.want) << c.claim;
      EXPECT_EQ(m, before) << c.claim;
      continue;
    }
    EXPECT_EQ(test::Reading(Bytes{m}.first(*n)).all(), c.want) << c.claim;
  }
}

// ---- size

std::string many(const char* owner, const char* type, int n, const char* data) {
  std::string s;
  for (int i = 0; i < n; ++i) {
    char line[200];
    std::snprintf(line, sizeof line, data, i, i);
    s += std::string(owner) + ' ' + type + ' ' + line + '\n';
  }
  return s;
}

class AnswerSize : public testing::Test {
 protected:
  std::string text = std::string(main_text) + many("big", "A", 40, "10.0.0.%d") +
                     many("mails", "MX", 12, "%d mx%d.mails") + many("huge", "TXT", 200, "text-%d-%d") +
                     many("wide", "NS", 12, "ns%d.wide") + many("cnamebig", "CNAME", 1, "big");
  AnswerSize() {
    for (int i = 0; i < 12; ++i) {
      text +=
          std::string("mx") + std::to_string(i) + std::string(".mails A 10.1.0.") + std::to_string(i) + '\n';
      text += std::string("mx") + std::to_string(i) + std::string(".mails AAAA 2001:db8::") +
              std::to_string(i) + '\n';
      text += std::string("ns") + std::to_string(i) + std::string(".wide AAAA 2001:db8::") +
              std::to_string(i) + '\n';
    }
    zones = std::make_unique<Zones>(std::vector{test::zone("example.test.", text)});
  }
  Header header(const Ask& a) {
    last = test::answered(*zones, a, count);
    return *Header::parse(last.message);
  }
  std::unique_ptr<Zones> zones;
  test::Answered last;
  Counters count;
};

TEST_F(AnswerSize, a_set_that_does_not_fit_is_left_out_whole_and_tc_says_so) {
  const Header h = header({.name = "big.example.test."});
  EXPECT_TRUE(h.tc());
  EXPECT_EQ(h.ancount(), 0);
  EXPECT_EQ(count[Counter::dns_truncated], 1u);
  EXPECT_EQ(last.text, "noerror aa tc");
}

TEST_F(AnswerSize, what_was_found_before_the_set_that_does_not_fit_stays) {
  EXPECT_EQ(ask(*zones, {.name = "cnamebig.example.test."}),
            "noerror aa tc | cnamebig.example.test. 3600 CNAME big.example.test.,");
}

TEST_F(AnswerSize, edns_and_tcp_make_room) {
  EXPECT_EQ(header({.name = "big.example.test.", .edns_size = 1232}).ancount(), 40);
  EXPECT_TRUE(header({.name = "huge.example.test.", .type = Type::Txt, .edns_size = 1232}).tc());
  EXPECT_EQ(
      header({.name = "huge.example.test.", .type = Type::Txt, .how = {Transport::Kind::Tcp}}).ancount(),
      200);
  EXPECT_FALSE(header({.name = "huge.example.test.", .type = Type::Txt, .how = {Transport::Kind::Tcp}}).tc());
}

TEST_F(AnswerSize, a_client_offering_more_than_the_option_gets_the_option) {
  EXPECT_TRUE(header({.name = "huge.example.test.", .type = Type::Txt, .edns_size = 65535}).tc());
  EXPECT_EQ(count[Counter::dns_payload_clamped], 1u);
  const Zones wide{{zones->list()[0]}, {.udp_payload_max = 4096}};
  EXPECT_TRUE(
      Header::parse(
          test::answered(wide, {.name = "huge.example.test.", .type = Type::Txt, .edns_size = 4095}, count)
              .message)
          ->tc());
  EXPECT_TRUE(ask(wide, {.name = "big.example.test.", .edns_size = 65535}).starts_with("noerror aa opt4096"));
}

TEST_F(AnswerSize, additional_addresses_are_dropped_without_tc) {
  const Header h = header({.name = "mails.example.test.", .type = Type::Mx});
  EXPECT_FALSE(h.tc());
  EXPECT_EQ(h.ancount(), 12);
  EXPECT_GT(h.arcount(), 0);
  EXPECT_LT(h.arcount(), 24);
  EXPECT_LE(last.message.size(), 512u);
}

TEST_F(AnswerSize, glue_a_referral_needs_is_not_dropped_without_tc) {
  const Header small = header({.name = "x.wide.example.test."});
  EXPECT_TRUE(small.tc());  // RFC 9471 §3.1
  EXPECT_EQ(small.nscount(), 12);
  EXPECT_FALSE(header({.name = "x.wide.example.test.", .edns_size = 1232}).tc());
}

TEST_F(AnswerSize, no_answer_is_longer_than_what_the_transport_or_the_buffer_takes) {
  for (const char* n :
       {"big.example.test.", "mails.example.test.", "www.example.test.", "x.wide.example.test."}) {
    for (size_t room = 12; room < 700; ++room) {
      auto m = test::query({.name = n, .type = Type::Any, .edns_size = 1232});
      const size_t len = m.size();
      const size_t size = std::max(len, room);
      m.resize(size);
      const auto got = answer(*zones, m, len, {.max_size = room}, count);
      if (got) {
        EXPECT_LE(*got, room);
        EXPECT_EQ(test::Reading(Bytes{m}.first(*got)).all().find("unsound"), std::string::npos);
      } else {
        EXPECT_EQ(got.why(), Counter::dns_no_room);
        EXPECT_LT(room, len);
      }
    }
  }
}

TEST_F(AnswerSize, names_are_compressed) {
  header({.name = "example.test.", .type = Type::Ns});
  // 12 header + 18 question; NS ns1 (12 + 4 + 2), NS ns.other.invalid. (12 + 18); A (16), AAAA (28).
  EXPECT_EQ(last.message.size(), 12u + 18 + 18 + 30 + 16 + 28);
}

TEST(AnswerBig, sets_beyond_the_reach_of_pointers_stay_sound_over_tcp) {
  std::string text = main_text + many("big", "MX", 800, "%d a-rather-long-label-for-an-exchanger-%d.x.y");
  for (int i = 0; i < 800; ++i)
    text += std::string("a-rather-long-label-for-an-exchanger-") + std::to_string(i) + ".x.y A 192.0.2.1\n";
  const Zones zones{{test::zone("example.test.", text)}};
  Counters count;
  const auto a = test::answered(
      zones, {.name = "big.example.test.", .type = Type::Mx, .how = {Transport::Kind::Tcp}}, count);
  EXPECT_EQ(a.text.find("unsound"), std::string::npos) << a.text.substr(0, 200);
  EXPECT_EQ(Header::parse(a.message)->ancount(), 800);
  EXPECT_FALSE(Header::parse(a.message)->tc());
  EXPECT_GT(a.message.size(), 2 * pointer_reach);
  EXPECT_GT(Header::parse(a.message)->arcount(), 0);    // those a pointer can name
  EXPECT_LT(Header::parse(a.message)->arcount(), 800);  // but none beyond
  EXPECT_NE(a.text.find("MX 799 a-rather-long-label-for-an-exchanger-799.x.y.example.test.,"),
            std::string::npos);
}

// ---- many zones, options, counters

TEST(AnswerZones, the_longest_zone_wins_and_ds_is_asked_of_the_parent) {
  const char* soa = "$TTL 60\n@ SOA ns.invalid. h.invalid. 1 2 3 4 5\n@ NS ns.invalid.\n";
  const auto parent = std::string(soa) + "child NS ns.invalid.\nchild TYPE43 \\# 1 01\n";
  const auto child = std::string(soa) + "@ A 192.0.2.2\nwww A 192.0.2.3\n";
  const auto root =
      std::string(soa) + "test A 192.0.2.4\nx.y A 192.0.2.5\nal CNAME x.y\nns.invalid A 192.0.2.6\n";
  const Zones zones{
      {test::zone("parent.", parent), test::zone("child.parent.", child), test::zone(".", root)}};
  const Case cases[] = {
      {"the child's apex", "CHILD.parent.", Type::A, "noerror aa | CHILD.parent. 60 A 192.0.2.2,"},
      {"below it", "www.child.parent.", Type::A, "noerror aa | www.child.parent. 60 A 192.0.2.3,"},
      {"DS of the child", "child.parent.", Type::Ds, "noerror aa | child.parent. 60 TYPE43 #1,"},
      {"DS of the parent goes to the root", "parent.", Type::Ds,
       "nxdomain aa | | . 5 SOA ns.invalid. h.invalid. 1 2 3 4 5,"},
      {"DS of the root", ".", Type::Ds, "noerror aa | | . 5 SOA ns.invalid. h.invalid. 1 2 3 4 5,"},
      {"all else is the root's", "test.", Type::A, "noerror aa | test. 60 A 192.0.2.4,"},
      {"aliases in the root", "al.", Type::A, "noerror aa | al. 60 CNAME x.y., x.y. 60 A 192.0.2.5,"},
      {"the root itself", ".", Type::Ns, "noerror aa | . 60 NS ns.invalid., | | ns.invalid. 60 A 192.0.2.6,"},
  };
  expect_all(zones, cases);
}

TEST(AnswerZones, no_zone_at_all_refuses_everything) {
  EXPECT_EQ(ask(Zones{{}}, {.name = "example.test."}), "refused");
}

TEST_F(Answer, follows_no_more_aliases_than_the_option_says_and_counts_it) {
  std::string text = main_text;
  for (int i = 0; i < 20; ++i)
    text += std::string("l") + std::to_string(i) + std::string(" CNAME l") + std::to_string(i + 1) + "\n";
  text += "l20 A 192.0.2.1\n";
  const auto z = test::zone("example.test.", text);
  for (const uint32_t most : {1u, 8u, 16u}) {
    const Zones limited{{z}, {.cname_chain_max = most}};
    Counters count;
    const auto a = test::answered(limited, {.name = "l0.example.test."}, count);
    EXPECT_EQ(Header::parse(a.message)->ancount(), most);
    EXPECT_EQ(count[Counter::dns_chain_limit], 1u);
  }
  Counters count;
  EXPECT_EQ(
      Header::parse(
          test::answered(Zones{{z}, {.cname_chain_max = 8}}, {.name = "l12.example.test."}, count).message)
          ->ancount(),
      9);
  EXPECT_EQ(count[Counter::dns_chain_limit], 0u);
}

TEST_F(Answer, counts_what_it_does) {
  Counters count;
  test::answered(zones, {.name = "www.example.test."}, count);
  test::answered(zones, {.name = "x.example.test.", .type = Type::Mx, .how = {Transport::Kind::Tcp}}, count);
  test::answered(zones, {.name = "x.invalid.", .type = static_cast<Type>(999)}, count);
  test::answered(zones, {.name = "www.example.test.", .opcode = Opcode::Status}, count);
  test::answered(zones, {.name = "www.example.test.", .edns_size = 512, .edns_version = 9}, count);
  test::answered(zones, {.name = "www.example.test.", .type = Type::Opt}, count);
  test::answered(zones, {.name = "c1.example.test."}, count);
  EXPECT_EQ(count[Counter::dns_queries_udp], 6u);
  EXPECT_EQ(count[Counter::dns_queries_tcp], 1u);
  EXPECT_EQ(count[Counter::dns_type_a], 2u);
  EXPECT_EQ(count[Counter::dns_type_mx], 1u);
  EXPECT_EQ(count[Counter::dns_type_other], 2u);
  EXPECT_EQ(count[Counter::dns_noerror], 2u);
  EXPECT_EQ(count[Counter::dns_nxdomain], 1u);
  EXPECT_EQ(count[Counter::dns_refused], 1u);
  EXPECT_EQ(count[Counter::dns_notimp], 1u);
  EXPECT_EQ(count[Counter::dns_badvers], 1u);
  EXPECT_EQ(count[Counter::dns_formerr], 1u);
  EXPECT_EQ(count[Counter::dns_cname_loop], 1u);
}

}  // namespace
}  // namespace sluice::dns

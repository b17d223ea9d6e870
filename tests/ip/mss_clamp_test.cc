// SPDX-License-Identifier: Apache-2.0
// IPv4's SYNs through the room; IPv6's are in tests/stack/mss_clamp_test.cc, what becomes of the options in
// tests/wire/mss_clamp_test.cc.
#include "ip/mss_clamp.h"

#include "ip/room.h"
#include "wire/tcp.h"
#include "wire/tcp_options.h"

namespace sluice::ip {
namespace {

using test::far;
using test::Octets;
using test::peer;
using namespace wire::tcp_flag;

constexpr buf::MssClamp off{}, mtu{.to_mtu = true};
constexpr buf::MssClamp bound(uint16_t most) { return {.most = most}; }

TEST(MostMss, is_what_either_port_asks_for) {
  struct Case {
    const char* claim;
    buf::MssClamp in, out;
    uint16_t in_mtu, out_mtu;
    uint16_t four, six;
  };
  constexpr uint16_t any = UINT16_MAX;
  const Case cases[] = {
      {"nobody asks", off, off, 1500, 1400, any, any},
      {"the MTU of the way out, asked for there", off, mtu, 1500, 1400, 1360, 1340},
      {"and where it comes in", mtu, off, 1500, 1400, 1360, 1340},
      {"the MTU of the port it comes by", off, mtu, 1400, 9000, 1360, 1340},
      {"both ask", mtu, mtu, 1500, 1500, 1460, 1440},
      {"a number", off, bound(1300), 1500, 1500, 1300, 1300},
      {"a number, where it comes in", bound(1300), off, 1500, 1500, 1300, 1300},
      {"the lesser of two numbers", bound(1300), bound(1200), 1500, 1500, 1200, 1200},
      {"a number and a narrower port", bound(1350), mtu, 1500, 1380, 1340, 1320},
      {"a number does not look at MTUs", off, bound(1400), 1500, 1300, 1400, 1400},
      {"the narrowest port there can be", mtu, off, 68, 68, 28, 8},
  };
  for (const Case& c : cases) {
    const buf::Interface in{.caps = {.mtu = c.in_mtu}, .addresses = {}, .mss_clamp = c.in};
    const buf::Interface out{.caps = {.mtu = c.out_mtu}, .addresses = {}, .mss_clamp = c.out};
    EXPECT_EQ(most_mss(in, out, 40), c.four) << c.claim;
    EXPECT_EQ(most_mss(in, out, 60), c.six) << c.claim;
    EXPECT_EQ(any_clamps_mss(std::vector{in, out}), c.four != any) << c.claim;
  }
}

// Port 1 carries 1400 octets and says so in SYNs.
class IpMssClamp : public test::IpRoom {
 protected:
  IpMssClamp() {
    ports[1].caps.mtu = 1400;
    clamp(off, mtu);
  }
  void clamp(buf::MssClamp lan, buf::MssClamp wan) {
    ports[0].mss_clamp = lan;
    ports[1].mss_clamp = wan;
    rebuild();
  }
  static Octets segment(uint8_t flags, const Octets& options, size_t text = 0, Ip4Addr src = peer,
                        Ip4Addr dst = far) {
    Octets b(wire::Tcp::header_len);
    wire::Tcp::emit(b.data(), {.src = {4242},
                               .dst = {80},
                               .seq = {1},
                               .flags = flags,
                               .window = {1000},
                               .options = static_cast<uint8_t>(options.size())});
    b = test::join(std::move(b), options);
    b.resize(b.size() + text, 'x');
    const auto n = static_cast<uint32_t>(b.size());
    store_be<uint16_t>(b.data() + wire::Tcp::checksum_at,
                       wire::pseudo_header(src, dst, 6, n).add(b).checksum());
    return b;
  }
  static Octets datagram(test::Ip4Spec spec, Bytes segment) {
    spec.proto = IpProto::Tcp;
    return test::ip4(spec, segment);
  }
  // What left of what came, its checksums proved; 0: nothing did, or it says no MSS.
  uint16_t mss_of(const Octets& sent, uint16_t port = 0) {
    pass(sent, port);
    EXPECT_EQ(out.size(), 1u);
    if (out.empty()) return 0;
    const Octets got = test::copy(out[0].packet.bytes());
    out.clear();
    const auto ip = wire::Ip4::parse(got);
    EXPECT_TRUE(ip && ip->good_checksum());
    EXPECT_EQ(got.size(), sent.size());
    const Bytes tcp = ip->payload();
    const auto sum = wire::pseudo_header(ip->src(), ip->dst(), 6, static_cast<uint32_t>(tcp.size()));
    if (!ip->is_fragment()) {
      EXPECT_EQ(wire::Sum{sum}.add(tcp).folded(), 0xffff);
    }
    return wire::TcpOptions::parse(wire::Tcp::parse(tcp)->options())->mss.value_or(0);
  }
  uint64_t clamped() const { return count[Counter::ip_mss_clamped]; }
};

const Octets mss_1460 = {2, 4, 0x05, 0xb4}, at_odd_offset = {1, 2, 4, 0x05, 0xb4, 1, 1, 1};

TEST_F(IpMssClamp, syns_are_clamped_both_ways_and_counted) {
  struct Case {
    const char* claim;
    uint8_t flags;
    Octets options;
    uint16_t mss;
    bool clamped;
    test::Ip4Spec spec = {};
  };
  const Case cases[] = {
      {"a SYN", syn, mss_1460, 1360, true},
      {"a SYN-ACK", syn | ack, mss_1460, 1360, true},
      {"at an odd offset", syn, at_odd_offset, 1360, true},
      {"behind IPv4 options", syn, mss_1460, 1360, true, {.options = {7, 7, 4, 0, 0, 0, 0, 0}}},
      {"one that has the link's MTU in mind", syn, {2, 4, 0x05, 0x50}, 1360, false},
      {"less", syn, {2, 4, 0x02, 0x18}, 536, false},
      {"none", syn, {}, 0, false},
      {"no SYN", ack, mss_1460, 1460, false},
  };
  for (const Case& c : cases) {
    for (const bool back : {false, true}) {
      const uint64_t before = clamped();
      test::Ip4Spec spec = c.spec;
      spec.src = back ? far : peer, spec.dst = back ? peer : far;
      EXPECT_EQ(mss_of(datagram(spec, segment(c.flags, c.options, 0, spec.src, spec.dst)), back), c.mss)
          << c.claim << (back ? ", back" : "");
      EXPECT_EQ(clamped(), before + c.clamped) << c.claim;
    }
  }
  EXPECT_EQ(drops(), 0u);
}

TEST_F(IpMssClamp, what_is_no_whole_tcp_header_passes_as_it_came) {
  options.follow_fragments = false;  // each goes by its addresses, at once
  const Octets whole = segment(syn, mss_1460);
  Octets bad_list = segment(syn, {2, 4, 0x05, 0xb4, 9, 0, 0, 0});
  Octets long_header = whole;
  long_header[12] = 15 << 4;
  const Bytes cut = Bytes{whole}.first(22);
  const std::pair<const char*, Octets> cases[] = {
      {"malformed options", datagram({.dst = far}, bad_list)},
      {"a data offset past the end", datagram({.dst = far}, long_header)},
      {"cut within its options", datagram({.dst = far}, cut)},
      {"cut within its flags", datagram({.dst = far}, Bytes{whole}.first(13))},
      {"no TCP header at all", datagram({.dst = far}, {})},
      {"a later fragment that looks like a SYN", datagram({.dst = far, .fragment = 0x2003}, whole)},
      {"the last one", datagram({.dst = far, .fragment = 0x0003}, whole)},
      {"a first fragment with half of the options", datagram({.dst = far, .fragment = 0x2000}, cut)},
      {"another protocol that looks like a SYN",
       test::ip4({.dst = far, .proto = static_cast<IpProto>(132)}, whole)},
  };
  for (const auto& [claim, sent] : cases) {
    pass(sent);
    ASSERT_EQ(out.size(), 1u) << claim;
    Octets want = sent;
    wire::Ip4::decrement_ttl(want.data());
    EXPECT_EQ(test::copy(out[0].packet.bytes()), want) << claim;
    out.clear();
  }
  EXPECT_EQ(clamped(), 0u);
  EXPECT_EQ(mss_of(datagram({.dst = far, .fragment = 0x2000}, segment(syn, mss_1460))), 1360)
      << "a first fragment that has it all";
}

TEST_F(IpMssClamp, a_wrong_checksum_stays_wrong_by_as_much) {
  Octets tcp = segment(syn, mss_1460);
  const auto right = load_be<uint16_t>(tcp.data() + wire::Tcp::checksum_at);
  store_be<uint16_t>(tcp.data() + wire::Tcp::checksum_at, static_cast<uint16_t>(right ^ 0x0101));
  const auto sum_of = [](Bytes segment) {
    return wire::pseudo_header(peer, far, 6, static_cast<uint32_t>(segment.size())).add(segment).folded();
  };
  pass(datagram({.dst = far}, tcp));
  ASSERT_EQ(out.size(), 1u);
  const Octets got = test::copy(out[0].packet.bytes());
  EXPECT_EQ(sum_of(wire::Ip4::parse(got)->payload()), sum_of(tcp));
  EXPECT_NE(sum_of(tcp), 0xffff);
  EXPECT_EQ(clamped(), 1u);
}

TEST_F(IpMssClamp, a_syn_with_so_much_text_that_it_is_cut_is_clamped_first) {
  pass(datagram({.dst = far}, segment(syn, mss_1460, 1420)));
  ASSERT_EQ(sent_first.size() + out.size(), 2u);
  const Octets first = test::copy(sent_first.empty() ? out[0].packet.bytes() : sent_first[0].packet.bytes());
  const auto ip = *wire::Ip4::parse(first);
  EXPECT_EQ(ip.fragment_offset(), 0u);
  EXPECT_EQ(wire::TcpOptions::parse(wire::Tcp::parse(ip.payload())->options())->mss, 1360);
  EXPECT_EQ(clamped(), 1u);
}

TEST_F(IpMssClamp, what_is_refused_is_quoted_as_it_came) {
  const Octets sent = datagram({.dst = Ip4Addr::of(198, 51, 100, 1)}, segment(syn, mss_1460));
  pass(sent);
  ASSERT_EQ(out.size(), 1u);
  const auto icmp = wire::Icmp4::parse(wire::Ip4::parse(out[0].packet.bytes())->payload());
  EXPECT_EQ(test::copy(icmp->body()), sent);
  EXPECT_EQ(clamped(), 0u);
}

TEST_F(IpMssClamp, changes_between_two_bursts) {
  const Octets sent = datagram({.dst = far}, segment(syn, mss_1460));
  EXPECT_EQ(mss_of(sent), 1360);
  ports[1].mss_clamp = off;
  room->change(ports);
  EXPECT_EQ(mss_of(sent), 1460);
  ports[0].mss_clamp = bound(1200);
  room->change(ports);
  EXPECT_EQ(mss_of(sent), 1200);
  clamp(off, off);
  EXPECT_EQ(mss_of(sent), 1460);
  ports[1].mss_clamp = mtu;
  room->change(ports);
  EXPECT_EQ(mss_of(sent), 1360) << "the first port that asks";
  EXPECT_EQ(clamped(), 3u);
}

// What another VRF's ports ask for is theirs: of_vrf() hides it.
TEST_F(IpMssClamp, ports_of_another_vrf_ask_for_nothing_here) {
  ports[1].vrf = 1;
  EXPECT_FALSE(any_clamps_mss(buf::of_vrf(ports, 0)));
  EXPECT_TRUE(any_clamps_mss(buf::of_vrf(ports, 1)));
}

}  // namespace
}  // namespace sluice::ip

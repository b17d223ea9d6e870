// SPDX-License-Identifier: Apache-2.0
// SYNs through a whole stack of which a port clamps the maximum segment size: IPv6's, and those of a VLAN.
#include "ip6.h"
#include "support/tags.h"
#include "wire/tcp_options.h"

namespace sluice::test {
namespace {

using namespace wire::tcp_flag;

// A segment with this much MSS among its options, its checksum made from scratch.
Octets offering(uint16_t mss, const IpAddr& src, const IpAddr& dst, uint8_t flags = syn, bool odd = false) {
  const auto high = static_cast<uint8_t>(mss >> 8), low = static_cast<uint8_t>(mss);
  Octets options = {2, 4, high, low};
  if (odd) options = {1, 2, 4, high, low, 1, 1, 1};
  Octets b(wire::Tcp::header_len);
  wire::Tcp::emit(b.data(), {.src = {4242},
                             .dst = {80},
                             .flags = flags,
                             .window = {1000},
                             .options = static_cast<uint8_t>(options.size())});
  b = join(std::move(b), options);
  const auto size = static_cast<uint32_t>(b.size());
  store_be<uint16_t>(b.data() + wire::Tcp::checksum_at,
                     wire::pseudo_header(src, dst, 6, size).add(b).checksum());
  return b;
}
uint16_t mss_of(Bytes tcp) {
  return wire::TcpOptions::parse(wire::Tcp::parse(tcp)->options())->mss.value_or(0);
}

class Clamping : public Stack6 {
 protected:
  // Port 1 carries 1400 octets and clamps to that.
  static WorkerPlan clamping() {
    WorkerPlan p = quick();
    p.interfaces[1].caps.mtu = 1400;
    p.interfaces[1].mss_clamp.to_mtu = true;
    p.ip.follow_fragments = false;  // each goes by its addresses, at once
    return p;
  }
  std::optional<link::Trunk> trunk;  // in front of port 0, for those who want one
  std::optional<link::SubPort> office;
};

TEST_F(Clamping, syns_over_ip6_are_clamped_both_ways) {
  start(clamping());
  for (const uint8_t flags : {syn, static_cast<uint8_t>(syn | ack), ack}) {
    for (const bool odd : {false, true}) {
      for (const bool back : {false, true}) {
        const Ip6Addr src = back ? far6 : peer6, dst = back ? peer6 : far6;
        const uint64_t before = counted(Counter::ip_mss_clamped);
        gets(frame6(ip6({.src = src, .dst = dst, .next = 6}, offering(1440, src, dst, flags, odd))), back);
        const uint16_t want = flags == ack ? 1440 : 1340;
        const Octets f = one(!back);
        EXPECT_EQ(Octets(f.begin() + 14, f.end()),
                  ip6({.src = src, .dst = dst, .next = 6, .hops = 63}, offering(want, src, dst, flags, odd)));
        EXPECT_EQ(counted(Counter::ip_mss_clamped), before + (flags != ack));
      }
    }
  }
  gets(frame6(ip6({.dst = far6, .next = 6}, offering(1220, peer6, far6))));
  EXPECT_EQ(mss_of(upper(one(1))), 1220) << "never raised";
}

TEST_F(Clamping, a_syn_is_found_behind_extension_headers_that_we_would_take_ourselves) {
  struct Case {
    const char* claim;
    uint8_t next;
    Octets chain;
    bool clamped;
  };
  // The first two octets of each: what follows, and how long it is.
  Octets nine;
  for (int i = 0; i < 9; ++i)
    nine = join(std::move(nine), Octets{uint8_t(i < 8 ? 60 : 6), 0, 1, 4, 0, 0, 0, 0});
  const Case cases[] = {
      {"hop-by-hop options", 0, {6, 0, 1, 4, 0, 0, 0, 0}, true},
      {"destination options", 60, {6, 0, 1, 4, 0, 0, 0, 0}, true},
      {"a routing header that is used up", 43, {6, 0, 4, 0, 0, 0, 0, 0}, true},
      {"a routing header that is not", 43, {6, 0, 4, 1, 0, 0, 0, 0}, false},
      {"two of them", 0, {60, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0}, true},
      {"more than ip.extension_headers", 60, nine, false},
      {"an option that says to drop what does not know it", 60, {6, 0, 0x55, 4, 0, 0, 0, 0}, false},
      {"an option past its header's end", 60, {6, 0, 1, 9, 0, 0, 0, 0}, false},
      {"a header past the packet's end", 60, {6, 99, 1, 4, 0, 0, 0, 0}, false},
      {"an atomic fragment", 44, {6, 0, 0, 0, 0, 0, 0, 7}, true},
      {"a first fragment that has it all", 44, {6, 0, 0, 1, 0, 0, 0, 7}, true},
      {"a later fragment that looks like a SYN", 44, {6, 0, 0, 9, 0, 0, 0, 7}, false},
      {"another protocol", 60, {132, 0, 1, 4, 0, 0, 0, 0}, false},
  };
  start(clamping());
  for (const Case& c : cases) {
    const uint64_t before = counted(Counter::ip_mss_clamped);
    gets(frame6(ip6({.dst = far6, .next = c.next}, join(c.chain, offering(1440, peer6, far6)))));
    const Octets f = one(1);
    EXPECT_EQ(Octets(f.begin() + 14, f.end()),
              ip6({.dst = far6, .next = c.next, .hops = 63},
                  join(c.chain, offering(c.clamped ? 1340 : 1440, peer6, far6))))
        << c.claim;
    EXPECT_EQ(counted(Counter::ip_mss_clamped), before + c.clamped) << c.claim;
  }
}

TEST_F(Clamping, what_is_no_whole_tcp_header_passes_over_ip6_as_it_came) {
  start(clamping());
  const Octets whole = offering(1440, peer6, far6);
  for (size_t n = 0; n < whole.size(); ++n) {
    gets(frame6(ip6({.dst = far6, .next = 6}, Bytes{whole}.first(n))));
    const Octets f = one(1);
    EXPECT_EQ(Octets(f.begin() + 14, f.end()),
              ip6({.dst = far6, .next = 6, .hops = 63}, Bytes{whole}.first(n)));
  }
  EXPECT_EQ(counted(Counter::ip_mss_clamped), 0u);
}

TEST_F(Clamping, a_port_behind_two_tags_has_an_mtu_and_a_say_of_its_own_that_a_reload_changes) {
  start();  // neither port asks for anything
  gets(arp_from(far_mac, far, us_wan), 1);
  sent(1);
  trunk.emplace(worker->port(0), worker->count);
  office.emplace(link::Tags{.vlan = 100, .outer_vlan = 200}, false, worker->count);
  StackChange change{{.ports = {&*trunk, &worker->port(1), &*office}, .trunks = {{&*trunk, {&*office}}}},
                     ports(),
                     std::vector<link::Advertise>(3),
                     serve::DnsService{{example_zones()}}};
  for (buf::Interface& i : change.interfaces) i.caps.tx_multi_segment = true;
  change.interfaces.push_back({{.mac = our_mac, .mtu = 1300}, {{Ip4Addr::of(10, 0, 0, 1), 24}}});
  change.interfaces[2].ip6 = true;
  const Ip4Addr host = Ip4Addr::of(10, 0, 0, 9);
  const Ip6Addr host6 = Ip6Addr::of(0x2001, 2, 0, 0x100, 0, 0, 0, 9);
  const auto passes = [&](Octets f, bool tags) {
    gets(tags ? with_tags(f, {{0x88a8, 200}, {0x8100, 100}}) : f);
    const Frames out = sent(1);
    if (out.size() != 1) return uint16_t{0};
    const Octets& left = out[0];
    return mss_of(wire::Ethernet::parse(left)->type() == wire::EtherType::Ip6 ? upper(left)
                                                                              : ip_of(left).payload());
  };
  struct Case {
    const char* claim;
    buf::MssClamp office;
    uint16_t four, six;
  };
  const Case cases[] = {{"off", {}, 1460, 1440},
                        {"mtu", {.to_mtu = true}, 1260, 1240},
                        {"a number", {.most = 1000}, 1000, 1000},
                        {"off again", {}, 1460, 1440}};
  for (const Case& c : cases) {
    change.interfaces[2].mss_clamp = c.office;
    worker->stack().change(change, now);
    worker->run(now, 5_s);
    worker->port(0).take_sent();  // some with tags, which sent() would not take for proper
    sent(1);
    const auto four = frame(
        ip4({.src = host, .dst = far, .proto = IpProto::Tcp}, offering(1460, IpAddr{host}, IpAddr{far})));
    const auto six = frame6(ip6({.src = host6, .dst = far6, .next = 6}, offering(1440, host6, far6)));
    EXPECT_EQ(passes(four, true), c.four) << c.claim;
    EXPECT_EQ(passes(six, true), c.six) << c.claim;
    const auto by_trunk =
        frame(ip4({.dst = far, .proto = IpProto::Tcp}, offering(1460, IpAddr{peer}, IpAddr{far})));
    EXPECT_EQ(passes(by_trunk, false), 1460) << c.claim << ": what has no tags is the other port's";
  }
}

}  // namespace
}  // namespace sluice::test

// SPDX-License-Identifier: Apache-2.0
#include "io/steering.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "io/frames.h"

namespace sluice::io {
namespace {

using test::frame;
using test::ip4;
using test::mac_a;
using test::mac_b;
using test::udp;
using test::udp_frame;
using wire::EtherType;

// The key and vectors by which makers of NICs verify their RSS.
constexpr RssKey known_key{0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
                           0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
                           0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};
constexpr Ip4Addr us = Ip4Addr::of(198, 18, 0, 1), peer = Ip4Addr::of(198, 18, 0, 2);

struct Vector {
  Ip4Addr src, dst;
  uint16_t sport, dport;
  uint32_t with_ports, addresses_only;
};
constexpr Vector vectors[] = {
    {Ip4Addr::of(66, 9, 149, 187), Ip4Addr::of(161, 142, 100, 80), 2794, 1766, 0x51ccc178, 0x323e8fc2},
    {Ip4Addr::of(199, 92, 111, 2), Ip4Addr::of(65, 69, 140, 83), 14230, 4739, 0xc626b0ea, 0xd718262a},
    {Ip4Addr::of(24, 19, 198, 95), Ip4Addr::of(12, 22, 207, 184), 12898, 38024, 0x5c2b394a, 0xd2d0a5de},
};

TEST(steering, agrees_with_the_published_vectors) {
  const Steering s{known_key, 4};
  for (const Vector& v : vectors) {
    const auto f = udp_frame(v.src, v.dst, v.sport, v.dport);
    EXPECT_EQ(s.hash(f).value, v.with_ports);
    EXPECT_TRUE(s.hash(f).over_ports);
    const auto tail = frame(mac_b, mac_a, EtherType::Ip4, ip4(v.src, v.dst, 17, {1, 2, 3, 4}, 100));
    EXPECT_EQ(s.hash(tail).value, v.addresses_only);
    EXPECT_FALSE(s.hash(tail).over_ports);
  }
}

TEST(steering, hashes_ipv6_over_addresses_and_ports) {
  // 3ffe:2501:200:1fff::7 port 2794 to 3ffe:2501:200:3::1 port 1766
  std::vector<uint8_t> p(40 + 8);
  p[0] = 0x60;
  p[5] = 8;
  p[6] = 6;
  const auto src = parse_ip("3ffe:2501:200:1fff::7"), dst = parse_ip("3ffe:2501:200:3::1");
  std::copy_n(src->bytes().data(), 16, &p[8]);
  std::copy_n(dst->bytes().data(), 16, &p[24]);
  store_be<uint16_t>(&p[40], 2794);
  store_be<uint16_t>(&p[42], 1766);
  const Steering s{known_key, 4};
  EXPECT_EQ(s.hash(frame(mac_b, mac_a, EtherType::Ip6, p)).value, 0x40207d3du);
  p[6] = 59;  // no next header
  EXPECT_EQ(s.hash(frame(mac_b, mac_a, EtherType::Ip6, p)).value, 0x2cc18cd5u);
}

TEST(steering, the_owner_of_a_tuple_is_the_owner_of_its_packets) {
  const Steering s{known_key, 3};
  Rng rng{1};
  size_t seen[3] = {};
  for (int i = 0; i < 1000; ++i) {
    const auto sport = static_cast<uint16_t>(rng()), dport = static_cast<uint16_t>(rng());
    const size_t owner = s.owner(udp_frame(peer, us, sport, dport));
    EXPECT_EQ(owner, s.owner(Tuple{peer, us, Port{sport}, Port{dport}, IpProto::Udp}));
    ++seen[owner];
  }
  for (size_t n : seen) EXPECT_GT(n, 250u);
}

TEST(steering, an_icmp_error_goes_to_the_owner_of_the_flow_it_quotes) {
  const Steering s{known_key, 8};
  const Ip4Addr router = Ip4Addr::of(203, 0, 113, 9);
  for (uint16_t port = 1000; port < 1100; ++port) {
    // We sent from us:port to peer:53; a router on the way says it did not arrive.
    std::vector<uint8_t> error{3, 1, 0, 0, 0, 0, 0, 0};
    const auto quoted = ip4(us, peer, 17, udp(us, peer, port, 53, {}));
    test::append(error, quoted);
    const auto f = frame(mac_b, mac_a, EtherType::Ip4, ip4(router, us, 1, error));
    EXPECT_EQ(s.owner(f), s.owner(udp_frame(peer, us, 53, port)));
    EXPECT_TRUE(s.hash(f).quoted);
  }
}

// Of a datagram that we cut, a router quotes the fragment it could not pass on.
TEST(steering, an_icmp_error_about_a_first_fragment_goes_to_the_owner_of_its_flow) {
  const Steering s{known_key, 8};
  const Ip4Addr router = Ip4Addr::of(203, 0, 113, 9);
  const auto us6 = parse_ip("2001:2::1"), peer6 = parse_ip("2001:2::2"), router6 = parse_ip("2001:2::9");
  const auto packet6 = [](const IpAddr& src, const IpAddr& dst, uint8_t next,
                          const std::vector<uint8_t>& rest) {
    std::vector<uint8_t> p(40);
    p[0] = 0x60;
    store_be<uint16_t>(&p[4], static_cast<uint16_t>(rest.size()));
    p[6] = next;
    std::copy_n(src.bytes().data(), 16, &p[8]);
    std::copy_n(dst.bytes().data(), 16, &p[24]);
    test::append(p, rest);
    return p;
  };
  for (uint16_t port = 1000; port < 1100; ++port) {
    for (const bool first : {true, false}) {
      const auto l4 = udp(us, peer, port, 53, {1, 2, 3, 4, 5, 6, 7, 8});
      std::vector<uint8_t> error{3, 1, 0, 0, 0, 0, 0, 0};
      test::append(error, ip4(us, peer, 17, l4, first ? 0x2000 : 0x0002));
      const auto f = frame(mac_b, mac_a, EtherType::Ip4, ip4(router, us, 1, error));
      EXPECT_EQ(s.owner(f), first ? s.owner(udp_frame(peer, us, 53, port))
                                  : s.owner(Tuple{peer, us, {}, {}, IpProto::Icmp}));

      std::vector<uint8_t> quoted{17, 0, 0, static_cast<uint8_t>(first ? 1 : 16), 0, 0, 0, 9};
      test::append(quoted, l4);
      std::vector<uint8_t> error6{2, 0, 0, 0, 0, 0, 5, 0};
      test::append(error6, packet6(*us6, *peer6, 44, quoted));
      const auto f6 = frame(mac_b, mac_a, EtherType::Ip6, packet6(*router6, *us6, 58, error6));
      EXPECT_EQ(s.owner(f6), s.owner(first ? Tuple{*peer6, *us6, {53}, {port}, IpProto::Udp}
                                           : Tuple{*peer6, *us6, {}, {}, IpProto::Icmp6}));
    }
  }
}

TEST(steering, an_echo_is_steered_by_addresses) {
  const Steering s{known_key, 8};
  const auto f = frame(mac_b, mac_a, EtherType::Ip4, ip4(peer, us, 1, {8, 0, 0, 0, 1, 2, 3, 4}));
  EXPECT_EQ(s.owner(f), s.owner(Tuple{peer, us, {}, {}, IpProto::Icmp}));
}

// Whoever keeps the neighbours hears all of Neighbour Discovery and MLD, from whatever address it comes.
TEST(steering, discovery_and_mld_go_to_worker_0) {
  const Steering steering{RssKey{1, 2, 3, 4, 5, 6, 7}, 4};
  for (const uint8_t type : {130, 133, 134, 135, 136, 137, 143})
    for (uint8_t host = 0; host < 32; ++host)
      for (const bool alert : {false, true}) {
        std::vector<uint8_t> f(14 + 40 + 8 + 24);
        f[12] = 0x86, f[13] = 0xdd, f[14] = 0x60, f[14 + 6] = alert ? 0 : 58, f[14 + 23] = host;
        if (alert) f[54] = 58;
        f[alert ? 62 : 54] = type;
        EXPECT_EQ(steering.owner(Bytes{f}), 0u) << int{type};
      }
}

TEST(steering, arp_and_what_is_not_ip_goes_to_worker_0) {
  const Steering s{known_key, 8};
  EXPECT_EQ(s.owner(frame(mac_b, mac_a, EtherType::Arp, std::vector<uint8_t>(28, 0xff))), 0u);
  EXPECT_EQ(s.owner(frame(mac_b, mac_a, EtherType::Vlan, ip4(peer, us, 17, {}))), 0u);
  EXPECT_EQ(s.owner(std::vector<uint8_t>{1, 2, 3}), 0u);
}

TEST(steering, vlan_tags_change_no_owner) {
  const Steering s{known_key, 4};
  const auto with_tags = [](const std::vector<uint8_t>& f, std::initializer_list<EtherType> tags) {
    std::vector<uint8_t> out{f.begin(), f.begin() + 12};
    for (const EtherType t : tags) {
      const auto type = static_cast<uint16_t>(t);
      out.insert(out.end(), {static_cast<uint8_t>(type >> 8), static_cast<uint8_t>(type), 0x20, 100});
    }
    out.insert(out.end(), f.begin() + 12, f.end());
    return out;
  };
  for (uint16_t port = 1000; port < 1100; ++port) {
    const auto f = udp_frame(peer, us, port, 53);
    EXPECT_EQ(s.hash(with_tags(f, {EtherType::Vlan})).value, s.hash(f).value);
    EXPECT_EQ(s.hash(with_tags(f, {EtherType::QinQ, EtherType::Vlan})).value, s.hash(f).value);
    EXPECT_FALSE(s.hash(with_tags(f, {EtherType::QinQ, EtherType::Vlan, EtherType::Vlan})).is_ip);
  }
}

TEST(steering, a_frame_cut_anywhere_has_an_owner_and_is_not_read_past_its_end) {
  const Steering s{known_key, 8};
  std::vector<uint8_t> error{11, 0, 0, 0, 0, 0, 0, 0};
  const auto quoted = ip4(us, peer, 6, std::vector<uint8_t>(20));
  test::append(error, quoted);
  const auto whole = frame(mac_b, mac_a, EtherType::Ip4, ip4(peer, us, 1, error));
  for (size_t n = 0; n <= whole.size(); ++n) {
    const std::vector<uint8_t> cut(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(n));
    EXPECT_LT(s.owner(cut), 8u);
  }
}

}  // namespace
}  // namespace sluice::io

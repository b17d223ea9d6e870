// SPDX-License-Identifier: Apache-2.0
// What a team of workers is given to do: packets to pass on, through ports with and without tags, in both
// families, whole and in fragments; datagrams and connections to serve; errors to tell; neighbours to find.
#pragma once

#include "lines/team.h"
#include "lines/visitors.h"
#include "stack/ip6.h"

namespace sluice::test {

class Traffic {
 public:
  static constexpr uint16_t tagged_port = 2, vlan = 7;

  Traffic() : team_{ports(), {.vlan = vlan}} {}

  Team& team() { return team_; }
  size_t visits() const { return visitors_.visits(); }
  // So many datagrams of each kind, flows that were not there before, and all that comes of them; then time
  // passes.
  void round(size_t datagrams, Duration then) {
    for (size_t i = 0; i < datagrams; ++i) datagram(next_port_++);
    if (next_port_ > 60'000) next_port_ = 2000;
    fragments();
    visitors_.dial(3);
    visitors_.stray();
    for (int turns = 0; turns < 5; ++turns) {
      team_.turn(now_);
      for (size_t d = 0; d < 2; ++d)
        for (const Octets& f : team_.device(d).take_sent()) hear(d, f);
    }
    now_ = now_ + then;
  }

 private:
  static constexpr Ip4Addr us_tagged = Ip4Addr::of(198, 20, 0, 1), host = Ip4Addr::of(198, 20, 0, 5);
  static constexpr Mac wan_mac = mac(2), host_mac = mac(0x55);

  static std::vector<buf::Interface> ports() {
    auto all = two_ports();
    all[0].ip6 = all[1].ip6 = true;
    all[0].addresses.push_back({us6, 64});
    all[1].addresses.push_back({wan6, 64});
    all[0].neighbours = {{peer6, peer_mac}};
    all[1].neighbours = {{far6, far_mac}};
    buf::Interface& tagged = all.emplace_back();
    tagged.caps.mac = wan_mac;
    tagged.addresses = {{us_tagged, 24}};
    tagged.neighbours = {{host, host_mac}};
    return all;
  }
  static Octets tagged(Octets f) {
    const uint8_t tag[] = {0x81, 0, 0, vlan};
    f.insert(f.begin() + 12, tag, tag + 4);
    return f;
  }
  void lan(Octets f) { team_.device(0).arrive(std::move(f)); }
  void wan(Octets f) { team_.device(1).arrive(std::move(f)); }
  static Octets to_wan(Bytes packet, Mac src) { return frame(packet, wire::EtherType::Ip4, wan_mac, src); }

  void datagram(uint16_t port) {
    lan(frame(udp4({.dst = far}, port, 99, "on")));
    lan(frame(udp4({.dst = host}, port, 99, "on")));
    lan(frame(udp4({.dst = far, .ttl = 1}, port, 99, "no further")));
    lan(frame(udp4({}, port, 53, query({"\3www", "\7example", "\4test"}))));
    lan(frame(udp4({}, port, 7, "echo")));
    lan(frame(udp4({}, port, 4, "nobody there")));
    lan(frame(ip4({.proto = IpProto::Icmp}, icmp(8, 0, port, as_bytes("ping")))));
    lan(frame6(udp6({.dst = far6}, port, 99, "on")));
    lan(frame6(echo6({}, "ping")));
    wan(to_wan(udp4({.src = far, .dst = peer}, port, 99, "back"), far_mac));
    wan(tagged(to_wan(udp4({.src = host, .dst = peer}, port, 99, "back"), host_mac)));
  }
  void fragments() {
    for (const Ip4Addr to : {far, us}) {
      const Octets whole = udp(peer, to, next_port_, 7, "a datagram in two pieces, of which one has ports");
      const auto cut = Bytes{whole};
      lan(frame(ip4({.dst = to, .fragment = 0x2000}, cut.first(24))));
      lan(frame(ip4({.dst = to, .fragment = 24 / 8}, cut.subspan(24))));
    }
  }
  void hear(size_t device, const Octets& f) {
    const auto type = wire::Ethernet::parse(f)->type();
    if (type == wire::EtherType::Arp) {
      const Ip4Addr whom = wire::Arp::parse(Bytes{f}.subspan(14))->target();
      if (device == 0 && whom == peer) lan(arp_from(peer_mac, peer, us));
      if (device == 1 && whom == far) wan(arp_from(far_mac, far, us_wan));
    } else if (type == wire::EtherType::Ip4 && ip_of(f).proto() == static_cast<uint8_t>(IpProto::Tcp)) {
      visitors_.hear(ip_of(f));
    }
  }

  Instant now_{1'000'000'000};
  uint16_t next_port_ = 2000;
  Team team_;
  Visitors visitors_{30, [this](Octets f) { lan(std::move(f)); }};
};

}  // namespace sluice::test

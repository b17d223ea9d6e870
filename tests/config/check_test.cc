// SPDX-License-Identifier: Apache-2.0
// What is right by itself and cannot be together.
#include "config/check.h"

#include "loading.h"

namespace sluice::config {
namespace {

// Two ports with the same address, in two VRFs: lines 1 to 4.
const std::string two_vrfs =
    "ports:\n"
    "  - { name: lan, device: { tap: t0 }, addresses: [198.18.0.1/24, '2001:2::1/64'] }\n"
    "  - { name: in, vrf: blue, device: { tap: t1 }, addresses: [198.18.0.1/24, '2001:2::1/64'] }\n"
    "  - { name: out, vrf: blue, device: { tap: t2 }, addresses: [198.19.0.1/24] }\n";

TEST(Vrfs, have_addresses_routes_and_listeners_of_their_own) {
  const Config c = good(two_vrfs +
                        "routes:\n"
                        "  - { to: 10.0.0.0/8, via: 198.18.0.2 }\n"
                        "  - { to: 10.0.0.0/8, via: 198.19.0.2, vrf: blue, source: 198.18.0.1 }\n"
                        "  - { to: 198.19.0.0/24, via: 198.18.0.2, vrf: default }\n"
                        "echo: [ { listen: [198.18.0.1:7] }, { listen: ['0.0.0.0:7'], vrf: blue } ]\n");
  EXPECT_EQ(c.ports[0].vrf, "default");
  EXPECT_EQ(c.ports[1].vrf, "blue");
  EXPECT_EQ(c.routes[0].vrf, "default");
  EXPECT_EQ(c.routes[1].vrf, "blue");
  EXPECT_EQ(c.echo[1].vrf, "blue");
}

TEST(Vrfs, do_not_reach_into_each_other) {
  struct {
    const char *claim, *text, *problems;
  } const cases[] = {
      {"one misspelt", "routes: [ { to: 10.0.0.0/8, via: 198.18.0.2, vrf: bleu } ]\n",
       "f.yaml:5:51: no port is in a VRF 'bleu', 'blue' would be right\n"},
      {"one that is not there", "echo: [ { listen: [198.18.0.1:7], vrf: customer } ]\n",
       "f.yaml:5:40: no port is in a VRF 'customer', one of blue, default would be right\n"},
      {"no name", "echo: [ { listen: [198.18.0.1:7], vrf: 1st } ]\n",
       "f.yaml:5:40: echo[0].vrf is '1st', a name of at most 15 letters, digits, '-' and '_' that starts "
       "with "
       "a letter would be right\n"},
      {"a gateway of another", "routes: [ { to: 10.0.0.0/8, via: 198.19.0.2 } ]\n",
       "f.yaml:5:34: gateway 198.19.0.2 is on none of our networks, an address in 198.18.0.0/24 would be "
       "right\n"},
      {"a port of another", "routes: [ { to: 10.0.0.0/8, port: out } ]\n",
       "f.yaml:5:35: port 'out' is in VRF 'blue', and the route in 'default', a port of the route's VRF, "
       "since "
       "nothing passes from one to another, would be right\n"},
      {"a source of another", "routes: [ { to: 10.0.0.0/8, via: 198.18.0.2, source: 198.19.0.1 } ]\n",
       "f.yaml:5:54: 198.19.0.1 is not an address of ours, one of 198.18.0.1 would be right\n"},
      {"an address of another", "echo: [ { listen: [198.19.0.1:7] } ]\n",
       "f.yaml:5:20: 198.19.0.1 is not an address of ours, 0.0.0.0 for all of ours, 198.18.0.1, 2001:2::1 "
       "would be right\n"},
      {"two listeners in one",
       "echo: [ { listen: [198.18.0.1:7], vrf: blue }, { listen: [198.18.0.1:7], vrf: blue } ]\n",
       "f.yaml:5:59: UDP 198.18.0.1:7 is taken by 198.18.0.1:7 in VRF 'blue', another address or port would "
       "be "
       "right\n"
       "f.yaml:5:59: TCP 198.18.0.1:7 is taken by 198.18.0.1:7 in VRF 'blue', another address or port would "
       "be "
       "right\n"},
      {"two routes in one",
       "routes:\n  - { to: 10.0.0.0/8, via: 198.19.0.2, vrf: blue }\n  - { to: 10.0.0.0/8, via: 198.18.0.2, "
       "vrf: blue }\n",
       "f.yaml:7:11: there are two routes to 10.0.0.0/8, one would be right\n"}};
  for (const auto& c : cases) EXPECT_EQ(problems(two_vrfs + c.text), c.problems) << c.claim;
  EXPECT_EQ(
      problems("ports:\n"
               "  - { name: a, vrf: blue, device: { tap: t0 }, addresses: [198.18.0.1/24] }\n"
               "  - { name: b, vrf: blue, device: { tap: t1 }, addresses: [198.18.0.2/24] }\n"),
      "f.yaml:3:60: 198.18.0.2/24 overlaps 198.18.0.1/24 of port 'a', a network that only one port is on "
      "would be right\n");
}

TEST(Load, refuses_ports_that_cannot_be) {
  const Case cases[] = {
      {"no ports", "metrics: {}\n",
       "f.yaml:1:1: ports is missing, 'ports:' with the network ports would be right\n", false},
      {"an empty list", "ports: []\n", "f.yaml:1:8: ports has 0 entries, 1 to 256 would be right\n", false},
      {"no name", "ports:\n  - addresses: [198.18.0.1/24]\n",
       "f.yaml:2:5: ports[0].name is missing, 'name:' with what routes and metrics call the port would be "
       "right\n",
       false},
      {"no device", "ports:\n  - { name: lan, addresses: [198.18.0.1/24] }\n",
       "f.yaml:2:5: ports[0].device is missing, 'device:' with where the packets come from, or 'parent:' and "
       "'vlan:', would be right\n",
       false},
      {"a name that is none", "ports: [ { name: 1st, device: { tap: t } } ]\n",
       "f.yaml:1:18: ports[0].name is '1st', a name of at most 15 letters, digits, '-' and '_' that starts "
       "with a letter would "
       "be right\n",
       false},
      {"one name for two", "  - { name: lan, device: { tap: t1 } }\n",
       "f.yaml:3:13: two ports are called 'lan', a name of its own would be right\n"},
      {"one device for two", "  - { name: wan, device: { tap: t0 } }\n",
       "f.yaml:3:26: 't0' is the device of port 'lan' already, a device of its own would be right\n"},
      {"one kernel interface by two kinds",
       "  - { name: a, device: { af_packet: e0 } }\n  - { name: b, device: { af_xdp: e0 } }\n",
       "f.yaml:4:24: 'e0' is the device of port 'a' already, a device of its own would be right\n"},
      {"a device without kind", "  - { name: wan, device: { args: x=1 } }\n",
       "f.yaml:3:26: ports[1].device has no kind, one of pci, virtio_user, vhost_user, tap, af_packet, "
       "af_xdp, memif, pcap, "
       "null, bond, raw would be right\n"},
      {"a device of two kinds", "  - { name: wan, device: { tap: t1, pcap: x } }\n",
       "f.yaml:3:43: ports[1].device has more than one kind, one of them would be right\n"},
      {"a kind misspelt", "  - { name: wan, device: { af-packet: t1 } }\n",
       "f.yaml:3:26: ports[1].device has no kind, one of pci, virtio_user, vhost_user, tap, af_packet, "
       "af_xdp, memif, pcap, "
       "null, bond, raw would be right\n"
       "f.yaml:3:28: unknown key 'af-packet' in ports[1].device, 'af_packet' would be right\n"},
      {"a bond of one", "  - { name: wan, device: { bond: 802.3ad, members: [ { tap: t1 } ] } }\n",
       "f.yaml:3:52: ports[1].device.members has 1 entries, 2 to 8 would be right\n"},
      {"a bond of none", "  - { name: wan, device: { bond: 802.3ad } }\n",
       "f.yaml:3:26: the bond has no members, 'members:' with two devices or more, would be right\n"},
      {"no way to bond", "  - { name: wan, device: { bond: lacp, members: [ { tap: t1 }, { tap: t2 } ] } }\n",
       "f.yaml:3:34: ports[1].device.bond is 'lacp', active-backup or 802.3ad would be right\n"},
      {"members of no bond",
       "  - { name: wan, device: { tap: t1, members: [ { tap: t2 }, { tap: t3 } ] } }\n",
       "f.yaml:3:26: 'members' belong to a bond, not to tap, { bond: active-backup, members: [...] } would "
       "be "
       "right\n"},
      {"a bond of two kinds",
       "  - { name: wan, device: { bond: active-backup, members: [ { tap: t1 }, { af_packet: e0 } ] } }\n",
       "f.yaml:3:73: the members of a bond are of one kind, and the first is tap, another device of that "
       "kind "
       "would be right\n"},
      {"a bond of what cannot be",
       "  - { name: wan, device: { bond: active-backup, members: [ { memif: m1 }, { memif: m2 } ] } }\n",
       "f.yaml:3:60: a bond holds no memif, pci, tap or af_packet would be right\n"
       "f.yaml:3:75: a bond holds no memif, pci, tap or af_packet would be right\n"},
      {"a member that is a port already",
       "  - { name: wan, device: { bond: active-backup, members: [ { tap: t1 }, { tap: t0 } ] } }\n",
       "f.yaml:3:73: 't0' is the device of port 'lan' already, a device of its own would be right\n"},
      {"a member named twice",
       "  - { name: wan, device: { bond: active-backup, members: [ { tap: t1 }, { tap: t1 } ] } }\n",
       "f.yaml:3:73: 't1' is the device of port 'wan' already, a device of its own would be right\n"},
      {"a word for a device", "  - { name: wan, device: tap }\n",
       "f.yaml:3:26: ports[1].device is a text, a map of a kind and what it names, like { tap: sluice-lan } "
       "would be right\n"},
      {"a comma, which would add arguments", "  - { name: wan, device: { tap: 'a,b=1' } }\n",
       "f.yaml:3:33: ports[1].device.tap is 'a,b=1', an interface name of at most 15 characters like sluice0 "
       "would be right\n"},
      {"no PCI address", "  - { name: wan, device: { pci: eth0 } }\n",
       "f.yaml:3:33: ports[1].device.pci is 'eth0', a PCI address like 0000:3b:00.0 would be right\n"},
      {"no capture file", "  - { name: wan, device: { pcap: missing.pcap } }\n",
       "f.yaml:3:26: there is no file 'missing.pcap', the path of a capture file would be right\n"},
      {"a core that is not there", "workers: { cores: [0, 4] }\n",
       "f.yaml:3:23: there is no core 4, 0 to 3 would be right\n"},
      {"a core that is not for us", "workers: { cores: [0, 3] }\n",
       "f.yaml:3:23: sluice may not run on core 3 here, a core that taskset or the container allows would be "
       "right\n"},
      {"more listeners than the option allows",
       "udp: { listeners: 1 }\n"
       "dns: [ { listen: [198.18.0.1:53, 198.18.0.1:54], zones: [ { name: a.test, file: a } ] } ]\n",
       "f.yaml:4:34: more UDP listeners than udp.listeners, 1, allows, a larger udp.listeners would be "
       "right\n"},
      {"more routes than the option allows",
       "ip: { routes: 4 }\n"
       "routes: [ { to: 10.0.0.0/8, via: 198.18.0.2 }, { to: 11.0.0.0/8, via: 198.18.0.2 } ]\n",
       "f.yaml:4:48: 5 routes, those of our addresses included, are more than ip.routes allows, a larger "
       "ip.routes would be right\n"},
      {"an address that is a broadcast to another",
       "  - { name: wan, device: { tap: t1 }, addresses: [10.0.0.1/25, 10.0.0.127/24] }\n",
       "f.yaml:3:64: of 10.0.0.127/24 and 10.0.0.1/25 one is the broadcast address of the other's network, "
       "an "
       "address that is not would be right\n"},
      {"a core twice", "workers: { cores: [1, 1] }\n",
       "f.yaml:3:23: core 1 is listed twice, one worker a core would be right\n"},
      {"fewer packets than the rings hold", "memory: { packets: 1024 }\n",
       "f.yaml:3:20: memory.packets is 1024, and the receive queues alone hold 1024, twice as much, or fewer "
       "rx_descriptors, "
       "would be right\n"},
  };
  expect(cases);
}

TEST(Load, refuses_addresses_nobody_can_have) {
  const std::pair<const char*, const char*> cases[] = {
      {"198.18.1.0/24",
       "198.18.1.0/24 is the network address of its network, an address between 198.18.1.0 and 198.18.1.255"},
      {"198.18.1.255/24",
       "198.18.1.255/24 is the broadcast address of its network, an address between 198.18.1.0 and "
       "198.18.1.255"},
      {"224.0.0.1/24", "224.0.0.1/24 is a multicast address, the address of a station"},
      {"255.255.255.255/32",
       "255.255.255.255/32 is a reserved or broadcast address, the address of a station"},
      {"127.0.0.1/8", "127.0.0.1/8 is a loopback address, the address of a station"},
      {"0.0.0.0/24", "0.0.0.0/24 is an address of 'this network' (0.0.0.0/8), the address of a station"},
      {"198.18.1.1/0", "198.18.1.1/0 says that everybody is on this link, a prefix length from 1 to 32"},
      {"'2001:2::/48'",
       "2001:2::/48 is the subnet-router anycast address of its network, an address with host bits"},
      {"'ff02::1/64'", "ff02::1/64 is a multicast address, the address of a station"},
      {"'::1/128'", "::1/128 is the loopback address, the address of a station"},
      {"'2001:2::1/0'", "2001:2::1/0 says that everybody is on this link, a prefix length from 1 to 128"},
      {"198.18.0.7/24",
       "198.18.0.7/24 overlaps 198.18.0.1/24 of port 'lan', a network that only one port is on"},
      {"198.18.0.7/15",
       "198.18.0.7/15 overlaps 198.18.0.1/24 of port 'lan', a network that only one port is on"},
      {"198.18.0.1/24", "198.18.0.1/24 is 198.18.0.1/24 of port 'lan' already, an address of its own"},
  };
  for (const auto& [address, wrong] : cases)
    EXPECT_EQ(
        problems(std::string{lan} + "  - { name: b, device: { tap: t1 }, addresses: [" + address + "] }\n"),
        std::string{"f.yaml:3:49: "} + wrong + " would be right\n")
        << address;
  const std::pair<const char*, const char*> shapes[] = {{"198.18.1.1", "198.18.1.1"},
                                                        {"198.18.1.1/33", "198.18.1.1/33"}};
  for (const auto& [address, shown] : shapes)
    EXPECT_EQ(
        problems(std::string{lan} + "  - { name: b, device: { tap: t1 }, addresses: [" + address + "] }\n"),
        std::string{"f.yaml:3:49: ports[1].addresses[0] is '"} + shown +
            "', an address and a prefix length like 198.18.0.1/24 would be right\n");
}

TEST(Load, takes_two_addresses_of_one_network_on_one_port_and_both_of_a_31) {
  good(
      "ports:\n  - { name: a, device: { tap: t }, addresses: [198.18.0.1/24, 198.18.0.2/24] }\n"
      "  - { name: b, device: { tap: u }, addresses: [198.18.1.0/31] }\n"
      "  - { name: c, device: { tap: v }, addresses: [198.18.2.255/32] }\n");
}

TEST(Load, refuses_the_same_address_twice_on_one_port) {
  EXPECT_EQ(
      problems("ports: [ { name: a, device: { tap: t }, addresses: [198.18.0.1/24, 198.18.0.1/16] } ]\n"),
      "f.yaml:1:68: 198.18.0.1/16 is 198.18.0.1/24 of port 'a' already, an address of its own would be "
      "right\n");
}

TEST(Load, takes_ip6_addresses_routes_listeners_and_advertisements) {
  EXPECT_EQ(
      problems(
          "ports:\n"
          "  - { name: lan, device: { tap: t0 }, addresses: [198.18.0.1/24, '2001:2:0:1::1/64', "
          "'fe80::1/64'],\n"
          "      advertise: { enabled: true, prefixes: ['2001:2:0:1::/64'], rdnss: ['2001:2:0:1::1'] } }\n"
          "  - { name: wan, device: { tap: t1 }, slaac: true }\n"
          "routes:\n"
          "  - { to: '2001:db8::/32', via: '2001:2:0:1::9' }\n"
          "  - { to: '2001:db8:1::/48', via: 'fe80::9', port: wan }\n"
          "http: [ { listen: ['[2001:2:0:1::1]:80'], sites: [ { names: [a], root: r } ] } ]\n"),
      "");
}

TEST(Load, refuses_advertisements_that_would_mislead) {
  const auto with = [](const std::string& what) {
    return problems("ports:\n  - { name: lan, device: { tap: t0 },\n      advertise: { enabled: true, " +
                    what + " } }\n");
  };
  EXPECT_EQ(with("prefixes: ['2001:2::1/64']"),
            "f.yaml:3:46: 2001:2::1/64 has bits beyond its prefix, 2001:2::/64 would be right\n");
  EXPECT_EQ(
      with("prefixes: [198.18.0.0/24]"),
      "f.yaml:3:46: 198.18.0.0/24 is no prefix to advertise, an IPv6 network of stations would be right\n");
  EXPECT_EQ(with("rdnss: [198.18.0.1]"),
            "f.yaml:3:43: 198.18.0.1 is an IPv4 address, the IPv6 address of a DNS server would be right\n");
  EXPECT_EQ(with("valid: 1h, preferred: 2h"),
            "f.yaml:3:57: hosts would prefer addresses for longer than they are valid, at most 'valid' would "
            "be right\n");
  EXPECT_EQ(with("lifetime: 60s"), "") << "the interval was not said";
  EXPECT_EQ(
      with("lifetime: 60s, interval: 2m"),
      "f.yaml:3:60: hosts would forget us between two advertisements, at most 'lifetime' would be right\n");
  EXPECT_EQ(with("mtu: 1000"),
            "f.yaml:3:40: every IPv6 link carries 1280 octets, 0 or at least 1280 would be right\n");
}

TEST(Load, refuses_routes_that_lead_nowhere) {
  const Case cases[] = {
      {"no destination", "routes: [ { via: 198.18.0.2 } ]\n",
       "f.yaml:3:11: routes[0].to is missing, 'to:' with the destinations, as a prefix; 0.0.0.0/0 or ::/0: "
       "all that "
       "nothing else "
       "matches would be right\n"},
      {"neither gateway nor port", "routes: [ { to: 10.0.0.0/8 } ]\n",
       "f.yaml:3:11: the route leads nowhere, 'via' with a gateway, 'port', or 'kind: blackhole' would be "
       "right\n"},
      {"segments too small", "routes: [ { to: 10.0.0.0/8, via: 198.18.0.2, mss: 60 } ]\n",
       "f.yaml:3:51: 60 is below tcp.least_mss, the floor of any segment size, 0, or 88 at least would be "
       "right\n"},
      {"bits beyond the prefix", "routes: [ { to: 10.1.2.3/8, via: 198.18.0.2 } ]\n",
       "f.yaml:3:17: 10.1.2.3/8 has bits beyond its prefix, 10.0.0.0/8 would be right\n"},
      {"multicast", "routes: [ { to: 224.0.0.0/4, via: 198.18.0.2 } ]\n",
       "f.yaml:3:17: 224.0.0.0/4 is a multicast address, a network of stations would be right\n"},
      {"a link-local gateway of no link", "routes: [ { to: '::/0', via: 'fe80::1' } ]\n",
       "f.yaml:3:30: gateway fe80::1 is link-local, and means nothing without a port, 'via' and 'port' would "
       "be "
       "right\n"},
      {"a link without IPv6", "routes: [ { to: '::/0', via: 'fe80::1', port: lan } ]\n",
       "f.yaml:3:30: port 'lan' speaks no IPv6, a port with an IPv6 address would be right\n"},
      {"an IPv6 gateway on no network", "routes: [ { to: '2001:db8::/32', via: '2001:2::9' } ]\n",
       "f.yaml:3:39: gateway 2001:2::9 is on none of our networks, an address in a network of an IPv6 "
       "address of "
       "ours would be right\n"},
      {"a gateway of the other family", "routes: [ { to: '::/0', via: 198.18.0.2 } ]\n",
       "f.yaml:3:30: gateway 198.18.0.2 is of another family than ::/0, a gateway of the destination's "
       "family "
       "would be right\n"},
      {"IPv6 bits beyond the prefix", "routes: [ { to: '2001:db8::1/32', kind: blackhole } ]\n",
       "f.yaml:3:17: 2001:db8::1/32 has bits beyond its prefix, 2001:db8::/32 would be right\n"},
      {"a group", "routes: [ { to: 'ff00::/8', kind: blackhole } ]\n",
       "f.yaml:3:17: ff00::/8 is never routed, a network of stations would be right\n"},
      {"a gateway on no network", "routes: [ { to: 0.0.0.0/0, via: 198.19.0.2 } ]\n",
       "f.yaml:3:33: gateway 198.19.0.2 is on none of our networks, an address in 198.18.0.0/24 would be "
       "right\n"},
      {"ourselves as gateway", "routes: [ { to: 0.0.0.0/0, via: 198.18.0.1 } ]\n",
       "f.yaml:3:33: gateway 198.18.0.1 is our own address, the address of another station would be right\n"},
      {"a broadcast as gateway", "routes: [ { to: 0.0.0.0/0, via: 198.18.0.255 } ]\n",
       "f.yaml:3:33: gateway 198.18.0.255 is the network's own or its broadcast address, the address of a "
       "station would be "
       "right\n"},
      {"a gateway on another port",
       "  - { name: wan, device: { tap: t1 }, addresses: [198.19.0.1/24] }\n"
       "routes: [ { to: 0.0.0.0/0, via: 198.18.0.2, port: wan } ]\n",
       "f.yaml:4:33: gateway 198.18.0.2 is not on port 'wan' but on 'lan', that port, or no 'port' at all, "
       "would be right\n"},
      {"two to one destination",
       "routes:\n  - { to: 10.0.0.0/8, via: 198.18.0.2 }\n  - { to: 10.0.0.0/8, kind: blackhole }\n",
       "f.yaml:5:11: there are two routes to 10.0.0.0/8, one would be right\n"},
      {"a connected network", "routes: [ { to: 198.18.0.0/24, via: 198.18.0.2 } ]\n",
       "f.yaml:3:17: 198.18.0.0/24 is the network of port 'lan', which needs no route, a network that is not "
       "connected would be "
       "right\n"},
      {"our own address", "routes: [ { to: 198.18.0.1/32, via: 198.18.0.2 } ]\n",
       "f.yaml:3:17: 198.18.0.1/32 is an address of port 'lan', which needs no route, the address of another "
       "station would be right\n"},
      {"our network's broadcast", "routes: [ { to: 198.18.0.255/32, via: 198.18.0.2 } ]\n",
       "f.yaml:3:17: 198.18.0.255/32 is a broadcast address of port 'lan', which needs no route, the address "
       "of "
       "another station would be right\n"},
      {"a gateway to refuse", "routes: [ { to: 10.0.0.0/8, kind: prohibit, via: 198.18.0.2 } ]\n",
       "f.yaml:3:50: a route that refuses has no 'via', 'kind' without 'via' would be right\n"},
  };
  expect(cases);
}

TEST(Load, refuses_services_nobody_could_reach_or_that_lack_their_files) {
  const Case cases[] = {
      {"an address that is not ours",
       "http: [ { listen: [198.18.0.2:80], sites: [ { names: [a], root: r } ] } ]\n",
       "f.yaml:3:20: 198.18.0.2 is not an address of ours, 0.0.0.0 for all of ours, 198.18.0.1 would be "
       "right\n"},
      {"an IPv6 address that is not ours",
       "http: [ { listen: ['[2001:2::1]:80'], sites: [ { names: [a], root: r } ] } ]\n",
       "f.yaml:3:20: 2001:2::1 is not an address of ours, 0.0.0.0 for all of ours, 198.18.0.1 would be "
       "right\n"},
      {"both forms of all addresses",
       "http: [ { listen: [0.0.0.0:80, '[::]:80'], sites: [ { names: [a], root: r } ] } ]\n",
       "f.yaml:3:32: TCP [::]:80 is taken by 0.0.0.0:80, another address or port would be right\n"},
      {"two on one endpoint",
       "http:\n  - { listen: [198.18.0.1:80], sites: [ { names: [a], root: r } ] }\n"
       "  - { listen: [198.18.0.1:80], sites: [ { names: [a], root: r } ] }\n",
       "f.yaml:5:16: TCP 198.18.0.1:80 is taken by 198.18.0.1:80, another address or port would be right\n"},
      {"all addresses and one of them",
       "dns:\n  - { listen: [198.18.0.1:53, 0.0.0.0:53], zones: [ { name: a, file: f } ] }\n",
       "f.yaml:4:31: UDP 0.0.0.0:53 is taken by 198.18.0.1:53, another address or port would be right\n"},
      {"an echo beside a web server",
       "http: [ { listen: [0.0.0.0:80], sites: [ { names: [a], root: r } ] } ]\n"
       "echo: [ { listen: [198.18.0.1:80] } ]\n",
       "f.yaml:4:20: TCP 198.18.0.1:80 is taken by 0.0.0.0:80, another address or port would be right\n"},
      {"echo and discard on one endpoint",
       "echo: [ { listen: [198.18.0.1:7] } ]\ndiscard: [ { listen: [198.18.0.1:7] } ]\n",
       "f.yaml:4:23: UDP 198.18.0.1:7 is taken by 198.18.0.1:7, another address or port would be right\n"
       "f.yaml:4:23: TCP 198.18.0.1:7 is taken by 198.18.0.1:7, another address or port would be right\n"},
      {"an echo nowhere", "echo: [ { listen: [198.18.0.2:7] } ]\n",
       "f.yaml:3:20: 198.18.0.2 is not an address of ours, 0.0.0.0 for all of ours, 198.18.0.1 would be "
       "right\n"},
      {"no zone file", "dns: [ { listen: [0.0.0.0:53], zones: [ { name: a, file: missing.zone } ] } ]\n",
       "f.yaml:3:58: there is no zone file 'missing.zone', the path of a master file would be right\n"},
      {"a zone twice",
       "dns: [ { listen: [0.0.0.0:53], zones: [ { name: a.b, file: f }, { name: A.b., file: f } ] } ]\n",
       "f.yaml:3:73: zone 'A.b.' is there twice, one of them would be right\n"},
      {"no domain", "dns: [ { listen: [0.0.0.0:53], zones: [ { name: a..b, file: f } ] } ]\n",
       "f.yaml:3:49: dns[0].zones[0].name is 'a..b', a domain name like example.test would be right\n"},
      {"no folder", "http: [ { listen: [0.0.0.0:80], sites: [ { names: [a], root: missing } ] } ]\n",
       "f.yaml:3:62: there is no folder 'missing', the path of a folder would be right\n"},
      {"a host in two sites",
       "http: [ { listen: [0.0.0.0:80], sites: [ { names: [a], root: r }, { names: [b, A], root: r } ] } ]\n",
       "f.yaml:3:80: two sites answer to 'A', one of them would be right\n"},
      {"nothing to serve", "http: [ { listen: [0.0.0.0:80] } ]\n",
       "f.yaml:3:9: http[0].sites is missing, 'sites:' with what to serve; the first site also answers for "
       "names no site has "
       "would be right\n"},
      {"a limit of a service out of range", "echo: [ { listen: [0.0.0.0:7], tcp: { retries: 0 } } ]\n",
       "f.yaml:3:48: echo[0].tcp.retries is '0', a whole number from 1 to 100 would be right\n"},
      {"metrics on a port of ours", "metrics: { listen: 198.18.0.1:9464 }\n",
       "f.yaml:3:20: 198.18.0.1 is an address of port 'lan', not of the kernel's, an address of the kernel's "
       "like "
       "127.0.0.1:9464 would be right\n"},
  };
  expect(cases);
}

TEST(Load, an_error_in_a_port_begets_none_in_what_needs_its_addresses) {
  EXPECT_EQ(problems("ports: [ { name: a, device: { tap: t }, addresses: [198.18.0.l/24] } ]\n"
                     "routes: [ { to: 0.0.0.0/0, via: 198.18.0.2 } ]\n"
                     "http: [ { listen: [198.18.0.1:80], sites: [ { names: [a], root: r } ] } ]\n"),
            "f.yaml:1:53: ports[0].addresses[0] is '198.18.0.l/24', an address and a prefix length like "
            "198.18.0.1/24 would be "
            "right\n");
}

}  // namespace
}  // namespace sluice::config

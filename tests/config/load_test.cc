// SPDX-License-Identifier: Apache-2.0
#include "config/load.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace sluice::config {
namespace {

// A machine with four cores, on which a file or folder exists unless it is called missing*.
const Environment machine{
    .cores = 4,
    .may_run_on = [](uint32_t core) { return core != 3; },
    .file_exists = [](const std::string& path) { return path.find("missing") == std::string::npos; },
    .folder_exists = [](const std::string& path) { return path.find("missing") == std::string::npos; }};

std::string problems(std::string_view text) {
  const auto result = load(text, "f.yaml", machine);
  if (std::holds_alternative<Config>(result)) return "";
  std::string all;
  for (const Error& e : std::get<std::vector<Error>>(result)) all += to_text(e) + "\n";
  return all;
}

Config good(const std::string& text) {
  auto result = load(text, "folder/f.yaml", machine);
  if (const auto* errors = std::get_if<std::vector<Error>>(&result)) {
    for (const Error& e : *errors) ADD_FAILURE() << to_text(e) << "\nin\n" << text;
    return {};
  }
  return std::get<Config>(std::move(result));
}

struct Case {
  const char* claim;
  const char* text;      // after `lan`, which takes lines 1 and 2, when `with_port`
  const char* problems;  // every line
  bool with_port = true;
};
const char* const lan = "ports:\n  - { name: lan, device: { tap: t0 }, addresses: [198.18.0.1/24] }\n";

void expect(std::span<const Case> cases) {
  for (const Case& c : cases)
    EXPECT_EQ(problems((c.with_port ? lan : "") + std::string{c.text}), c.problems) << c.claim;
}

TEST(Load, says_where_the_yaml_itself_is_wrong) {
  const Case cases[] = {
      {"empty", "", "f.yaml:1:1: the file is empty, at least 'ports:' would be right\n", false},
      {"comments only", "# nothing\n", "f.yaml:1:1: the file is empty, at least 'ports:' would be right\n",
       false},
      {"a list", "- 1\n", "f.yaml:1:1: the file is a list, a map of 'key: value' would be right\n", false},
      {"a word", "hello", "f.yaml:1:1: the file is a text, a map of 'key: value' would be right\n", false},
      {"a second document", "---\nmetrics:\n",
       "f.yaml:4:1: a second document starts, one document per file would be right\n"},
      {"a control character", "udp: {}\nt\x04: 1\n",
       "f.yaml:4:2: a control character, text in UTF-8 would be right\n"},
      {"an escaped control character", "metrics: { listen: \"127.0.0.1:1\\0\" }\n",
       "f.yaml:3:20: a text with a control character or a line break, one line of printable text would be "
       "right\n"
       "f.yaml:3:20: metrics.listen is '127.0.0.1:1?', an address and a port from 1 to 65535 like "
       "198.18.0.1:53 or "
       "[2001:2::1]:53 would be right\n"},
      {"a key that is a list", "? [a]\n: 1\n",
       "f.yaml:3:3: a key is a list or a map, a word would be right\n"},
      {"an alias to what it stands in", "routes: &a [*a]\n",
       "f.yaml:3:13: an alias stands inside what it names, an alias to something that ends before it would "
       "be right\n"},
      {"a key twice", "udp: {}\nudp: {}\n",
       "f.yaml:4:1: 'udp' stands here twice, one of them would be right\n"},
      {"a key twice, deeper", "workers: { ring: 64, ring: 128 }\n",
       "f.yaml:3:22: 'ring' stands here twice, one of them would be right\n"},
      {"merge keys", "metrics: { <<: { listen: 127.0.0.1:9 } }\n",
       "f.yaml:3:12: merge keys ('<<') are not known in metrics, an alias (*name) for a whole value would be "
       "right\n"},
  };
  expect(cases);
}

// The words between are yaml-cpp's, which differ from version to version.
TEST(Load, passes_on_where_the_parser_stopped) {
  const std::pair<const char*, const char*> cases[] = {
      {"a: 1\nports: [\n", "f.yaml:2:1: this is not YAML: "},
      {"ports: *x\n", "f.yaml:1:8: this is not YAML: "},
      {"a: 'b\n\n", "f.yaml:1:6: this is not YAML: "},
      {"a: b: c\n", "f.yaml:1:5: this is not YAML: "},
      {"a:\n  - b\n c: d\n", "f.yaml:3:2: this is not YAML: "},
      {"a: @b\n", "f.yaml:1:4: this is not YAML: "}};
  for (const auto& [text, start] : cases) {
    const std::string found = problems(text);
    EXPECT_TRUE(found.starts_with(start) &&
                found.ends_with(", YAML like 'key: value' or '- entry' would be right\n"))
        << text << found;
  }
}

TEST(Load, names_the_nearest_key) {
  const Case cases[] = {
      {"a letter too few", "metric: {}\n", "f.yaml:3:1: unknown key 'metric', 'metrics' would be right\n"},
      {"letters swapped", "wokrers: {}\n", "f.yaml:3:1: unknown key 'wokrers', 'workers' would be right\n"},
      {"inside a section", "workers: { croes: [1] }\n",
       "f.yaml:3:12: unknown key 'croes' in workers, 'cores' would be right\n"},
      {"inside a list", "routes:\n  - { to: 0.0.0.0/0, vai: 198.18.0.2, port: lan }\n",
       "f.yaml:4:22: unknown key 'vai' in routes[0], 'via' would be right\n"},
      {"inside the options of a service",
       "dns: [ { listen: [198.18.0.1:53], zones: [ { name: a, file: a } ], udp_payload_maks: 512 } ]\n",
       "f.yaml:3:68: unknown key 'udp_payload_maks' in dns[0], 'udp_payload_max' would be right\n"},
      {"a short one", "dsn: {}\n", "f.yaml:3:1: unknown key 'dsn', 'dns' would be right\n"},
      {"nothing near", "metrics: { xyzzy: 1 }\n",
       "f.yaml:3:12: unknown key 'xyzzy' in metrics, one of listen would be right\n"},
      {"a value of a choice", "workers: { mode: latencie }\n",
       "f.yaml:3:18: workers.mode is 'latencie', 'latency' would be right\n"},
      {"no value of a choice", "workers: { mode: 7 }\n",
       "f.yaml:3:18: workers.mode is '7', one of latency, balanced, efficient would be right\n"},
      {"a port", "routes: [ { to: 10.0.0.0/8, port: lna } ]\n",
       "f.yaml:3:35: there is no port 'lna', 'lan' would be right\n"},
  };
  expect(cases);
}

TEST(Load, refuses_values_of_a_wrong_type_or_out_of_range) {
  const Case cases[] = {
      {"too small", "workers: { ring: 63 }\n",
       "f.yaml:3:18: workers.ring is '63', a whole number from 64 to 65536 would be right\n"},
      {"too large", "workers: { ring: 65537 }\n",
       "f.yaml:3:18: workers.ring is '65537', a whole number from 64 to 65536 would be right\n"},
      {"larger than its type", "workers: { ring: 99999999999999999999999 }\n",
       "f.yaml:3:18: workers.ring is '99999999999999999999999', a whole number from 64 to 65536 would be "
       "right\n"},
      {"negative", "workers: { ring: -64 }\n",
       "f.yaml:3:18: workers.ring is '-64', a whole number from 64 to 65536 would be right\n"},
      {"a word", "workers: { ring: big }\n",
       "f.yaml:3:18: workers.ring is 'big', a whole number from 64 to 65536 would be right\n"},
      {"quoted", "workers: { ring: \"64\" }\n",
       "f.yaml:3:18: workers.ring is '64' in quotes, a whole number from 64 to 65536 without quotes would be "
       "right\n"},
      {"a list for a number", "workers: { ring: [64] }\n",
       "f.yaml:3:18: workers.ring is a list, a whole number from 64 to 65536 would be right\n"},
      {"nothing for a number", "workers:\n  ring:\n",
       "f.yaml:4:3: workers.ring is empty, a whole number from 64 to 65536 would be right\n"},
      {"a number for a list", "workers: { cores: 1 }\n",
       "f.yaml:3:19: workers.cores is a text, a list of '- entry' or [entry, entry] would be right\n"},
      {"a list for a section", "workers: [1]\n",
       "f.yaml:3:10: workers is a list, a map of 'key: value' would be right\n"},
      {"too few entries", "workers: { cores: [] }\n",
       "f.yaml:3:19: workers.cores has 0 entries, 1 to 128 would be right\n"},
      {"one entry among good ones", "workers: { cores: [0, x, 1] }\n",
       "f.yaml:3:23: workers.cores[1] is 'x', a whole number from 0 to 1023 would be right\n"},
      {"an endpoint without port", "metrics: { listen: 127.0.0.1 }\n",
       "f.yaml:3:20: metrics.listen is '127.0.0.1', an address and a port from 1 to 65535 like 198.18.0.1:53 "
       "or "
       "[2001:2::1]:53 would be right\n"},
      {"port 0", "metrics: { listen: \"127.0.0.1:0\" }\n",
       "f.yaml:3:20: metrics.listen is '127.0.0.1:0', an address and a port from 1 to 65535 like "
       "198.18.0.1:53 or "
       "[2001:2::1]:53 would be right\n"},
  };
  expect(cases);
  const std::string port = "ports: [ { name: lan, device: { tap: t0 }, ";
  const std::pair<const char*, const char*> members[] = {
      {"promiscuous: yes", "ports[0].promiscuous is 'yes', true or false would be right\n"},
      {"impair: { loss: 1.01 }", "ports[0].impair.loss is '1.01', a number from 0 to 1 would be right\n"},
      {"impair: { loss: nan }", "ports[0].impair.loss is 'nan', a number from 0 to 1 would be right\n"},
      {"impair: { delay: 20 }",
       "ports[0].impair.delay is '20', a time with its unit (ns, us, ms, s, m or h) from 0s to 10s "
       "would be right\n"},
      {"impair: { delay: 11s }",
       "ports[0].impair.delay is '11s', a time with its unit (ns, us, ms, s, m or h) from 0s to 10s "
       "would be right\n"},
      {"impair: { rate: 1T }",
       "ports[0].impair.rate is '1T', a whole number (k, M, G, Ki, Mi or Gi may follow) from 0 to "
       "1000000000000 would be right\n"},
      {"mac: 03:00:00:00:00:01",
       "ports[0].mac is '03:00:00:00:00:01', the MAC address of one station like "
       "02:00:00:00:00:01 would be right\n"},
      {"mtu: 67", "ports[0].mtu is '67', a whole number from 68 to 9000 would be right\n"},
  };
  for (const auto& [member, wrong] : members) {
    const std::string found = problems(port + member + " } ]\n");
    EXPECT_TRUE(found.ends_with(wrong) && found.starts_with("f.yaml:1:")) << member << ": " << found;
    EXPECT_EQ(std::ranges::count(found, '\n'), 1) << found;
  }
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
       "null, raw would be right\n"},
      {"a device of two kinds", "  - { name: wan, device: { tap: t1, pcap: x } }\n",
       "f.yaml:3:43: ports[1].device has more than one kind, one of them would be right\n"},
      {"a kind misspelt", "  - { name: wan, device: { af-packet: t1 } }\n",
       "f.yaml:3:26: ports[1].device has no kind, one of pci, virtio_user, vhost_user, tap, af_packet, "
       "af_xdp, memif, pcap, "
       "null, raw would be right\n"
       "f.yaml:3:28: unknown key 'af-packet' in ports[1].device, 'af_packet' would be right\n"},
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
      {"metrics on a port of ours", "metrics: { listen: 198.18.0.1:9464 }\n",
       "f.yaml:3:20: 198.18.0.1 is an address of port 'lan', not of the kernel's, an address of the kernel's "
       "like "
       "127.0.0.1:9464 would be right\n"},
  };
  expect(cases);
}

TEST(Load, reports_every_error_in_the_order_of_the_file) {
  EXPECT_EQ(problems("workers: { ring: 1, mode: fast }\n"
                     "metriks: {}\n"
                     "ports:\n"
                     "  - { name: a, device: { tap: t }, addresses: [198.18.0.1/24], mtu: 10 }\n"
                     "  - { name: a, device: { tap: t } }\n"
                     "routes: [ { to: 10.0.0.1/8, port: a } ]\n"),
            "f.yaml:1:18: workers.ring is '1', a whole number from 64 to 65536 would be right\n"
            "f.yaml:1:27: workers.mode is 'fast', one of latency, balanced, efficient would be right\n"
            "f.yaml:2:1: unknown key 'metriks', 'metrics' would be right\n"
            "f.yaml:4:69: ports[0].mtu is '10', a whole number from 68 to 9000 would be right\n"
            "f.yaml:5:13: two ports are called 'a', a name of its own would be right\n"
            "f.yaml:5:24: 't' is the device of port 'a' already, a device of its own would be right\n"
            "f.yaml:6:17: 10.0.0.1/8 has bits beyond its prefix, 10.0.0.0/8 would be right\n");
}

TEST(Load, an_error_in_a_port_begets_none_in_what_needs_its_addresses) {
  EXPECT_EQ(problems("ports: [ { name: a, device: { tap: t }, addresses: [198.18.0.l/24] } ]\n"
                     "routes: [ { to: 0.0.0.0/0, via: 198.18.0.2 } ]\n"
                     "http: [ { listen: [198.18.0.1:80], sites: [ { names: [a], root: r } ] } ]\n"),
            "f.yaml:1:53: ports[0].addresses[0] is '198.18.0.l/24', an address and a prefix length like "
            "198.18.0.1/24 would be "
            "right\n");
}

TEST(Load, fills_every_kind_of_value) {
  const Config c = good(
      "workers: { cores: [2, 1], mode: efficient, ring: 2048 }\n"
      "memory: { hugepages: off, packets: 40000, headers: 2000, chunks: 100, megabytes: 512 }\n"
      "ports:\n"
      "  - { name: lan, device: { virtio_user: /run/s, args: queue_size=512 }, addresses: [198.18.0.1/24, "
      "198.18.0.3/24],\n"
      "      mac: 02:00:00:00:00:aF, mtu: 9000, queues: 2, rx_descriptors: 128, tx_descriptors: 256, "
      "promiscuous: true,\n"
      "      impair: { loss: 0.25, delay: 1500us, rate: 10Mi, queue: 5, seed: 18446744073709551615 } }\n"
      "  - { name: none, device: { null: 0 } }\n"
      "routes:\n  - { to: 10.0.0.0/8, via: 198.18.0.2, port: lan }\n  - { to: 11.0.0.0/8, kind: unreachable "
      "}\n"
      "dns: [ { listen: [0.0.0.0:53, 198.18.0.1:5353], zones: [ { name: ., file: z } ], udp_payload_max: "
      "1400 } ]\n"
      "http: [ { listen: [198.18.0.1:80], sites: [ { names: [a.b, c], root: /w } ] } ]\n"
      "metrics: { listen: '[::1]:9464' }\n");
  EXPECT_EQ(c.workers.cores, (std::vector<uint32_t>{2, 1}));
  EXPECT_EQ(c.workers.mode, Mode::Efficient);
  EXPECT_EQ(c.workers.ring, 2048u);
  EXPECT_EQ(c.memory.hugepages, Hugepages::Off);
  EXPECT_EQ(c.memory.megabytes, 512u);
  ASSERT_EQ(c.ports.size(), 2u);
  const Port& p = c.ports[0];
  EXPECT_EQ(p.device.kind, io::DeviceKind::virtio_user);
  EXPECT_EQ(p.device.target, "/run/s");
  EXPECT_EQ(p.device.args, "queue_size=512");
  EXPECT_EQ(p.addresses[1], (Prefix{Ip4Addr::of(198, 18, 0, 3), 24}));
  EXPECT_EQ(p.mac, (Mac{{2, 0, 0, 0, 0, 0xaf}}));
  EXPECT_EQ(p.mtu, 9000);
  EXPECT_EQ(p.queues, 2);
  EXPECT_TRUE(p.promiscuous);
  EXPECT_EQ(p.impair.loss, 0.25);
  EXPECT_EQ(p.impair.delay, 1500_us);
  EXPECT_EQ(p.impair.rate, 10u << 20);
  EXPECT_EQ(p.impair.seed, UINT64_MAX);
  EXPECT_EQ(c.ports[1].device.kind, io::DeviceKind::null);
  EXPECT_EQ(c.ports[1].device.target, "0");
  EXPECT_EQ(c.routes[0].via, IpAddr{Ip4Addr::of(198, 18, 0, 2)});
  EXPECT_EQ(c.routes[0].port, "lan");
  EXPECT_EQ(c.routes[1].kind, RouteKind::Unreachable);
  EXPECT_EQ(c.dns[0].listen[1], (Endpoint{Ip4Addr::of(198, 18, 0, 1), {5353}}));
  EXPECT_EQ(c.dns[0].options.udp_payload_max, 1400u);
  EXPECT_EQ(c.path(c.dns[0].zones[0].file), "folder/z");
  EXPECT_EQ(c.path(c.http[0].sites[0].root), "/w");
  EXPECT_FALSE(c.metrics.listen->addr.is_v4());
}

TEST(Load, congestion_control_is_said_per_room_route_and_service) {
  const Config c = good(std::string{lan} +
                        "tcp: { congestion: reno }\n"
                        "routes: [ { to: 0.0.0.0/0, via: 198.18.0.2, congestion: cubic } ]\n"
                        "http: [ { listen: [198.18.0.1:80], sites: [ { names: [a.b], root: /w } ] } ]\n");
  EXPECT_EQ(c.tcp.congestion, tcp::Algorithm::Reno);
  EXPECT_EQ(c.routes[0].congestion, tcp::Algorithm::Cubic);
  EXPECT_FALSE(c.http[0].congestion);
}

TEST(Load, a_route_and_every_service_over_tcp_may_say_more_of_tcp) {
  const Config c = good(std::string{lan} +
                        "routes: [ { to: 0.0.0.0/0, via: 198.18.0.2, mss: 1360 } ]\n"
                        "echo: [ { listen: [198.18.0.1:7], congestion: reno } ]\n"
                        "discard: [ { listen: [198.18.0.1:9], congestion: cubic } ]\n");
  EXPECT_EQ(c.routes[0].mss, 1360);
  EXPECT_EQ(c.echo[0].congestion, tcp::Algorithm::Reno);
  EXPECT_EQ(c.discard[0].congestion, tcp::Algorithm::Cubic);
}

TEST(Load, what_is_not_said_keeps_its_default) {
  const Config c = good(std::string{lan} + "workers:\nroutes:\n");
  EXPECT_EQ(c.workers.cores, std::vector<uint32_t>{0});
  EXPECT_EQ(c.workers.mode, Mode::Balanced);
  EXPECT_TRUE(c.routes.empty());
  EXPECT_EQ(c.ports[0].mtu, 1500);
  EXPECT_FALSE(c.ports[0].mac || c.metrics.listen || c.ports[0].impair.any());
}

TEST(Load, an_alias_stands_for_what_it_names) {
  const Config c = good(
      "ports:\n  - { name: a, device: { tap: t }, impair: &bad { loss: 0.5 } }\n"
      "  - { name: b, device: { tap: u }, impair: *bad }\n");
  EXPECT_EQ(c.ports[1].impair.loss, 0.5);
}

TEST(Load, an_alias_bomb_and_a_deep_nest_are_refused_at_once) {
  std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c < 'j'; ++c) {
    const std::string name{static_cast<char>(c - 1)};
    bomb += std::string{c} + ": &" + c + " [";
    for (int i = 0; i < 10; ++i) bomb += (i ? ",*" : "*") + name;
    bomb += "]\n";
  }
  EXPECT_NE(problems(bomb).find("this is more than 2000000 values, aliases followed"), std::string::npos);
  EXPECT_EQ(problems("ports: " + std::string(100'000, '[') + std::string(100'000, ']')),
            "f.yaml:1:23: lists and maps are nested more than 16 deep, less nesting would be right\n");
  EXPECT_EQ(problems(std::string((8u << 20) + 1, ' ')),
            "f.yaml:1:1: the file is longer than 8 MiB, a shorter one would be right\n");
}

TEST(Load, the_examples_load_with_their_files_beside_them) {
  const char* source = std::getenv("SOURCE_ROOT");
  ASSERT_NE(source, nullptr) << "run by meson test, or set SOURCE_ROOT";
  Environment here = this_machine();
  here.cores = 4;
  here.may_run_on = {};
  size_t examples = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::string{source} + "/config/examples")) {
    if (entry.path().extension() != ".yaml") continue;
    ++examples;
    std::stringstream text;
    text << std::ifstream{entry.path()}.rdbuf();
    const auto result = load(text.str(), entry.path(), here);
    if (const auto* errors = std::get_if<std::vector<Error>>(&result))
      for (const Error& e : *errors) ADD_FAILURE() << to_text(e);
  }
  EXPECT_GE(examples, 4u);
}

TEST(Load, asks_this_machine_for_files_cores_and_folders) {
  const Environment here = this_machine();
  const char* source = std::getenv("SOURCE_ROOT");
  ASSERT_NE(source, nullptr);
  const std::string folder = std::string{source} + "/config";
  EXPECT_GE(here.cores, 1u);
  EXPECT_TRUE(here.folder_exists(folder) && !here.file_exists(folder));
  EXPECT_TRUE(here.file_exists(folder + "/fields.h") && !here.folder_exists(folder + "/fields.h"));
}

}  // namespace
}  // namespace sluice::config

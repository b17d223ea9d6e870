// SPDX-License-Identifier: Apache-2.0
// What a text comes to: its syntax, keys and values.
#include "config/load.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "loading.h"

namespace sluice::config {
namespace {

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

TEST(Load, a_bond_has_its_members) {
  const Config c = good(
      "ports: [ { name: lan, device: { bond: 802.3ad, args: x=1,\n"
      "                                 members: [ { tap: t0 }, { tap: t1, args: y=2 } ] } } ]\n");
  const io::DeviceOptions& d = c.ports[0].device;
  EXPECT_EQ(d.kind, io::DeviceKind::bond);
  EXPECT_EQ(d.wire(), io::DeviceKind::tap);
  EXPECT_EQ(d.target, "802.3ad");
  EXPECT_EQ(d.args, "x=1");
  ASSERT_EQ(d.members.size(), 2u);
  EXPECT_EQ(d.members[0].target, "t0");
  EXPECT_EQ(d.members[1].args, "y=2");
}

TEST(Load, a_service_may_have_limits_of_its_own_for_silent_peers) {
  const Config c = good(std::string{lan} +
                        "tcp: { retries: 8, user_timeout: 2m }\n"
                        "http: [ { listen: [198.18.0.1:80], sites: [ { names: [a.b], root: /w } ],\n"
                        "          tcp: { keepalive: 30s, retries: 3 } } ]\n"
                        "echo: [ { listen: [198.18.0.1:7] } ]\n");
  const tcp::Limits http = c.http[0].limits.over(c.tcp), echo = c.echo[0].limits.over(c.tcp);
  EXPECT_EQ(http.keepalive, 30_s);
  EXPECT_EQ(http.retries, 3u);
  EXPECT_EQ(http.user_timeout, 120_s) << "as tcp says";
  EXPECT_EQ(echo, tcp::ListenerLimits{}.over(c.tcp));
  EXPECT_EQ(echo.retries, 8u);
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

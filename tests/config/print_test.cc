// SPDX-License-Identifier: Apache-2.0
#include "config/print.h"

#include <gtest/gtest.h>

#include "config/fields.h"
#include "config/load.h"

namespace sluice::config {
namespace {

Config reloaded(const std::string& text) {
  auto result = load(text, "folder/f.yaml", {.cores = 1024, .file_exists = {}, .folder_exists = {}});
  if (const auto* errors = std::get_if<std::vector<Error>>(&result)) {
    for (const Error& e : *errors) ADD_FAILURE() << to_text(e) << "\nin\n" << text;
    return {};
  }
  return std::get<Config>(std::move(result));
}

// A visitor that sets every number to one end of its range, every choice to one of its ends and leaves the
// rest.
struct Extreme {
  bool most;
  template <Number T>
  void number(const Key& key, T& member, T low, T high) {
    // Of these two the checks want a relation.
    if (std::string_view{key.name} != "packets" && std::string_view{key.name} != "rx_descriptors")
      member = most ? high : low;
  }
  template <Number T>
  void number(const Key& key, std::optional<T>& member, T low, T high) {
    number(key, member.emplace(), low, high);
  }
  template <Number T>
  void numbers(const Key&, std::vector<T>& member, T low, T high, Count) {
    member = {most ? high : low};
  }
  template <class T>
  void value(const Key&, T&) {}
  template <Choice E>
  void value(const Key&, E& member) {
    if constexpr (!std::same_as<E, RouteKind>)
      member = most ? choices<E>().back().second : choices<E>().front().second;
  }
  template <class T>
  void list(const Key&, std::vector<T>&, Count) {}
  template <class T>
  void text(const Key&, T&, const TextKind&) {}
  void texts(const Key&, std::vector<std::string>&, const TextKind&, Count) {}
  template <class T>
  void section(const Key&, T& member) {
    fields(*this, member);
  }
  template <class T>
  void sections(const Key&, std::vector<T>& member, Count) {
    for (T& item : member) fields(*this, item);
  }
  void device(const Key&, io::DeviceOptions&) {}
};

// Collects what every number is, in order: two Configs with equal lists agree in every number.
struct Numbers {
  std::vector<std::string> all;
  template <Number T>
  void number(const Key& key, T& member, T, T) {
    all.push_back(std::string{key.name} + "=" + number_text(member));
  }
  template <Number T>
  void number(const Key& key, std::optional<T>& member, T low, T high) {
    if (member) number(key, *member, low, high);
  }
  template <Number T>
  void numbers(const Key& key, std::vector<T>& member, T, T, Count) {
    for (T& v : member) number(key, v, v, v);
  }
  template <class T>
  void value(const Key&, T&) {}
  template <class T>
  void list(const Key&, std::vector<T>&, Count) {}
  template <class T>
  void text(const Key&, T&, const TextKind&) {}
  void texts(const Key&, std::vector<std::string>&, const TextKind&, Count) {}
  template <class T>
  void section(const Key&, T& member) {
    fields(*this, member);
  }
  template <class T>
  void sections(const Key&, std::vector<T>& member, Count) {
    for (T& item : member) fields(*this, item);
  }
  void device(const Key&, io::DeviceOptions&) {}
};

std::vector<std::string> numbers_of(Config c) {
  Numbers n;
  fields(n, c);
  return n.all;
}

Config full() {
  Config c;
  c.workers.cores = {0, 1};
  c.memory.packets = 20'000'00;
  c.ports = {{.name = "lan",
              .device = {io::DeviceKind::tap, "t0", "a=\"b\",c"},
              .addresses = {{Ip4Addr::of(198, 18, 0, 1), 24}}},
             {.name = "yes", .device = {io::DeviceKind::null, "7", ""}, .mac = Mac{{2, 0, 0, 0, 0, 9}}},
             {.name = "on",
              .device = {io::DeviceKind::bond,
                         "active-backup",
                         "",
                         {{io::DeviceKind::pci, "0000:3b:00.0", ""},
                          {io::DeviceKind::pci, "0000:3b:00.1", "a=1"}}}}};
  c.routes = {
      {.to = {Ip4Addr{}, 0}, .via = Ip4Addr::of(198, 18, 0, 2), .port = "lan"},
      {.to = {Ip4Addr::of(10, 0, 0, 0), 8}, .kind = RouteKind::Prohibit},
      {.to = {Ip4Addr::of(11, 0, 0, 0), 8}, .port = "yes", .congestion = tcp::Algorithm::Reno, .mss = 1220}};
  c.dns = {
      {.listen = {{Ip4Addr{}, {53}}}, .zones = {{".", "a # b: c"}, {"null", "-x"}, {"1.0", "back\\slash"}}}};
  c.http = {{.listen = {{Ip4Addr::of(198, 18, 0, 1), {80}}},
             .sites = {{{"no", "1e5", "0x10"}, "~"}, {{"x"}, "*a"}},
             .congestion = tcp::Algorithm::Cubic,
             .limits = {.user_timeout = 90_s, .keepalive_probes = 2}}};
  c.echo = {{.listen = {{Ip4Addr{}, {7}}}}};
  c.discard = {{.listen = {{Ip4Addr::of(198, 18, 0, 1), {9}}}, .options = {.idle_timeout = 5_s}}};
  c.metrics.listen = Endpoint{*parse_ip("2001:2::1"), {9464}};
  return c;
}

TEST(Print, loads_back_to_the_same_configuration) {
  const Config a = full();
  const std::string text = print(a);
  const Config b = reloaded(text);
  EXPECT_EQ(print(b), text);
  EXPECT_EQ(numbers_of(a), numbers_of(b));
  ASSERT_EQ(b.ports.size(), 3u) << text;
  EXPECT_EQ(b.ports[0].device.args, a.ports[0].device.args);
  EXPECT_EQ(b.ports[0].addresses, a.ports[0].addresses);
  EXPECT_EQ(b.ports[1].name, "yes");
  EXPECT_EQ(b.ports[1].mac, a.ports[1].mac);
  EXPECT_EQ(b.ports[2].device.target, "active-backup");
  ASSERT_EQ(b.ports[2].device.members.size(), 2u);
  EXPECT_EQ(b.ports[2].device.members[0].target, "0000:3b:00.0");
  EXPECT_EQ(b.ports[2].device.members[1].args, "a=1");
  EXPECT_EQ(b.routes[0].via, a.routes[0].via);
  EXPECT_EQ(b.routes[1].kind, RouteKind::Prohibit);
  EXPECT_FALSE(b.routes[1].via);
  EXPECT_EQ(b.routes[2].congestion, tcp::Algorithm::Reno);
  EXPECT_EQ(b.routes[2].mss, 1220);
  EXPECT_FALSE(b.routes[1].congestion);
  EXPECT_EQ(b.http[0].congestion, tcp::Algorithm::Cubic);
  EXPECT_EQ(b.http[0].limits.user_timeout, 90_s);
  EXPECT_EQ(b.http[0].limits.keepalive_probes, 2u);
  EXPECT_FALSE(b.http[0].limits.retries || b.http[0].limits.keepalive);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(b.dns[0].zones[i].name, a.dns[0].zones[i].name);
    EXPECT_EQ(b.dns[0].zones[i].file, a.dns[0].zones[i].file);
  }
  EXPECT_EQ(b.http[0].sites[0].names, a.http[0].sites[0].names);
  EXPECT_EQ(b.http[0].sites[1].root, "*a");
  ASSERT_EQ(b.echo.size(), 1u);
  EXPECT_EQ(b.echo[0].listen, a.echo[0].listen);
  ASSERT_EQ(b.discard.size(), 1u);
  EXPECT_EQ(b.discard[0].listen, a.discard[0].listen);
  EXPECT_EQ(b.discard[0].options.idle_timeout, a.discard[0].options.idle_timeout);
  EXPECT_EQ(b.metrics.listen, a.metrics.listen);
}

TEST(Print, every_number_and_choice_survives_at_both_ends_of_its_range) {
  for (const bool most : {false, true}) {
    Config a = full();
    Extreme extreme{most};
    fields(extreme, a);
    for (Port& p : a.ports) p.vlan = p.outer_vlan = 0, p.outer_tag = {};  // with a parent only
    if (most)
      a.memory.packets = 16'777'216;
    else
      a.ip.routes = 6;  // those there are
    const std::string text = print(a);
    const Config b = reloaded(text);
    EXPECT_EQ(numbers_of(a), numbers_of(b)) << text;
    EXPECT_EQ(print(b), text);
    EXPECT_EQ(b.workers.mode, a.workers.mode);
    EXPECT_EQ(b.memory.hugepages, a.memory.hugepages);
  }
}

TEST(Print, shows_defaults_and_what_is_not_set) {
  const std::string text = print(reloaded("ports: [ { name: a, device: { tap: t } } ]"));
  for (const char* line : {"  mode: balanced\n", "    mtu: 1500\n", "    mss_clamp: off\n",
                           "    # mac: not set\n", "  - name: a\n", "routes: []\n",
                           "    device: { tap: t }\n", "      delay: 0s\n", "  # listen: not set\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
}

// Every default lies in its own range: a static_assert beside each options.def would be nearer, this covers
// all.
TEST(Print, a_configuration_of_defaults_is_valid) {
  Config c = full();
  c.workers = {};
  c.memory = {};
  EXPECT_EQ(numbers_of(reloaded(print(c))), numbers_of(c));
}

}  // namespace
}  // namespace sluice::config

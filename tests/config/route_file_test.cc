// SPDX-License-Identifier: Apache-2.0
#include "config/route_file.h"

#include <gtest/gtest.h>

#include "config/load.h"

namespace sluice::config {
namespace {

std::string said(const std::vector<Complaint>& complaints) {
  std::string all;
  for (const Complaint& c : complaints)
    all += std::to_string(c.line) + ":" + std::to_string(c.column) + ": " + c.wrong + ", " + c.right + "\n";
  return all;
}

TEST(RouteFile, reads_what_ip_route_writes) {
  std::vector<Complaint> wrong;
  const RouteFile f = parse_route_file(
      "# a table\n"
      "203.0.113.0/24 via 198.18.0.2\n"
      "\t198.51.100.0/24   dev lan  # on the link\r\n"
      "default via 198.18.0.2 dev lan\n"
      "\n"
      "blackhole 192.0.2.0/24\n"
      "unreachable 192.0.2.7\n"
      "prohibit 0.0.0.0/1\n"
      "203.0.114.0/24 via 198.18.0.2\n"
      "2001:2:0:1::/64 via 2001:2::2\n"
      "default via fe80::2 dev lan\n"
      "blackhole 2001:db8::/32",
      "f", wrong);
  EXPECT_EQ(said(wrong), "");
  struct Want {
    const char* to;
    RouteKind kind;
    const char *via, *port;
    uint32_t line;
  };
  const Want all[] = {{"203.0.113.0/24", RouteKind::Forward, "198.18.0.2", "", 2},
                      {"198.51.100.0/24", RouteKind::Forward, "", "lan", 3},
                      {"0.0.0.0/0", RouteKind::Forward, "198.18.0.2", "lan", 4},
                      {"192.0.2.0/24", RouteKind::Blackhole, "", "", 6},
                      {"192.0.2.7/32", RouteKind::Unreachable, "", "", 7},
                      {"0.0.0.0/1", RouteKind::Prohibit, "", "", 8},
                      {"203.0.114.0/24", RouteKind::Forward, "198.18.0.2", "", 9},
                      {"2001:2:0:1::/64", RouteKind::Forward, "2001:2::2", "", 10},
                      {"::/0", RouteKind::Forward, "fe80::2", "lan", 11},
                      {"2001:db8::/32", RouteKind::Blackhole, "", "", 12}};
  ASSERT_EQ(f.routes.size(), std::size(all));
  for (size_t i = 0; i < std::size(all); ++i) {
    const RouteFile::Entry& e = f.routes[i];
    const RouteWay& w = f.ways[e.way];
    EXPECT_EQ(to_text(e.to), all[i].to);
    EXPECT_EQ(e.line, all[i].line);
    EXPECT_EQ(w.kind, all[i].kind) << all[i].to;
    if (w.kind != RouteKind::Forward) continue;
    ASSERT_EQ(w.hops.size(), 1u) << all[i].to;
    EXPECT_EQ(w.hops[0].via ? to_text(*w.hops[0].via) : "", all[i].via) << all[i].to;
    EXPECT_EQ(w.hops[0].port.value_or(""), all[i].port) << all[i].to;
  }
  EXPECT_EQ(f.routes[0].way, f.routes[6].way) << "what is said twice is kept once";
}

TEST(RouteFile, says_where_a_line_is_wrong_and_what_would_be_right) {
  struct Case {
    const char *text, *problems;
  };
  const Case cases[] = {
      {"10.0.0.0/8",
       "1:11: the route leads nowhere, 'PREFIX via GATEWAY', 'PREFIX dev PORT' or 'blackhole "
       "PREFIX'\n"},
      {"\n 10.0.0.0/33 dev lan",
       "2:2: '10.0.0.0/33' is no prefix, an address and a prefix length like 198.18.0.1/24\n"},
      {"10.0.0.0.0/8 dev lan",
       "1:1: '10.0.0.0.0/8' is no prefix, an address and a prefix length like 198.18.0.1/24\n"},
      {"10.256.0.0/16 dev lan",
       "1:1: '10.256.0.0/16' is no prefix, an address and a prefix length like 198.18.0.1/24\n"},
      {"blakhole 10.0.0.0/8", "1:1: 'blakhole' is no prefix, 'blackhole'\n"},
      {"blackhole", "1:10: the line ends behind 'blackhole', a prefix\n"},
      {"blackhole 10.0.0.0/8 dev lan",
       "1:22: a route that refuses ends with its prefix, and not with 'dev', nothing\n"},
      {"10.1.2.3/8 dev lan", "1:1: 10.1.2.3/8 has bits beyond its prefix, 10.0.0.0/8\n"},
      {"2001:2::1/64 dev lan", "1:1: 2001:2::1/64 has bits beyond its prefix, 2001:2::/64\n"},
      {"10.0.0.0/8 vai 198.18.0.2", "1:12: unknown word 'vai', 'via'\n"},
      {"10.0.0.0/8 via", "1:15: the line ends behind 'via', an address like 198.18.0.1\n"},
      {"10.0.0.0/8 via 198.18.0.300", "1:16: '198.18.0.300' is no address, an address like 198.18.0.1\n"},
      {"10.0.0.0/8 dev lan via 198.18.0.3", "1:20: 'via' stands behind 'dev', 'via GATEWAY dev PORT'\n"},
      {"10.0.0.0/8 dev lan dev wan", "1:20: a second 'dev', one for each 'via'\n"},
      {"10.0.0.0/8 dev lan src 1 ", "1:24: '1' is no address, an address like 198.18.0.1\n"},
      {"10.0.0.0/8 dev 1",
       "1:16: '1' is no name of a port, a name of at most 15 letters, digits, '-' and "
       "'_' that starts with a letter\n"},
  };
  for (const Case& c : cases) {
    std::vector<Complaint> wrong;
    const RouteFile f = parse_route_file(c.text, "f", wrong);
    EXPECT_EQ(said(wrong), c.problems) << c.text;
    EXPECT_TRUE(f.routes.empty()) << c.text;
  }
}

TEST(RouteFile, a_wrong_way_that_a_million_lines_repeat_is_told_once) {
  std::vector<Complaint> wrong;
  const RouteFile f =
      parse_route_file("10.0.0.0/8 via x\n11.0.0.0/8 via x\n12.0.0.0/8 dev lan\n", "f", wrong);
  EXPECT_EQ(said(wrong), "1:16: 'x' is no address, an address like 198.18.0.1\n");
  EXPECT_EQ(f.routes.size(), 1u);
}

TEST(RouteFile, several_ways_and_a_source) {
  std::vector<Complaint> wrong;
  const RouteFile f = parse_route_file(
      "10.0.0.0/8 via 198.18.0.2 dev lan via 198.19.0.2 via 198.19.0.3 src 198.18.0.1", "f", wrong);
  EXPECT_EQ(said(wrong), "");
  ASSERT_EQ(f.ways.size(), 1u);
  const RouteWay& w = f.ways[0];
  ASSERT_EQ(w.hops.size(), 3u);
  EXPECT_EQ(w.hops[0].port, "lan");
  EXPECT_EQ(to_text(*w.hops[2].via), "198.19.0.3");
  EXPECT_EQ(to_text(*w.source), "198.18.0.1");
  std::string many = "10.0.0.0/8";
  for (int i = 0; i < 65; ++i) many += " via 198.18.0." + std::to_string(i + 2);
  parse_route_file(many, "f", wrong);
  EXPECT_NE(said(wrong).find("more ways than 64"), std::string::npos) << said(wrong);
}

TEST(RouteFile, gives_up_when_nothing_fits) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "nonsense\n";
  std::vector<Complaint> wrong;
  parse_route_file(text, "f", wrong);
  ASSERT_EQ(wrong.size(), route_file_complaints_max + 1);
  EXPECT_EQ(wrong.back().line, static_cast<int>(route_file_complaints_max) + 1);
  EXPECT_EQ(wrong.back().wrong, "the rest was not read");
}

// The whole way: a configuration that names the file, and the file's text.
std::string problems(const std::string& yaml, const std::string& routes, bool six = false) {
  const Environment machine{.cores = 1,
                            .read_file = [&](const std::string& path) -> std::optional<std::string> {
                              return path == "d/r" ? std::optional{routes} : std::nullopt;
                            }};
  const auto result =
      load(std::string{"ports:\n  - { name: lan, device: { tap: t0 }, addresses: [198.18.0.1/24"} +
               (six ? ", '2001:2:0:1::1/64'" : "") +
               "] }\n"
               "  - { name: wan, device: { tap: t1 }, addresses: [198.19.0.1/24] }\n" +
               yaml,
           "d/f.yaml", machine);
  if (const auto* c = std::get_if<Config>(&result))
    return std::to_string(c->file_routes[0].routes.size()) + " routes";
  std::string all;
  for (const Error& e : std::get<std::vector<Error>>(result)) all += to_text(e) + "\n";
  return all;
}

TEST(RouteFile, routes_are_of_the_default_vrf) {
  // The same network in another VRF, and a route there to the same destination, are nothing to a file.
  const std::string blue =
      "  - { name: blue, vrf: blue, device: { tap: t2 }, addresses: [10.0.0.1/24] }\n"
      "routes: [ { to: 11.0.0.0/8, via: 10.0.0.2, vrf: blue } ]\n"
      "route_files: [r]\n";
  EXPECT_EQ(problems(blue, "10.0.0.0/24 via 198.18.0.2\n11.0.0.0/8 dev wan\n"), "2 routes");
  EXPECT_EQ(problems(blue, "12.0.0.0/8 via 198.18.0.2\n12.1.0.0/16 dev blue\n"),
            "d/r:2:13: port 'blue' is in VRF 'blue', and routes of a file in the default one, a port of the "
            "default VRF, or the route in 'routes' with its 'vrf', would be right\n");
  EXPECT_EQ(
      problems(blue, "12.0.0.0/8 via 10.0.0.2\n"),
      "d/r:1:12: gateway 10.0.0.2 is on none of our networks, an address in 198.18.0.0/24, 198.19.0.0/24 "
      "would be right\n");
}

TEST(RouteFile, routes_of_both_families_are_checked_alike) {
  const std::string both =
      "ip: { routes: 64 }\nroute_files: [r]\n"
      "routes: [ { to: '2001:db8:1::/48', kind: blackhole } ]\n";
  EXPECT_EQ(problems(both,
                     "2001:db8::/32 via 2001:2:0:1::2 src 2001:2:0:1::1\nprohibit 2001:db8:2::/48\n"
                     "::/0 via fe80::2 dev lan\ndefault via 198.18.0.2\n10.0.0.0/8 dev wan\n",
                     true),
            "5 routes");
  struct Case {
    const char *routes, *problems;
  };
  const Case cases[] = {
      {"2001:db8::/32 via 2001:3::2\n",
       "d/r:1:15: gateway 2001:3::2 is on none of our networks, an address in 2001:2:0:1::/64 would be "
       "right\n"},
      {"2001:db8::/32 via fe80::2\n",
       "d/r:1:15: gateway fe80::2 is link-local, and means nothing without a port, 'via' and 'port' would be "
       "right\n"},
      {"2001:db8::/32 via fe80::2 dev wan\n",
       "d/r:1:15: port 'wan' speaks no IPv6, a port with an IPv6 address would be right\n"},
      {"2001:db8::/32 via 198.18.0.2\n",
       "d/r:1:1: the gateway or source is of another family than 2001:db8::/32, one of the destination's "
       "family would be right\n"},
      {"10.0.0.0/8 via 2001:2:0:1::2\n",
       "d/r:1:1: the gateway or source is of another family than 10.0.0.0/8, one of the destination's family "
       "would be right\n"},
      {"10.0.0.0/8 via 198.18.0.2 via 2001:2:0:1::2\n",
       "d/r:1:12: the route names addresses of both families, those of the destination's family would be "
       "right\n"},
      {"2001:db8::/32 via 2001:2:0:1::2 src 2001:2:0:1::9\n",
       "d/r:1:15: 2001:2:0:1::9 is not an address of ours, an address of a port would be right\n"},
      {"2001:2:0:1::/64 dev wan\n",
       "d/r:1:1: 2001:2:0:1::/64 is the network of port 'lan', which needs no route, a network that is not "
       "connected would be right\n"},
      {"ff00::/8 dev lan\n", "d/r:1:1: ff00::/8 is never routed, a network of stations would be right\n"},
      {"blackhole 2001:db8:1::/48\n",
       "d/r:1:1: there is a route to 2001:db8:1::/48 already, one would be right\n"},
  };
  for (const Case& c : cases) EXPECT_EQ(problems(both, c.routes, true), c.problems) << c.routes;
  EXPECT_EQ(problems("route_files: [r]\nip: { routes: 8 }\n", "2001:db8::/32 dev lan\n", true),
            "d/f.yaml:4:14: 9 routes, those of our addresses included, are more than ip.routes allows, a "
            "larger ip.routes would be right\n");
}

TEST(RouteFile, is_checked_against_ports_and_all_other_routes) {
  const std::string yaml = "route_files: [r]\n";
  EXPECT_EQ(problems(yaml, "10.0.0.0/8 via 198.18.0.2\n8.0.0.0/8 dev wan\n"), "2 routes");
  struct Case {
    const char *routes, *problems;
  };
  const Case cases[] = {
      {"10.0.0.0/8 via 192.0.2.1\n11.0.0.0/8 via 192.0.2.1\n",
       "d/r:1:12: gateway 192.0.2.1 is on none of our networks, an address in 198.18.0.0/24, 198.19.0.0/24 "
       "would be right\n"},
      {"10.0.0.0/8 via 198.18.0.2 dev wan\n",
       "d/r:1:12: gateway 198.18.0.2 is not on port 'wan' but on 'lan', that port, or no 'port' at all, "
       "would "
       "be right\n"},
      {"10.0.0.0/8 dev wna\n", "d/r:1:12: there is no port 'wna', 'wan' would be right\n"},
      {"10.0.0.0/8 via 198.18.0.1\n",
       "d/r:1:12: gateway 198.18.0.1 is our own address, the address of another station would be right\n"},
      {"10.0.0.0/8 via 198.18.0.2\n10.0.0.0/8 dev wan\n",
       "d/r:2:1: there is a route to 10.0.0.0/8 already, one would be right\n"},
      {"198.18.0.0/24 dev wan\n",
       "d/r:1:1: 198.18.0.0/24 is the network of port 'lan', which needs no route, a network that is not "
       "connected would be right\n"},
      {"198.18.0.255 dev wan\n",
       "d/r:1:1: 198.18.0.255/32 is a broadcast address of port 'lan', which needs no route, the address of "
       "another station would be right\n"},
      {"10.0.0.0/8 via 198.18.0.2 src 198.18.0.9\n",
       "d/r:1:12: 198.18.0.9 is not an address of ours, one of 198.18.0.1, 198.19.0.1 would be right\n"},
      {"224.0.0.0/4 dev wan\n",
       "d/r:1:1: 224.0.0.0/4 is a multicast address, a network of stations would be right\n"},
  };
  for (const Case& c : cases) EXPECT_EQ(problems(yaml, c.routes), c.problems) << c.routes;
  EXPECT_EQ(problems("routes: [ { to: 10.0.0.0/8, port: wan } ]\nroute_files: [r]\n", "10.0.0.0/8 dev lan\n"),
            "d/r:1:1: there is a route to 10.0.0.0/8 already, one would be right\n");
  EXPECT_EQ(problems("route_files: [r]\nip: { routes: 7 }\n", "10.0.0.0/8 dev lan\n11.0.0.0/8 dev lan\n"),
            "d/f.yaml:4:14: 8 routes, those of our addresses included, are more than ip.routes allows, a "
            "larger ip.routes would be right\n");
  EXPECT_EQ(problems("route_files: [missing]\n", ""),
            "d/f.yaml:4:15: the file 'd/missing' cannot be read, the path of a list of routes would be "
            "right\n");
}

}  // namespace
}  // namespace sluice::config

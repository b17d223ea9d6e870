// SPDX-License-Identifier: Apache-2.0
#include "app/load/words.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <iostream>
#include <optional>

#include "app/load/frame.h"
#include "app/load/numbers.h"
#include "app/load/sources.h"
#include "app/version.h"
#include "buf/interface.h"
#include "config/codec.h"
#include "wire/ip6.h"

namespace sluice::load {
namespace {

constexpr int bad_words = 2;

// The words as they stand, before anybody understood them.
struct Words {
  std::vector<std::string> devices, device_args, addresses, gateways, sizes;
  std::string duration = "5s", warmup = "1s", patience = "30s", timeout = "10s", rate, url, flood_rate,
              flood_sources, upload = "0", targets, target, peer_mac;
  int search_given = 0;
};

// Something is wrong with the words; the text says what would be right.
struct Wrong {
  std::string text;
};

template <class T>
T value(const std::string& option, const std::string& text, std::optional<T> v, const std::string& right) {
  if (!v) throw Wrong{option + " " + text + ": give " + right};
  return *v;
}

Duration duration(const std::string& option, const std::string& text) {
  return value(option, text, config::parse_number<Duration>(text), "a time with its unit, like 5s or 500ms");
}

double rate(const std::string& option, const std::string& text) {
  if (text.empty() || text == "max") return 0;
  const auto v = config::parse_number<uint64_t>(text);
  if (v && *v != 0) return static_cast<double>(*v);
  throw Wrong{option + " " + text + ": give a number a second like 50000, 200k or 2M"};
}

IpAddr address(const std::string& option, const std::string& text) {
  return value(option, text, parse_ip(text), "an address like 198.18.0.1 or 2001:2::1");
}

Prefix prefix(const std::string& option, const std::string& text) {
  return value(option, text, parse_prefix(text),
               "an address and a prefix length like 198.18.0.2/24 or 2001:2::2/64");
}

// ADDRESS or ADDRESS:PORT, an IPv6 address before a port in brackets.
std::optional<config::Endpoint> endpoint(std::string_view text, Port otherwise) {
  if (const auto both = config::Codec<config::Endpoint>::parse(text)) return both;
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  const auto addr = parse_ip(text);
  if (!addr) return std::nullopt;
  return config::Endpoint{*addr, otherwise};
}

// A run is of one family: that of the first --address.
void same_family(const Plan& p, const std::string& what, const IpAddr& a) {
  const auto name = [](bool four) { return std::string{four ? "IPv4" : "IPv6"}; };
  if (a.is_v4() != p.four())
    throw Wrong{what + " is " + name(a.is_v4()) + ", the first --address is " + name(p.four()) +
                ": give addresses of one family"};
}

io::DeviceOptions device(const std::string& text) {
  const size_t colon = text.find(':');
  std::string kinds;
  for (const config::DeviceForm& form : config::device_forms()) {
    kinds += (kinds.empty() ? "" : ", ") + std::string{form.name};
    if (text.substr(0, colon) != form.name || colon == std::string::npos) continue;
    const std::string target = text.substr(colon + 1);
    if (!form.target.fits(target))
      throw Wrong{"--device " + text + ": behind the colon stands " + form.target.right};
    return {.kind = form.kind, .target = target, .args = {}};
  }
  throw Wrong{"--device " + text +
              ": give KIND:TARGET, like tap:load0 or vhost_user:/tmp/load.sock; KIND is one of " + kinds};
}

// http://HOST[:PORT][/PATH]
void url(const std::string& text, Plan& p) {
  const std::string right =
      "URL " + text +
      ": give one like http://198.18.0.1/1k.bin or http://[2001:2::1]:8080/, its host an IPv4 or "
      "IPv6 address";
  if (!text.starts_with("http://")) throw Wrong{right};
  const size_t slash = std::min(text.find('/', 7), text.size());
  p.authority = text.substr(7, slash - 7);
  p.target = slash == text.size() ? "/" : text.substr(slash);
  const auto e = endpoint(p.authority, Port{80});
  if (!e || e->addr.is_v4() == p.authority.starts_with('[')) throw Wrong{right};  // RFC 3986 §3.2.2
  p.server = e->addr;
  p.port = e->port;
  if (!std::ranges::all_of(p.target, [](char c) { return c > 0x20 && c < 0x7f && c != '#'; }))
    throw Wrong{right};
}

void legs(const Words& w, Plan& p) {
  if (w.devices.empty())
    throw Wrong{"--device: name the port to send by, like vhost_user:/tmp/load.sock or tap:load0"};
  const bool two = p.mode == Mode::Udp || p.mode == Mode::Ip;
  if (w.devices.size() > (two ? 2u : 1u))
    throw Wrong{two ? "--device: two ports at most" : "--device: only udp and ip use a second port"};
  for (size_t i = 0; i < w.devices.size(); ++i) {
    Leg leg{.device = device(w.devices[i]), .address = {}, .gateway = {}};
    if (i < w.device_args.size()) leg.device.args = w.device_args[i];
    if (i >= w.addresses.size())
      throw Wrong{"--address: give one for each --device, our address there and its network: 198.18.0.2/24"};
    leg.address = prefix("--address", w.addresses[i]);
    const IpAddr last = address_of(number_of(leg.address.addr) + p.sources - 1);
    const Ip4Addr everybody = buf::directed_broadcast(leg.address);
    if (!leg.address.contains(last) || (everybody.v != 0 && last == IpAddr{everybody}))
      throw Wrong{"--sources " + std::to_string(p.sources) + ": from " + w.addresses[i] +
                  " on there are not that many addresses in the network"};
    p.legs.push_back(std::move(leg));
    same_family(p, "--address " + w.addresses[i], p.legs[i].address.addr);
    if (i >= w.gateways.size()) continue;
    p.legs[i].gateway = address("--gateway", w.gateways[i]);
    same_family(p, "--gateway " + w.gateways[i], p.legs[i].gateway);
    if (!p.legs[i].address.contains(p.legs[i].gateway))
      throw Wrong{"--gateway " + w.gateways[i] + ": is not in the network of --address " + w.addresses[i]};
  }
}

void sizes(const Words& w, Plan& p) {
  const uint16_t least = Frame::least(p.carrier(), p.four());
  for (const std::string& text : w.sizes.empty() ? std::vector{std::to_string(least)} : w.sizes) {
    if (text == "all") {
      for (uint16_t s : {0, 128, 256, 512, 1024, 1280, 1518}) p.sizes.push_back(std::max(s, least));
      p.sizes.push_back(0);
    } else if (text == "imix") {
      p.sizes.push_back(0);
    } else {
      const auto v = config::parse_number<uint16_t>(text);
      if (!v || *v < least || *v > p.mtu + 18)
        throw Wrong{"--size " + text + ": give octets of the frame from " + std::to_string(least) + " to " +
                    std::to_string(p.mtu + 18) + ", imix, or all"};
      p.sizes.push_back(*v);
    }
  }
}

void packets(const Words& w, Plan& p) {
  sizes(w, p);
  if (p.echo == (p.legs.size() == 2))
    throw Wrong{
        p.echo ? "--echo: what comes back comes by the same port; give one --device"
               : "give a second --device (and --address) where the packets arrive, or --echo if they come "
                 "back by the first"};
  if (p.both_ways && p.echo) throw Wrong{"--bidirectional: is for two devices"};
  if (!w.target.empty() + !w.targets.empty() + !p.target_list.empty() > 1)
    throw Wrong{"--target, --targets, --target-list: give one of them"};
  if (!w.targets.empty()) {
    p.targets = prefix("--targets", w.targets);
    same_family(p, "--targets " + w.targets, p.targets.addr);
    if (p.target_count - 1 > hosts_of(p.targets))
      throw Wrong{"--target-count " + std::to_string(p.target_count) + ": " + w.targets +
                  " has fewer addresses"};
  } else if (!w.target.empty()) {
    const auto e = value("--target", w.target, endpoint(w.target, p.target_port),
                         "an address, and maybe a port, like 198.18.0.1:7 or [2001:2::1]:7");
    same_family(p, "--target " + w.target, e.addr);
    p.targets = {e.addr, static_cast<uint8_t>(p.four() ? 32 : 128)};
    p.target_port = e.port;
  } else if (!p.target_list.empty()) {
    if (p.target_count != 1) throw Wrong{"--target-count: the list says how many there are"};
  } else if (p.echo) {
    throw Wrong{"--target: who sends the packets back?"};
  }
  if (!w.peer_mac.empty())
    p.peer_mac =
        value("--peer-mac", w.peer_mac, config::Codec<Mac>::parse(w.peer_mac), config::Codec<Mac>::right);
  if (p.search >= 0 && p.rate != 0) throw Wrong{"--search: looks for the rate by itself; leave --rate out"};
}

void connections(const Words& w, Plan& p) {
  url(w.url, p);
  same_family(p, "URL " + w.url, p.server);
  p.upload =
      value("--upload", w.upload, config::parse_number<uint64_t>(w.upload), "octets, like 65536 or 1M");
  if (p.connections == 0) throw Wrong{"--connections 0: give at least 1"};
  if (p.pipeline == 0) throw Wrong{"--pipeline 0: give at least 1"};
  const uint64_t most = uint64_t{p.sources} * Sources::ports * 3 / 4;
  if (p.connections > most)
    throw Wrong{"--connections " + std::to_string(p.connections) + ": with --sources " +
                std::to_string(p.sources) + " there are ports for " + std::to_string(most) +
                "; give more --sources"};
  if (p.hold && p.rate != 0) throw Wrong{"--hold: sends no requests, so it takes no --rate"};
  if (p.mode == Mode::Syn) {
    p.flood_rate = rate("--flood-rate", w.flood_rate);
    if (w.flood_rate.empty()) throw Wrong{"--flood-rate: how many SYNs a second?"};
    if (w.flood_sources.empty())
      throw Wrong{"--flood-sources: from which network? The server's route to it must lead to our --address"};
    p.flood_sources = prefix("--flood-sources", w.flood_sources);
    same_family(p, "--flood-sources " + w.flood_sources, p.flood_sources.addr);
  }
}

// RFC 1035 §4.1.1, RFC 2136 §2.2.
int rcode_named(const std::string& text) {
  static constexpr const char* names[] = {"NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
                                          "YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE"};
  for (int i = 0; i < static_cast<int>(std::size(names)); ++i)
    if (text == names[i]) return i;
  const auto v = config::parse_number<uint16_t>(text);
  if (v && *v < 16) return *v;
  throw Wrong{"--expect-rcode " + text + ": give NOERROR, NXDOMAIN, ... or a number from 0 to 15"};
}

void common(CLI::App& a, Words& w, Plan& p) {
  a.add_option("--device", w.devices, "port to send by: KIND:TARGET, the kinds of a configuration's device")
      ->allow_extra_args(false);
  a.add_option("--device-args", w.device_args, "more DPDK arguments of that device")->allow_extra_args(false);
  a.add_option("--core", p.core, "the CPU that polls (default 1)");
  a.add_option("--address", w.addresses,
               "our first address there and its network, like 198.18.0.2/24 or 2001:2::2/64")
      ->allow_extra_args(false);
  a.add_option("--sources", p.sources, "how many addresses from there on are ours (default 1)")
      ->check(CLI::Range(1u, 65'536u));
  a.add_option("--gateway", w.gateways, "the way to everything that is not in the network")
      ->allow_extra_args(false);
  a.add_option("--rate", w.rate,
               "open loop: so many a second, like 50000, 200k, 2M; max: as fast as it goes");
  a.add_option("--duration", w.duration, "how long to measure (default 5s)");
  a.add_option("--warmup", w.warmup, "how long to run before that (default 1s)");
  a.add_option("--patience", w.patience, "how long to wait for the other end at the start (default 30s)");
  a.add_option("--json", p.json, "write the result there as JSON; -: to standard output");
  a.add_option("--seed", p.seed, "of everything random (default 1)");
  a.add_option("--mtu", p.mtu, "octets of an IP packet (default 1500)")->check(CLI::Range(576, 9000));
  a.add_option("--memory", p.memory_mb, "MB to take for packets (default: worked out)");
  a.add_flag("--quiet", p.quiet, "no line per second");
}

void callers(CLI::App& a, Words& w, Plan& p) {
  a.add_option("URL", w.url, "what to ask for, like http://198.18.0.1/1k.bin or http://[2001:2::1]/1k.bin")
      ->required();
  a.add_option("--connections", p.connections, "connections at once (default 64)");
  a.add_option("--requests", p.requests,
               "requests per connection; 0: no end (default), 1: a connection for each");
  a.add_option("--pipeline", p.pipeline, "requests under way per connection (default 1)");
  a.add_option("--expect-status", p.expect_status, "what a right answer says (default 200)");
  a.add_option("--body", p.body_file,
               "file with the content of a right answer (default: the first answer's)");
  a.add_option("--upload", w.upload, "send so many octets with each request (POST)");
  a.add_option("--timeout", w.timeout, "how long an answer may take (default 10s)");
}

}  // namespace

const char* name_of(Mode m) {
  static constexpr const char* names[] = {"http", "dns", "udp", "ip", "syn"};
  return names[static_cast<size_t>(m)];
}

std::variant<Plan, int> read_words(int argc, const char* const* argv) {
  Plan p;
  Words w;
  CLI::App cli{
      "sluice-load: load for HTTP and DNS servers and for routers, from one core through any DPDK port"};
  cli.require_subcommand(1);
  cli.set_version_flag("--version", std::string{"sluice-load "} + app::version);

  auto& http = *cli.add_subcommand("http", "requests over many connections, answers compared octet by octet");
  callers(http, w, p);
  http.add_flag("--hold", p.hold, "open the connections, keep them idle, say how many stand");

  auto& syn = *cli.add_subcommand("syn", "a flood of SYNs from random sources beside honest requests");
  callers(syn, w, p);
  syn.add_option("--flood-rate", w.flood_rate, "SYNs a second; max: as fast as it goes");
  syn.add_option("--flood-sources", w.flood_sources, "network they pretend to come from, like 10.0.0.0/8");

  auto& dns = *cli.add_subcommand("dns", "queries over UDP, answers checked");
  std::string server;
  dns.add_option("--server", server, "address of the server")->required();
  dns.add_option("--queries", p.queries_file, "file of queries, a name and a type a line");
  dns.add_option("--name-pattern", p.name_pattern,
                 "names like 'host{0..999999}.example.test', in random order");
  dns.add_option("--type", p.type, "what to ask about those names (default A)");
  dns.add_option("--outstanding", p.outstanding, "closed loop: queries under way (default 256)")
      ->check(CLI::Range(1u, 1'000'000u));
  std::string rcode;
  dns.add_option("--expect-rcode", rcode,
                 "NOERROR, NXDOMAIN, ... or a number (default: either of those two)");
  dns.add_option("--expect-answers", p.expect_answers, "how many answer records (default: any number)");
  dns.add_option("--timeout", w.timeout, "how long an answer may take (default 1s)");

  auto& udp =
      *cli.add_subcommand("udp", "UDP packets through a router, or to something that sends them back");
  auto& ip = *cli.add_subcommand("ip", "the same with bare IP packets; with --echo: pings");
  for (CLI::App* a : {&udp, &ip}) {
    a->add_option("--flows", p.flows, "flows each way (default 64)")->check(CLI::Range(1u, most_flows));
    a->add_option("--size", w.sizes,
                  "octets of the frame with its check sequence, imix, or all; may be repeated (default: the "
                  "smallest, 64, or what IPv6 and our stamp need)")
        ->allow_extra_args(false);
    a->add_option(
        "--target", w.target,
        "where to: ADDRESS or ADDRESS:PORT, [ADDRESS]:PORT of IPv6 (default: our own second address)");
    a->add_option("--targets", w.targets,
                  "where to: a network, in which --target-count addresses are spread evenly");
    a->add_option("--target-count", p.target_count, "see --targets")->check(CLI::Range(1u, most_flows));
    a->add_option("--target-list", p.target_list, "where to: a file of addresses, one a line, in turn");
    a->add_option("--peer-mac", w.peer_mac,
                  "MAC of who receives first (default: asked by ARP or Neighbour Discovery)");
    a->add_flag("--bidirectional", p.both_ways, "from the second device to the first as well");
    a->add_flag("--echo", p.echo, "the packets come back by the same device");
    a->add_option("--search", p.search,
                  "RFC 2544: the highest rate whose loss is at most this share, like 0.001")
        ->check(CLI::Range(0.0, 1.0));
  }
  for (CLI::App* a : {&http, &syn, &dns, &udp, &ip}) common(*a, w, p);

  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return cli.exit(e) == 0 ? 0 : bad_words;
  }
  for (const auto& [a, mode] : {std::pair{&http, Mode::Http},
                                {&dns, Mode::Dns},
                                {&udp, Mode::Udp},
                                {&ip, Mode::Ip},
                                {&syn, Mode::Syn}})
    if (a->parsed()) p.mode = mode;
  try {
    if (p.mode == Mode::Dns && dns.count("--timeout") == 0) w.timeout = "1s";
    p.duration = duration("--duration", w.duration);
    p.warmup = duration("--warmup", w.warmup);
    p.patience = duration("--patience", w.patience);
    p.timeout = duration("--timeout", w.timeout);
    p.rate = rate("--rate", w.rate);
    if (p.duration.ns <= 0) throw Wrong{"--duration " + w.duration + ": measure for some time"};
    legs(w, p);
    if (!p.four() && p.mtu < wire::Ip6::min_mtu)
      throw Wrong{"--mtu " + std::to_string(p.mtu) + ": IPv6 needs at least 1280 (RFC 8200 §5)"};
    if (p.mode == Mode::Udp || p.mode == Mode::Ip) packets(w, p);
    if (p.mode == Mode::Http || p.mode == Mode::Syn) connections(w, p);
    if (p.mode == Mode::Dns) {
      p.server = address("--server", server);
      same_family(p, "--server " + server, p.server);
      if (p.queries_file.empty() == p.name_pattern.empty())
        throw Wrong{"give either --queries or --name-pattern"};
      if (!rcode.empty()) p.expect_rcode = rcode_named(rcode);
    }
  } catch (const Wrong& e) {
    std::cerr << "sluice-load: " << e.text << '\n';
    return bad_words;
  }
  return p;
}

}  // namespace sluice::load

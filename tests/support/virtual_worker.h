// SPDX-License-Identifier: Apache-2.0
// One worker with its whole stack, in memory and in virtual time: a DNS server for example.test on port 53,
// an HTTP server with a small site on port 80, echo on port 7 and discard on port 9 of every address. What
// leaves it is proper, or the test ends.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dns/zone_check.h"
#include "stack.h"
#include "support/eal.h"
#include "support/memory_port.h"
#include "support/proper_frame.h"

namespace sluice::test {

inline std::shared_ptr<const dns::Zones> example_zones() {
  static const auto zones = [] {
    dns::Name apex;
    check(dns::Name::parse("example.test", dns::Name{}, apex) == nullptr, "a name");
    dns::Complaints complaints;
    const auto zone = dns::load_zone(
        "$TTL 60\n@ SOA ns1 host 1 7200 900 604800 300\n@ NS ns1\n"
        "ns1 A 192.0.2.1\nwww A 192.0.2.80\n*.wild TXT \"any\"\na CNAME www\n",
        "zone", apex, {}, {}, complaints);
    check(zone != nullptr, "the test's zone is good");
    return std::make_shared<const dns::Zones>(std::vector{zone});
  }();
  return zones;
}

inline std::string big_page() { return std::string(20'000, 'x'); }  // more than an initial window of TCP

inline std::shared_ptr<const serve::Sites> example_sites() {
  start_eal();
  static const auto sites = [] {
    auto content = std::make_unique<serve::Content>();
    check(content->add_file("/", "text/plain", as_bytes("hello\n"), 784111777), "memory");
    check(content->add_file("/big", "text/plain", as_bytes(big_page()), 784111777), "memory");
    auto all = std::make_shared<serve::Sites>();
    all->add({"www.example.test"}, std::move(content));
    check(all->ok(), "memory");
    return all;
  }();
  return sites;
}

// What it is made of; all options are the appliance's but for TCP's tables, which are small.
struct WorkerPlan {
  std::vector<buf::Interface> interfaces;
  std::shared_ptr<const ip::Routes> routes;             // none: the connected ones
  std::vector<std::shared_ptr<const ip::Routes>> vrfs;  // empty: the connected ones of the interfaces' VRFs
  std::vector<uint16_t> listens_in = {0};               // VRFs
  bool keeps_neighbours = true;
  link::Options link;
  ip::Options ip;
  udp::Options udp;
  tcp::Options tcp;
  link::NdOptions nd;
  std::vector<link::Advertise> advertise;
  http::Options http;
  uint64_t seed = 1;

  WorkerPlan(std::vector<buf::Interface> ports) : interfaces{std::move(ports)} {
    for (buf::Interface& i : interfaces) i.caps.tx_multi_segment = true;
    tcp.connections = tcp.half_open = tcp.time_waits = tcp.replies = 64;
  }
};

class VirtualWorker {
 public:
  explicit VirtualWorker(WorkerPlan p, buf::PacketPool& packets = packet_pool())
      : plan{std::move(p)}, rng_{plan.seed} {
    std::string wrong;
    const auto connected = [&](uint16_t vrf) {
      return ip::Routes::build(buf::of_vrf(plan.interfaces, vrf), {}, plan.ip, wrong);
    };
    if (!plan.routes) plan.routes = connected(0);
    if (plan.vrfs.empty())
      for (const buf::Interface& i : plan.interfaces)
        while (plan.vrfs.size() < i.vrf)
          plan.vrfs.push_back(connected(static_cast<uint16_t>(plan.vrfs.size() + 1)));
    check(wrong.empty(), "the test's routes are good");
    std::vector<buf::NetPort*> net_ports;
    for (size_t i = 0; i < plan.interfaces.size(); ++i)
      net_ports.push_back(ports_.emplace_back(std::make_unique<MemoryPort>(packets)).get());
    auto services = std::make_unique<serve::Services>(plan.tcp.connections, chunks_, count);
    const uint16_t site = services->add_http(example_sites(), plan.http);
    const uint16_t echoes = services->add_inetd(serve::InetdKind::Echo, {});
    const uint16_t discards = services->add_inetd(serve::InetdKind::Discard, {});
    std::vector<Listen> dns, echo, discard, streams;
    for (const uint16_t vrf : plan.listens_in) {
      dns.push_back({.port = {53}, .vrf = vrf});
      echo.push_back({.port = {7}, .vrf = vrf});
      discard.push_back({.port = {9}, .vrf = vrf});
      streams.push_back({.port = {80}, .service = site, .vrf = vrf});
      streams.push_back({.port = {7}, .service = echoes, .vrf = vrf});
      streams.push_back({.port = {9}, .service = discards, .vrf = vrf});
    }
    stack_.emplace(StackPlan{.link = plan.link,
                             .ip = plan.ip,
                             .udp = plan.udp,
                             .tcp = plan.tcp,
                             .interfaces = plan.interfaces,
                             .routes = plan.routes,
                             .dns = dns,
                             .streams = streams,
                             .echo = echo,
                             .discard = discard,
                             .keeps_neighbours = plan.keeps_neighbours,
                             .advertise = plan.advertise,
                             .nd = &plan.nd,
                             .vrfs = plan.vrfs},
                   net_ports, serve::DnsService{{example_zones()}}, std::move(services), packets, links_,
                   count, rng_, tcp::Keys{{1, 2}, {3, 4}, {5, 6}, {7, 8}});
    stack_->wall_clock(951782400);
  }

  Stack& stack() { return *stack_; }
  MemoryPort& port(size_t i) { return *ports_[i]; }
  // What left by the port since the last time.
  std::deque<std::vector<uint8_t>> sent(size_t i) {
    auto frames = ports_[i]->take_sent();
    for (const auto& f : frames)
      if (const char* fault = fault_of(f, i, plan.interfaces)) check(false, fault);
    return frames;
  }
  // Everything that is due now.
  void turn(Instant now) {
    for (int turns = 0; stack_->poll(now) != 0 || stack_->deadline() <= now; ++turns)
      check(turns < 10'000, "a moment's work comes to an end");
  }
  // Time passes from `now`, which follows; whatever is due on the way happens at its moment.
  void run(Instant& now, Duration d) {
    const Instant end = now + d;
    for (turn(now); stack_->deadline() <= end; turn(now)) now = stack_->deadline();
    now = end;
  }
  // Connections in any state but TIME-WAIT, which holds no packets.
  size_t connections() const {
    size_t n = 0;
    for (size_t s = 0; s < tcp::state_count; ++s)
      if (const auto state = static_cast<tcp::State>(s);
          state != tcp::State::TimeWait && state != tcp::State::Closed)
        n += stack_->tcp().connections(state);
    return n;
  }
  // Every drop counted so far.
  uint64_t drops() const {
    uint64_t n = 0;
    for (size_t i = 0; i < counter_count; ++i)
      if (counter_table()[i].is_drop) n += count[static_cast<Counter>(i)];
    return n;
  }

  WorkerPlan plan;
  Counters count;

 private:
  Rng rng_;
  std::vector<std::unique_ptr<MemoryPort>> ports_;
  buf::LinkPool links_{1024};
  buf::ChunkPool chunks_{64};
  std::optional<Stack> stack_;  // ends first: it holds parts of the pools
};

}  // namespace sluice::test

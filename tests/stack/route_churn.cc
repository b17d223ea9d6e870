// SPDX-License-Identifier: Apache-2.0
#include "route_churn.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <thread>

#include "io/quiescence.h"
#include "ip6.h"

namespace sluice::test {
namespace {

constexpr size_t watched = 128, burst = 32;
constexpr uint8_t gateways = 64;

Ip4Addr gateway4(uint8_t i) { return {us_wan.v + 9 + i}; }
Ip6Addr gateway6(uint8_t i) { return Ip6Addr::of(0x2001, 2, 0, 2, 0, 0, 1, i); }
IpAddr gateway(bool v6, uint8_t i) { return v6 ? IpAddr{gateway6(i)} : IpAddr{gateway4(i)}; }
Mac mac_of(uint8_t i) { return mac(static_cast<uint8_t>(0x80 + i)); }

// A step of the script; none: the route is removed.
struct Step {
  Prefix to;
  std::optional<uint8_t> via;
};
// The way of a watched address from change `since` on.
struct Way {
  size_t since;
  uint8_t via;
};

IpAddr truncated(const IpAddr& a, uint8_t length) {
  if (a.is_v4()) return Ip4Addr{a.v4().v & Ip4Addr::mask(length).v};
  std::array<uint8_t, 16> b;
  std::ranges::copy(a.bytes(), b.begin());
  for (size_t i = 0; i < b.size(); ++i) {
    const int keep = std::clamp(length - static_cast<int>(8 * i), 0, 8);
    b[i] &= static_cast<uint8_t>(0xff << (8 - keep));
  }
  return Ip6Addr::load(b.data());
}

// What is done to the table, and what it makes of each address.
struct Script {
  std::vector<IpAddr> addresses;
  std::vector<Step> steps;
  std::vector<std::vector<Way>> ways;

  Script(bool v6, size_t changes, Rng& rng) : ways(watched, {{0, 0}}) {
    for (size_t i = 0; i < watched; ++i) {
      const auto net = static_cast<uint16_t>(rng.below(1 << 16));
      addresses.push_back(v6 ? IpAddr{Ip6Addr::of(0x2001, 0xdb8, net, 0, 0, 0, net, 1)}
                             : IpAddr{Ip4Addr{0x0a00'0001u | static_cast<uint32_t>(net) << 8}});
    }
    // Nearly all are of the lengths that a table of the Internet is made of.
    const uint8_t least = v6 ? 33 : 9, most = v6 ? 128 : 32;
    const uint8_t usual_least = v6 ? 36 : 16, usual_most = v6 ? 48 : 24;
    std::map<std::pair<uint8_t, IpAddr>, uint8_t> table;
    while (steps.size() < changes) {
      const auto length = rng.chance(0.98)
                              ? static_cast<uint8_t>(usual_least + rng.below(usual_most - usual_least + 1u))
                              : static_cast<uint8_t>(least + rng.below(most - least + 1u));
      const IpAddr net = truncated(addresses[rng.below(watched)], length);
      Step step{{net, length}, {}};
      if (table.contains({length, net}) && rng.chance(0.5)) {
        table.erase({length, net});
      } else {
        step.via = static_cast<uint8_t>(1 + rng.below(gateways - 1));
        table[{length, net}] = *step.via;
      }
      steps.push_back(step);
      for (size_t w = 0; w < watched; ++w) {
        if (!step.to.contains(addresses[w])) continue;
        uint8_t now = 0;  // the default route's
        for (int l = most; l >= least && now == 0; --l) {
          const auto n = static_cast<uint8_t>(l);
          if (const auto at = table.find({n, truncated(addresses[w], n)}); at != table.end())
            now = at->second;
        }
        if (now != ways[w].back().via) ways[w].push_back({steps.size(), now});
      }
    }
  }
  // Whether `via` was the way of w at some moment while changes `from` to `to` were under way.
  bool right(size_t w, uint8_t via, size_t from, size_t to) const {
    auto at = std::ranges::upper_bound(ways[w], from, {}, &Way::since);
    for (--at; at != ways[w].end() && at->since <= to; ++at)
      if (at->via == via) return true;
    return false;
  }
};

std::vector<buf::Interface> ports() {
  std::vector<buf::Interface> p = two_ports();
  for (buf::Interface& i : p) i.ip6 = true;
  p[0].addresses.push_back({us6, 64});
  p[1].addresses.push_back({wan6, 64});
  for (uint8_t i = 0; i < gateways; ++i) {
    p[1].neighbours.push_back({gateway4(i), mac_of(i)});
    p[1].neighbours.push_back({gateway6(i), mac_of(i)});
  }
  return p;
}

Octets packet_to(const IpAddr& to, std::string_view text) {
  if (to.is_v4()) return frame(udp4({.dst = to.v4()}, 4000, 9000, text));
  return frame6(udp6({.dst = to.v6()}, 4000, 9000, text));
}

}  // namespace

RouteChurn route_churn(bool v6, size_t changes, uint64_t seed) {
  start_eal();
  RouteChurn out;
  Rng rng{seed};
  const Script script{v6, changes, rng};

  WorkerPlan plan{ports()};
  std::string wrong;
  const Prefix everything{v6 ? IpAddr{Ip6Addr{}} : IpAddr{Ip4Addr{}}, 0};
  const std::vector<ip::Route> statics{{.to = everything, .via = gateway(v6, 0), .port = 1}};
  const std::shared_ptr<ip::Routes> routes = ip::Routes::build(plan.interfaces, statics, plan.ip, wrong);
  check(routes != nullptr, "the test's routes are good");
  plan.routes = routes;
  VirtualWorker worker{std::move(plan)};
  Instant now{1'000'000'000};
  worker.run(now, 5_s);  // past the announcements
  worker.sent(0), worker.sent(1);

  io::Quiescence grace{1};
  routes->readers_from_now_on(&grace);
  std::atomic<size_t> begun{0}, done{0};
  std::atomic<bool> ready{false};
  std::atomic<uint64_t> refused{0};
  std::thread changer{[&] {
    while (!ready) std::this_thread::yield();
    const auto started = std::chrono::steady_clock::now();
    for (size_t i = 0; i < changes; ++i) {
      const Step& s = script.steps[i];
      begun.store(i + 1, std::memory_order_release);
      const std::string said =
          s.via ? routes->set({.to = s.to, .via = gateway(v6, *s.via), .port = 1}) : routes->remove(s.to);
      if (!said.empty()) ++refused;
      done.store(i + 1, std::memory_order_release);
    }
    out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  }};
  grace.enter(0);
  ready = true;
  do {
    std::array<uint8_t, burst> to;  // of each packet, the watched address
    for (size_t i = 0; i < burst; ++i) {
      to[i] = static_cast<uint8_t>(rng.below(watched));
      worker.port(0).arrive(packet_to(script.addresses[to[i]], std::string(1, static_cast<char>(i))));
    }
    const size_t from = done.load(std::memory_order_acquire);
    worker.turn(now);
    const size_t until = begun.load(std::memory_order_acquire);
    grace.between_bursts(0);
    now = now + 1_us;
    out.packets += burst;
    out.wrong += worker.sent(0).size();  // errors to the sender
    const Frames sent = worker.sent(1);
    out.lost += burst - std::min(sent.size(), burst);
    for (const Octets& f : sent) {
      const size_t i = f.back();
      const uint8_t via = static_cast<uint8_t>(f[5] - mac_of(0).b[5]);
      out.wrong += i >= burst || !script.right(to[i], via, from, until);
    }
  } while (done.load(std::memory_order_acquire) < changes);
  grace.leave(0);
  changer.join();
  out.changes = changes;
  out.refused = refused;
  return out;
}

}  // namespace sluice::test

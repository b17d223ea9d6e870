// SPDX-License-Identifier: Apache-2.0
// A load against the real stack in virtual time: our rooms on two ports, a whole worker (DNS, HTTP, router)
// at the other end of both, and a hand in between that may spoil what comes back.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "app/load/host.h"
#include "app/load/load.h"
#include "app/load/sources.h"
#include "support/frames.h"
#include "support/virtual_worker.h"

namespace sluice::test {

// In front of a port: `touch` may change a received frame, or say that it is lost; `again` has it come twice.
class TouchedPort final : public buf::NetPort {
 public:
  explicit TouchedPort(buf::NetPort& under) : under_{under} {}
  std::function<bool(MutBytes)> touch;
  bool again = false;

  void rx(buf::Batch& in) override {
    under_.rx(in);
    buf::Batch kept;
    for (buf::Packet& p : in) {
      const Octets copy{p.bytes().begin(), p.bytes().end()};
      if (!touch || touch(p.bytes())) kept.push(std::move(p));
      if (again && !kept.full()) kept.push(packet_of(copy));
    }
    in = std::move(kept);
  }
  void tx(buf::Batch& out) override { under_.tx(out); }

 private:
  buf::NetPort& under_;
};

class VirtualLoad : public PacketTest {
 protected:
  static constexpr Ip4Addr mine = Ip4Addr::of(198, 18, 0, 2), mine_wan = Ip4Addr::of(198, 19, 0, 2);
  // The same in IPv6.
  static constexpr Ip6Addr mine6 = Ip6Addr::of(0x2001, 2, 0, 0, 0, 0, 0, 2),
                           mine6_wan = Ip6Addr::of(0x2001, 2, 0, 1, 0, 0, 0, 2),
                           server6 = Ip6Addr::of(0x2001, 2, 0, 0, 0, 0, 0, 1),
                           server6_wan = Ip6Addr::of(0x2001, 2, 0, 1, 0, 0, 0, 1);
  static constexpr uint32_t source_count = 4;

  // `four`: both ends have IPv4 addresses, or else IPv6's.
  explicit VirtualLoad(uint32_t connections = 64, bool four = true) : server{server_plan(four)} {
    host_options.tcp.connections = connections;
    host_options.tcp.time_waits = 64;
    for (int i = 0; i < 2; ++i) {
      buf::Interface& leg =
          legs.emplace_back(buf::Interface{{.mac = mac(static_cast<uint8_t>(0x21 + i))}, {}});
      leg.caps.tx_multi_segment = true;
      leg.ip6 = !four;
      const load::Sources sources{
          four ? IpAddr{i == 0 ? mine : mine_wan} : IpAddr{i == 0 ? mine6 : mine6_wan}, source_count};
      for (uint32_t n = 0; n < source_count; ++n)
        leg.addresses.push_back({sources.address(n), static_cast<uint8_t>(four ? 24 : 64)});
      wires.push_back(std::make_unique<MemoryPort>(packet_pool()));
      wires.back()->connect(server.port(static_cast<size_t>(i)));
      touched.push_back(std::make_unique<TouchedPort>(*wires.back()));
    }
    std::string wrong;
    auto routes = ip::Routes::build(legs, {}, host_options.ip, wrong);
    check(routes != nullptr, "the test's routes are good");
    buf::NetPort* ports[] = {touched[0].get(), touched[1].get()};
    host.emplace(host_options, legs, std::move(routes), ports, packet_pool(), links, count, rng,
                 tcp::Keys{{1, 2}, {3, 4}, {5, 6}, {7, 8}});
  }

  static WorkerPlan server_plan(bool four) {
    WorkerPlan p{two_ports()};
    p.nd.dad_transmits = 0;
    if (four) return p;
    p.interfaces[0].addresses = {{server6, 64}};
    p.interfaces[1].addresses = {{server6_wan, 64}};
    for (buf::Interface& i : p.interfaces) i.ip6 = true;
    return p;
  }

  // Both ends for `d`, a turn each 10 us.
  void run(load::Load& l, Duration d) {
    for (const Instant end = now + d; now < end; now = now + 10_us) {
      l.turn(now);
      server.stack().poll(now);
    }
  }
  bool get_ready(load::Load& l, Duration patience = 3_s) {
    for (const Instant end = now + patience; now < end; now = now + 10_us) {
      if (l.ready(now)) return true;
      l.turn(now);
      server.stack().poll(now);
    }
    return false;
  }
  // All of a run but the waiting: what is counted is of `d`.
  void measure(load::Load& l, Duration d, Duration drain = 10_ms) {
    ASSERT_TRUE(get_ready(l)) << l.missing();
    l.start(now);
    run(l, 5_ms);
    l.tally.clear();
    l.measure(now);
    run(l, d);
    l.stop(now);
    run(l, drain);
    while (l.leave(now)) {
    }
    run(l, 10_ms);
  }

  Instant now{1'000'000'000};
  VirtualWorker server;
  load::HostOptions host_options;
  std::vector<buf::Interface> legs;
  std::vector<std::unique_ptr<MemoryPort>> wires;
  std::vector<std::unique_ptr<TouchedPort>> touched;
  buf::LinkPool links{4'096};
  Counters count;
  Rng rng{1};
  std::optional<load::Host> host;
};

}  // namespace sluice::test

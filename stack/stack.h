// SPDX-License-Identifier: Apache-2.0
// One worker's whole stack, and the only file that sees every room: rooms do not know each other, what must
// cross between them crosses here, as a value.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/counters.h"
#include "base/instant.h"
#include "base/lines.h"
#include "base/rng.h"
#include "base/stage_meter.h"
#include "buf/byte_queue.h"
#include "buf/interface.h"
#include "buf/pool.h"
#include "buf/port.h"
#include "ip/ip.h"
#include "ip/ip6.h"
#include "link/link.h"
#include "link/vlan.h"
#include "serve/dns_service.h"
#include "serve/services.h"
#include "tcp/tcp.h"
#include "udp/udp.h"

namespace sluice {

// Where a service is reached.
struct Listen {
  IpAddr addr;  // none: any address of ours
  Port port;
  uint16_t service = 0;  // which of the services of its kind
  std::optional<tcp::Algorithm> congestion{};
  tcp::ListenerLimits limits{};
  uint16_t vrf = 0;
};

// What a stack is made of. References and spans need only live while it is made; options as long as the
// stack.
struct StackPlan {
  const link::Options& link;
  const ip::Options& ip;
  const udp::Options& udp;
  const tcp::Options& tcp;
  std::span<const buf::Interface> interfaces;  // [port]
  std::shared_ptr<const ip::Routes> routes;    // of the default VRF
  std::span<const Listen> dns;
  std::span<const Listen> streams;                  // service: as Services numbers them
  std::span<const Listen> echo, discard;            // datagrams; all their services are alike
  bool keeps_neighbours = true;                     // this worker is ARP's and ND's writer: exactly one is
  StageMeter* meter = nullptr;                      // outlives the stack; none: nothing is measured
  std::span<const link::Advertise> advertise = {};  // [port], or empty: whom we tell that we are a router
  const link::NdOptions* nd = nullptr;              // null: the defaults
  // The routes of the other VRFs: of number 1, 2 and so on, to which interfaces and listeners belong.
  std::vector<std::shared_ptr<const ip::Routes>> vrfs = {};
};

// What changes while a stack runs. `wiring`, `interfaces`: the ports there were, under their numbers, and
// what is new behind them; a port that is no more has neither addresses nor IPv6, and a number changes its
// VRF only in between. `dns`: of the same services. `vrfs`: as in StackPlan; those that there were, and new
// ones behind them. The caller keeps what the old ones were made of until all stacks have changed.
struct StackChange {
  link::Wiring wiring;
  std::vector<buf::Interface> interfaces;  // [port]
  std::vector<link::Advertise> advertise;  // [port]
  serve::DnsService dns;
  std::vector<std::shared_ptr<const ip::Routes>> vrfs = {};
};

class alignas(cache_line) Stack {
 public:
  // `ports[i]` belongs to plan.interfaces[i]. Ports, pool, counters and rng outlive the stack.
  Stack(const StackPlan& plan, std::span<buf::NetPort* const> ports, serve::DnsService dns,
        std::unique_ptr<serve::Services> services, buf::PacketPool& pool, buf::LinkPool& links,
        Counters& count, Rng& rng, const tcp::Keys& keys);

  // One turn: takes a burst from each port, lets every room do what is due by `now`, sends what came of it.
  // Never waits. Returns how many packets came in or went out: 0 means that the worker may rest until
  // deadline().
  size_t poll(Instant now);
  // Between two turns.
  void change(const StackChange&, Instant now);
  // When poll() has something to do though no packet comes.
  Instant deadline() const;

  // Messages between workers about neighbours: what this worker wants to tell, and what others told it.
  void take_messages(link::Messages& out) { link_.take_messages(out); }
  void on_message(const link::Message& m, Instant now) {
    link_.on_message(m, now, out_);
    if (m.kind == link::Message::Kind::Address) follow_addresses();
  }

  // Seconds since 1970, for the Date of responses; to be told once a second.
  void wall_clock(uint64_t seconds) { services_->date(static_cast<int64_t>(seconds)); }
  // Ends every connection, with a reset to its peer, before the worker ends.
  void shut_down(Instant now);

  const tcp::Tcp& tcp() const { return tcp_; }
  const link::Link& link() const { return link_; }
  const ip::Fragments& fragments() const { return fragments_; }

 private:
  // What TCP must know of the way to a peer, from ip.
  class Paths final : public tcp::Surroundings {
   public:
    explicit Paths(const Stack& stack) : stack_{stack} {}
    tcp::Path path_to(const IpAddr& remote, uint16_t vrf) override;

   private:
    const Stack& stack_;
  };
  // What knows addresses and routes, once for each VRF: what is in none of its members cannot be found there.
  struct alignas(cache_line) Vrf {
    uint16_t number;
    ip::Ip ip;
    ip::Ip6 ip6;
  };

  void add_vrf(std::shared_ptr<const ip::Routes>, std::span<const buf::Interface>);
  void belong(std::span<const buf::Interface>);
  Vrf& vrf_of_port(uint16_t port) { return *vrfs_[vrf_of_[port]]; }
  void rx(uint16_t port, buf::Batch& frames);
  void expire(Instant now);
  void input(uint16_t port, buf::Batch& frames, Instant now);
  void input6(Vrf&, buf::Batch& frames, ip::In& transports, Instant now);
  void reassemble(Vrf&, ip::In& packets, Instant now);
  void reassemble6(Vrf&, ip::In6& packets, ip::In& transports, Instant now);
  void pass_on(buf::Batch& packets);
  void forward_followed(Vrf&, Instant now);
  void icmp(Vrf&, buf::Batch& in, Instant now);
  void tell_tcp(const ip::IcmpErrors&, Instant now);
  void datagrams(Vrf&, buf::Batch& in, Instant now);
  void answer_dns(std::span<udp::Datagram>, buf::Transmits& answers);
  void answer_inetd(serve::InetdKind, std::span<udp::Datagram>, buf::Transmits& answers);
  void streams(Instant now);
  void segments(Instant now);
  void undeliverable(Instant now);
  void refuse(buf::Batch& packets, ip::Refusal, Instant now);
  void refuse(Vrf&, buf::Batch& packets, ip::Refusal, Instant now);
  void follow_addresses();
  void send(buf::Egresses& packets, Instant now);
  void send(buf::Transmits& packets, Instant now);
  void send(Vrf&, buf::Transmits& packets, Instant now);

  const ip::Options& ip_options_;
  Rng& rng_;
  std::vector<buf::NetPort*> ports_;
  size_t sent_ = 0;  // frames handed to ports in this turn
  link::TxOut out_;
  link::Link link_;
  ip::Fragments fragments_;
  std::vector<std::unique_ptr<Vrf>> vrfs_;  // [VRF]; never fewer
  std::vector<uint16_t> vrf_of_;            // [port]
  udp::Udp udp_;
  Paths paths_;
  tcp::Tcp tcp_;
  serve::DnsService dns_;
  std::unique_ptr<serve::Services> services_;
  Counters& count_;
  StageMeter* meter_;
};
static_assert(owns_its_lines<Stack>);

}  // namespace sluice

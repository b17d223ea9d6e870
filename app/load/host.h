// SPDX-License-Identifier: Apache-2.0
// The rooms of a host that only calls, strung together: link, ip (both families), tcp, and answers to pings.
// The sibling of stack.h, which serves: here streams belong to a load, and nothing listens.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/counters.h"
#include "base/instant.h"
#include "base/rng.h"
#include "buf/byte_queue.h"
#include "buf/interface.h"
#include "buf/pool.h"
#include "buf/port.h"
#include "ip/ip.h"
#include "ip/ip6.h"
#include "link/link.h"
#include "tcp/tcp.h"

namespace sluice::load {

struct HostOptions {
  link::Options link;
  link::NdOptions nd{.dad_transmits = 0};  // a test bed's addresses are ours at once
  ip::Options ip{.forward = false};
  tcp::Options tcp;
};

class Host {
 public:
  // `ports[i]` belongs to interfaces[i]. Ports, options, pools, counters and rng outlive the host.
  Host(const HostOptions&, std::span<const buf::Interface>, std::shared_ptr<const ip::Routes>,
       std::span<buf::NetPort* const> ports, buf::PacketPool&, buf::LinkPool&, Counters&, Rng&,
       const tcp::Keys&);

  // Takes a burst from each port into the rooms. Returns how many frames that were.
  size_t receive(Instant now);
  // The same for frames that were already taken from a port.
  void input(uint16_t port, buf::Batch& frames, Instant now);
  // Sends what the rooms have to say. Returns how many frames that were.
  size_t send(Instant now);
  // Neighbours and announcements; to be called about once a millisecond.
  void expire(Instant now);

  // The MAC of a neighbour. Nothing while it has not answered; who asks makes us ask it.
  std::optional<Mac> mac_of(uint16_t port, const IpAddr& neighbour, Instant now);

  tcp::Tcp& tcp() { return tcp_; }

 private:
  class Paths final : public tcp::Surroundings {
   public:
    Paths(const ip::Ip& ip, const ip::Ip6& ip6) : ip_{ip}, ip6_{ip6} {}
    tcp::Path path_to(const IpAddr& remote, uint16_t vrf) override;

   private:
    const ip::Ip& ip_;
    const ip::Ip6& ip6_;
  };
  void input6(buf::Batch& frames, ip::In& transports, Instant now);
  void follow_addresses();
  void send(buf::Egresses& packets, Instant now);

  std::vector<buf::NetPort*> ports_;
  std::shared_ptr<const ip::Routes> routes_;
  size_t sent_ = 0;
  link::TxOut out_;
  link::Link link_;
  ip::Fragments fragments_;
  ip::Ip ip_;
  ip::Ip6 ip6_;
  Paths paths_;
  tcp::Tcp tcp_;
};

}  // namespace sluice::load

// SPDX-License-Identifier: Apache-2.0
// Packets through a router, or to something that sends them back: numbered, stamped, checked. Sent straight
// to the port in bursts; only ARP, Neighbour Discovery and pings go through the host's rooms. Knows no device
// and no clock.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/load/frame.h"
#include "app/load/host.h"
#include "app/load/load.h"
#include "app/load/pace.h"
#include "app/load/sequence.h"
#include "app/load/sources.h"
#include "app/load/targets.h"

namespace sluice::load {

struct PacketPlan {
  struct Way {               // one direction
    size_t out = 0, in = 0;  // leg sent by, leg they come back by
    Targets targets;
    IpAddr next_hop;
  };
  Carrier carrier = Carrier::Udp;
  bool four = true;             // IPv4, or else IPv6: of all addresses
  std::vector<uint16_t> sizes;  // of frames with check sequence, in turn; more than one: a mix
  uint32_t flows = 64;          // each way
  Port target_port{9};
  double rate = 0;  // packets a second, all ways together; 0: as fast as it goes
  std::vector<Way> ways;
  Mac peer_mac;  // zero: the next hop's, by ARP or Neighbour Discovery
};

// The simple IMIX: 7 of 64, 4 of 594, 1 of 1518 octets, well mixed; of `least` where that is more.
std::vector<uint16_t> imix(uint16_t least = Frame::smallest);

class PacketLoad final : public Load {
 public:
  struct Leg {
    buf::NetPort* port;
    Mac mac;
    Sources sources;
  };
  PacketLoad(PacketPlan, std::vector<Leg>, Host&, buf::PacketPool&);

  size_t turn(Instant now) override;
  bool ready(Instant now) override;
  std::string missing() const override;
  void start(Instant now) override;
  void measure(Instant now) override;
  void stop(Instant now) override;
  bool drained() const override { return tally.received >= tally.sent; }
  bool leave(Instant) override { return false; }

 private:
  // Packet n of a way is packet n / flows of flow n % flows, so a counter is all that sending keeps.
  struct Way {
    PacketPlan::Way plan;
    std::vector<Frame> frames;   // [place in the mix]
    std::vector<Sequence> seen;  // [flow]
    Pace pace;
    uint64_t made = 0;     // packets written
    uint64_t skipped = 0;  // places in the schedule given up, because nobody could keep it
    uint64_t counted = 0;  // the first packet that counts
    buf::Batch waiting;    // written, and not yet taken by the device
    bool found = false;    // the next hop's MAC
  };

  size_t receive(size_t leg, Instant now);
  void look(buf::Packet&, buf::Batch& others, Instant now);
  void arrived(const Stamp&, size_t octets, Instant now);
  size_t send(size_t way, Instant now);
  uint64_t due(Way&, Instant now) const;
  const Frame* frame_of(size_t length) const;

  PacketPlan plan_;
  std::vector<Leg> legs_;
  Host& host_;
  buf::PacketPool& pool_;
  std::vector<Way> ways_;
  std::vector<std::pair<size_t, const Frame*>> by_length_;
  Instant next_expire_;
  bool sending_ = false;
};

}  // namespace sluice::load

// SPDX-License-Identifier: Apache-2.0
// A Segment becomes a packet: the only place where text is copied or attached.
#pragma once

#include <optional>

#include "base/counters.h"
#include "buf/byte_queue.h"
#include "buf/pool.h"
#include "buf/transmit.h"
#include "tcp/options.h"
#include "tcp/segment.h"

namespace sluice::tcp {

// What the way to a peer can carry.
struct Path {
  uint16_t mtu = 1500;                    // octets of an IP packet
  bool tcp_segmentation : 1 = false;      // the device cuts segments (TSO); implies multi_segment
  bool multi_segment : 1 = false;         // the device takes chained packets
  std::optional<Algorithm> congestion{};  // of congestion control, when the route says so
  uint16_t seen = 0;                      // after how many changes of all paths, modulo 65,536
};

class Output {
 public:
  // Text up to this is copied: a second mbuf costs an allocation, a chain, a descriptor of the device and a
  // release, a response of head and page two of each, which is more than copying what an Ethernet frame
  // holds.
  static constexpr uint32_t copy_most = 1460;
  // Pieces a packet may be made of; devices refuse long chains (many allow 40, virtio and vmxnet3 less).
  static constexpr uint32_t most_pieces = 16;

  Output(buf::PacketPool& pool, Counters& count) : pool_{pool}, count_{count} {}

  // Packets that a segment of `text` octets may become at most; `out` must have room for them.
  static size_t packets(uint32_t text, uint32_t mss) { return text <= mss ? 1 : (text + mss - 1) / mss; }
  // Appends the packets to `out`. `sending` holds the text; may be null when there is none. A packet that
  // cannot be had is a segment lost, counted, and the timers' business.
  void emit(const Tuple&, const Segment&, const buf::ByteQueue* sending, const Path&, buf::Transmits& out);

 private:
  bool one(const Tuple&, const Segment&, const buf::ByteQueue* sending, bool attach, buf::Transmits& out);
  bool copy(buf::Packet&, const Segment&, const buf::ByteQueue& sending);
  bool attach(buf::Packet&, const Segment&, const buf::ByteQueue& sending);

  buf::PacketPool& pool_;
  Counters& count_;
};

}  // namespace sluice::tcp

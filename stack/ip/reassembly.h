// SPDX-License-Identifier: Apache-2.0
// Datagrams for us that come in fragments: RFC 791 §3.2, RFC 1122 §3.3.2, RFC 8200 §4.5. An overlap condemns
// the whole datagram (RFC 5722), whichever family. Both families share its bounds; knows no clock.
#pragma once

#include "buf/pool.h"
#include "ip/options.h"
#include "ip/pieces.h"

namespace sluice::ip {

class Reassembly {
 public:
  // What the headers of one fragment say; whoever read them has proved that its octets are there, that there
  // are some, and a multiple of 8 where more follow.
  struct Fragment {
    DatagramId id;
    uint32_t at = 0;    // octets in front of its own
    uint16_t size = 0;  // its own
    uint16_t from = 0;  // octets from the packet's start to them
    bool more = false;
    uint8_t ecn = 0;  // RFC 3168 §5
    // Of the fragment at 0: how many octets from the packet's start stand in front of the whole datagram, and
    // an octet among them that then reads otherwise (at 0: none).
    uint16_t header = 0;
    uint16_t patch_at = 0;
    uint8_t patch = 0;
    // The transport keeps what it gets: none of the large buffers is for it.
    bool small = false;
  };

  // `pool` and `counters` outlive it.
  Reassembly(const Options&, buf::PacketPool& pool, SipKey, Counters&);

  // Takes a contiguous packet. When the datagram is complete, returns it: contiguous, l2_len set, its lengths
  // and an IPv4 checksum as if it had come so; without a frame's header (l2_len 0) where with it the datagram
  // would be longer than any buffer.
  buf::Packet add(buf::Packet&&, const Fragment&, Instant now);
  // Forgets what is due; of datagrams whose first fragment is there that one is put into `out`, for an ICMP
  // error. True: `out` is full and there is more.
  bool expire(Instant now, buf::Batch& out);
  Instant deadline() const { return pieces_.deadline(); }
  const Pieces& pieces() const { return pieces_; }

 private:
  struct Place {
    uint32_t behind = no_index;
    bool duplicate = false, overlaps = false;
  };
  Place place_of(const buf::Packet&, const Fragment&, const Pieces::Datagram&);
  void refuse(uint32_t datagram, Counter why);
  buf::Packet rebuilt(uint32_t datagram);
  buf::Packet room_for(const Pieces::Datagram&, size_t l2);

  buf::PacketPool& pool_;
  Counters& count_;
  uint32_t fragments_most_;
  Pieces pieces_;
};

}  // namespace sluice::ip

// SPDX-License-Identifier: Apache-2.0
// What both families need for datagrams in fragments: those that come for us, those that pass, and the pieces
// of what is too large for its way out. One per worker.
#pragma once

#include "base/rng.h"
#include "buf/pool.h"
#include "buf/transmit.h"
#include "ip/fragment_id.h"
#include "ip/reassembly.h"
#include "ip/virtual_reassembly.h"

namespace sluice::ip {

// Where packets go meanwhile when one that is cut makes more of them than a burst has room for.
struct Onward {
  void (*send)(void* to, buf::Egresses& out, Instant now) = nullptr;  // leaves `out` empty
  void* to = nullptr;
};

class Fragments {
 public:
  // All outlive it. Without `onward`, pieces for which there is no room in a burst are lost.
  Fragments(const Options&, buf::PacketPool&, Counters&, Rng&, Onward onward = {});

  Reassembly reassembly;
  VirtualReassembly following;
  FragmentIds ids;

  // A packet with room for `header` octets in front, and after them a copy of `size` octets from `at` of
  // `whole`. Empty: no packet is left, and the caller counts it.
  buf::Packet piece(const buf::Packet& whole, uint32_t at, uint32_t size, size_t header);
  // Puts a piece behind what is in `out`, which is sent on when it is full.
  void push(buf::Egress&&, Instant now, buf::Egresses& out);
  // After the last piece of a datagram, or the last there was a packet for: there is room again for as many
  // packets as a burst has.
  void pushed(Instant now, buf::Egresses& out);

  Instant deadline() const { return std::min(reassembly.deadline(), following.deadline()); }

 private:
  buf::PacketPool& pool_;
  Counters& count_;
  Onward onward_;
};

// Octets of a piece's payload under an MTU: a multiple of 8 (RFC 791 §3.2, RFC 8200 §4.5).
constexpr uint32_t piece_octets(size_t mtu, size_t header) {
  return static_cast<uint32_t>((mtu - header) & ~size_t{7});
}

}  // namespace sluice::ip

// SPDX-License-Identifier: Apache-2.0
// Datagrams of which some fragments have come: bounded in number, in packets, in time, and in what one source
// may take of both. Knows neither what is done with them nor a clock.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "base/counters.h"
#include "base/flow_table.h"
#include "base/instant.h"
#include "base/lines.h"
#include "base/list.h"
#include "base/siphash.h"
#include "base/slab.h"
#include "buf/packet.h"
#include "wire/ip_addr.h"

namespace sluice::ip {

// What the fragments of a datagram have in common: RFC 791 §3.2, RFC 8200 §4.5.
struct DatagramId {
  IpAddr src, dst;  // zoned
  uint32_t id = 0;
  uint8_t proto = 0;  // IPv4 only
  uint16_t vrf = 0;
  friend constexpr bool operator==(const DatagramId&, const DatagramId&) = default;
};

// When a source has its share, its own oldest datagram goes; when all is taken, the oldest of all. So one who
// floods displaces himself, and many who do leave the youngest, whose fragments are still coming.
class Pieces {
 public:
  struct Limits {
    uint32_t datagrams, packets;
    uint32_t per_source;    // datagrams and packets together
    Duration time4, time6;  // from a datagram's first piece on; more of them give it no more time
  };
  struct Piece {
    buf::Packet packet;
    uint32_t next = no_index;
    uint16_t at = 0;    // octets of the datagram's payload in front of it
    uint16_t size = 0;  // octets of it
    uint16_t from = 0;  // octets from the packet's start to them
  };
  // All but `id` and the pieces is for whoever uses it.
  struct Datagram {
    DatagramId id;
    uint32_t first = no_index, last = no_index, count = 0;  // pieces, in their order
    uint32_t octets = 0;                                    // of all pieces
    uint32_t end = no_length;  // octets of the whole payload, once the last piece has told
    uint32_t ports = 0;
    uint16_t header = 0;              // octets of the first piece that stand in front of the whole
    uint16_t patch_at = 0;            // where among them `patch` goes; 0: nowhere
    uint8_t patch = 0, ecn_seen = 0;  // ecn_seen: a bit for each of the four codepoints
    bool refused = false, known = false, small = false;

   private:
    friend class Pieces;
    Instant born;
    uint32_t hash = 0;
    uint32_t older = no_index, younger = no_index;  // of the same source
    uint16_t source = 0;
  };
  static constexpr uint32_t no_length = UINT32_MAX;

  // `key` hides from peers which sources share their share.
  Pieces(const Limits&, SipKey key, Counters&);

  uint32_t find(const DatagramId&) const;  // no_index: there is none
  // One more datagram, which is not there yet.
  uint32_t open(const DatagramId&, Instant now);
  Datagram& operator[](uint32_t datagram) { return datagrams_[datagram]; }
  Piece& piece(uint32_t i) { return pieces_[i]; }
  // Puts a piece behind another (no_index: in front). False: it had to make room for others, with its
  // datagram; both are gone.
  bool hold(uint32_t datagram, uint32_t behind, Piece&&);
  // Takes the first piece's packet out; the datagram has one.
  buf::Packet take_first(uint32_t datagram);
  void empty(uint32_t datagram);  // of its pieces
  void close(uint32_t datagram);

  // A datagram whose time is over; no_index: none.
  uint32_t overdue(Instant now) const;
  Instant deadline() const;  // never(): nothing is waited for

  // Packets held now. Any thread may ask.
  uint32_t packets() const { return packets_held_.load(std::memory_order_relaxed); }
  uint32_t datagrams() const { return datagrams_.size(); }

 private:
  struct Source {
    uint32_t oldest = no_index, youngest = no_index;
    uint32_t share = 0;
  };
  static constexpr size_t source_count = 4096;
  static constexpr uint32_t families = 2;
  static uint32_t family(const Datagram& d) { return d.id.src.is_v4() ? 0 : 1; }

  uint32_t hash(const DatagramId&) const;
  uint32_t oldest() const;
  void shed(uint32_t datagram);
  void release(Datagram&, uint32_t piece);
  Instant due(uint32_t family) const;

  Limits limits_;
  SipKey key_;
  Counters& count_;
  Slab<Datagram> datagrams_;
  Slab<Piece> pieces_;
  FlowTable table_;
  std::array<IndexList, families> ages_;  // the oldest in front
  LineVector<Source> sources_;
  std::atomic<uint32_t> packets_held_{0};
};

}  // namespace sluice::ip

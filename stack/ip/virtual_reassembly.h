// SPDX-License-Identifier: Apache-2.0
// Fragments that pass through: each learns the ports of its flow from its datagram's first fragment, so that
// all go the flow's way and to its worker, without being put together. Those that come before the first wait
// for it. Bounded; knows no clock.
#pragma once

#include <vector>

#include "base/lines.h"
#include "ip/options.h"
#include "ip/pieces.h"

namespace sluice::ip {

class VirtualReassembly {
 public:
  // What the headers of one fragment say.
  struct Fragment {
    DatagramId id;
    bool first = false;
    uint32_t ports = 0;  // of the first one, the source's in the upper half
  };

  // `counters` outlives it.
  VirtualReassembly(const Options&, SipKey, Counters&);

  // Takes the packet; take() gives it out, now or later.
  void add(buf::Packet&&, const Fragment&, Instant now);
  // A packet whose flow needs no ports.
  void pass(buf::Packet&& p) { ready_.push_back(std::move(p)); }
  // Moves to `out` as many packets that know their ports as it has room for. To be called until there are
  // none before more than a burst is added. False: there were none.
  bool take(buf::Batch& out);
  // Forgets what is due.
  void expire(Instant now);
  Instant deadline() const { return pieces_.deadline(); }
  const Pieces& pieces() const { return pieces_; }

 private:
  void known(buf::Packet&&, uint32_t ports);

  Counters& count_;
  Pieces pieces_;
  LineVector<buf::Packet> ready_;  // never grows past its first capacity
  size_t taken_ = 0;
};

}  // namespace sluice::ip

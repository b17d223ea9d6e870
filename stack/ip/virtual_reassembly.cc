// SPDX-License-Identifier: Apache-2.0
#include "ip/virtual_reassembly.h"

namespace sluice::ip {

using buf::Packet;

VirtualReassembly::VirtualReassembly(const Options& o, SipKey key, Counters& count)
    : count_{count},
      pieces_{{.datagrams = o.follow_datagrams,
               .packets = o.follow_packets,
               .per_source = o.follow_per_source,
               .time4 = o.follow_time,
               .time6 = o.follow_time},
              key,
              count} {
  ready_.reserve(o.follow_packets + buf::burst_size);
}

void VirtualReassembly::add(Packet&& packet, const Fragment& f, Instant now) {
  uint32_t i = pieces_.find(f.id);
  if (i == no_index) i = pieces_.open(f.id, now);
  Pieces::Datagram& d = pieces_[i];
  if (!f.first && !d.known) {
    if (pieces_.hold(i, d.last, {.packet = std::move(packet)})) count_.add(Counter::ip_fragments_held);
    return;
  }
  if (f.first) {  // the youngest: identifications are used again
    d.known = true;
    d.ports = f.ports;
  }
  known(std::move(packet), d.ports);
  while (d.first != no_index) known(pieces_.take_first(i), d.ports);
}

void VirtualReassembly::known(Packet&& p, uint32_t ports) {
  count_.add(Counter::ip_fragments_followed);
  p.flow_ports(ports);
  ready_.push_back(std::move(p));
}

bool VirtualReassembly::take(buf::Batch& out) {
  while (taken_ < ready_.size() && !out.full()) out.push(std::move(ready_[taken_++]));
  if (taken_ == ready_.size()) {
    ready_.clear();
    taken_ = 0;
  }
  return !out.empty();
}

void VirtualReassembly::expire(Instant now) {
  for (uint32_t i; (i = pieces_.overdue(now)) != no_index;) {
    count_.add(Counter::ip_fragment_timeout, pieces_[i].count);
    pieces_.close(i);
  }
}

}  // namespace sluice::ip

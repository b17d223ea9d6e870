// SPDX-License-Identifier: Apache-2.0
// Neighbours by Neighbour Discovery: RFC 4861 §7.2, and what duplicate address detection hears (RFC 4862
// §5.4.3 to §5.4.5, RFC 7527 §4.2). An entry is made only by our own solicitation or by a solicitation to us.
#include <algorithm>

#include "link/link.h"
#include "wire/ip6.h"
#include "wire/mld.h"

namespace sluice::link {

using buf::Egress;
using buf::Packet;
using wire::Icmp6Type;
using wire::NeighbourMessage;
using enum NeighbourState;

void Link::nd(buf::Batch& packets, Instant now, TxOut& out) {
  buf::for_each_ahead(packets, [&](Packet& p) { on_nd(std::move(p), now, out); });
  packets.clear();
}

void Link::on_nd(Packet&& packet, Instant now, TxOut& out) {
  const Packet p{std::move(packet)};
  const uint16_t port = p.ingress();
  if (!writer_) return count_.add(Counter::nd_not_writer);
  const auto ip = *wire::Ip6::parse(p.l3());
  const Bytes message = p.l4();
  const Ip6Addr src = ip.src(), dst = ip.dst();
  if (wire::Ethernet::parse(p.bytes())->src() == ports_[port].caps.mac) return count_.add(Counter::nd_own);
  switch (static_cast<Icmp6Type>(message[0])) {
    case Icmp6Type::NeighbourSolicitation:
    case Icmp6Type::NeighbourAdvertisement: {
      const auto m = NeighbourMessage::parse(message);
      if (!m) return count_.add(m.why());
      if (m->is_solicitation()) return on_solicitation(port, src, dst, *m, now, out);
      if (dst.is_multicast() && m->solicited()) return count_.add(Counter::nd_invalid);  // §7.1.2
      return on_advertisement(port, *m, now, out);
    }
    case Icmp6Type::RouterSolicitation: {
      const auto m = wire::RouterSolicitation::parse(message);
      if (!m) return count_.add(m.why());
      if (src.is_unspecified() && m->options().source) return count_.add(Counter::nd_invalid);  // §6.1.1
      if (m->options().source) hear6(port, src, *m->options().source, now, out);
      return nd_.on_router_solicitation(port, now);
    }
    case Icmp6Type::RouterAdvertisement: {
      const auto m = wire::RouterAdvertisement::parse(message);
      if (!m) return count_.add(m.why());
      if (!src.is_link_local()) return count_.add(Counter::nd_invalid);  // §6.1.2
      const auto options = wire::NdOptions::parse(m->options());
      if (ports_[port].slaac && options->source) hear6(port, src, *options->source, now, out);
      return nd_.on_router_advertisement(port, src, *m, now);
    }
    case Icmp6Type::MldQuery: {
      const auto m = wire::MldQuery::parse(message);
      if (!m) return count_.add(m.why());
      return nd_.on_query(port, m->group(), m->max_response_ms(), now);
    }
    default:
      return count_.add(Counter::nd_redirect_ignored);
  }
}

void Link::on_solicitation(uint16_t port, const Ip6Addr& src, const Ip6Addr& dst, const NeighbourMessage& m,
                           Instant now, TxOut& out) {
  OwnAddress6* us = nd_.own(port, m.target());
  const bool probe = src.is_unspecified();
  // §7.1.1: a probe goes to the group and says no MAC.
  if (probe && (dst != m.target().solicited_node() || m.options().source))
    return count_.add(Counter::nd_invalid);
  if (us == nullptr) return count_.add(Counter::nd_not_ours);
  if (!us->usable()) {
    // RFC 7527 §4.2: our own probe come back by a loop is no conflict.
    if (probe && m.options().nonce == us->nonce() && us->nonce() != 0) return count_.add(Counter::nd_own);
    if (probe) nd_.lose(*us);
    return count_.add(Counter::nd_tentative);
  }
  count_.add(Counter::nd_solicitations_in);
  if (probe) return say(nd_.advertise(port, m.target(), Ip6Addr::all_nodes(), false), now, out);
  if (m.options().source) hear6(port, src, *m.options().source, now, out);
  say(nd_.advertise(port, m.target(), src, true), now, out);
}

// §7.2.5.
void Link::on_advertisement(uint16_t port, const NeighbourMessage& m, Instant now, TxOut& out) {
  if (OwnAddress6* us = nd_.own(port, m.target())) {
    count_.add(Counter::nd_conflict);
    return nd_.lose(*us);
  }
  Neighbour* n = neighbours_.find(port, m.target());
  if (n == nullptr) return count_.add(Counter::nd_unsolicited);
  if (vouched_for(*n, m.options().target.value_or(n->mac))) return;
  // "Solicited" counts only where we asked: anybody may set the flag.
  const bool solicited = m.solicited() && (n->state == Incomplete || n->state == Verifying) && n->tries > 0;
  count_.add(Counter::nd_advertisements_in);
  const auto mac = m.options().target;
  if (n->state == Incomplete) {
    if (mac && !mac->is_group()) learn(*n, *mac, solicited, now, out);
    return;
  }
  const bool differs = mac && *mac != n->mac;
  if (differs && mac->is_group()) return count_.add(Counter::nd_invalid);
  if (differs && !m.override_()) {
    // The MAC that we have may be wrong: it is proved when next used.
    if (n->state == Known) n->unproven = true, ++epoch_;
    return;
  }
  if (solicited) return learn(*n, mac ? *mac : n->mac, true, now, out);
  if (differs) learn(*n, *mac, false, now, out);
}

// Somebody said their MAC beside asking something of us: §7.2.3, §6.2.6.
void Link::hear6(uint16_t port, const Ip6Addr& who, const Mac& mac, Instant now, TxOut& out) {
  if (mac.is_group() || mac.is_zero() || who.is_multicast() || !nd_.on_link(port, who)) return;
  Neighbour* n = neighbours_.find(port, who);
  if (n == nullptr) n = neighbours_.make(port, who, now);
  if (n == nullptr) return count_.add(Counter::arp_table_full);
  if (vouched_for(*n, mac)) return;
  if (n->state == Incomplete || n->mac != mac) learn(*n, mac, false, now, out);
}

// §7.2.2: to the group of the address, or to the neighbour itself to prove what is known (§7.3.3).
void Link::ask6(Neighbour& n, TxOut& out, Instant now) {
  const Ip6Addr target = n.addr.v6(), from = nd_.sender_for(n.port, target);
  if (from.is_unspecified()) {  // all our addresses there are still being proved free, or there are none
    ++n.tries;
    return;
  }
  if (!requests_.take(now)) return count_.add(Counter::arp_limited);  // the next retry will
  ++n.tries;
  say(nd_.solicit(n.port, target, from, n.has_mac() ? target : target.solicited_node(), {}), now, out);
}

// Straight to the wire: what is said to a neighbour that is being asked for must not wait for its answer.
void Link::say(Egress&& e, Instant now, TxOut& out) {
  if (!e.packet) return;
  Mac mac;
  if (group_mac(e.port, e.next_hop, mac))
    return send(std::move(e.packet), e.port, mac, wire::EtherType::Ip6, out);
  if (Neighbour* n = neighbours_.find(e.port, e.next_hop); n != nullptr && n->has_mac())
    return send(std::move(e.packet), e.port, n->mac, wire::EtherType::Ip6, out);
  buf::Egresses one;
  one.push(std::move(e));
  output(one, now, out);
}

void Link::farewell(Instant now, TxOut& out) {
  buf::Egresses said;
  nd_.farewell(now, said);
  output(said, now, out);
}

}  // namespace sluice::link

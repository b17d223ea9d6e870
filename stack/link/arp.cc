// SPDX-License-Identifier: Apache-2.0
// The writer's part in ARP: RFC 826 "Packet Reception", RFC 5227 for our own addresses. Neighbours are
// learned from nothing else: an entry is made only by our own request or by a request addressed to us.
#include <algorithm>

#include "link/link.h"

namespace sluice::link {

using buf::Packet;
using wire::Arp;
using wire::ArpOp;
using enum NeighbourState;

void Link::arp(buf::Batch& frames, Instant now, TxOut& out) {
  buf::for_each_ahead(frames, [&](Packet& p) {
    if (!writer_) return count_.add(Counter::arp_not_writer);
    on_arp(std::move(p), now, out);
  });
  frames.clear();
}

void Link::on_arp(Packet&& frame, Instant now, TxOut& out) {
  Packet p{std::move(frame)};
  const auto parsed = Arp::parse(p.l3());
  if (!parsed) return count_.add(parsed.why());
  const Arp::Value v = parsed->value();
  const uint16_t port = p.ingress();
  if (v.sender_mac == ports_[port].caps.mac) return count_.add(Counter::arp_own);
  const Ip4Addr s = v.sender;
  const bool probe = s.is_unspecified() && v.op == ArpOp::Request;
  if (v.sender_mac.is_group() || v.sender_mac.is_zero() ||
      (!probe && (s.is_this_network() || s.is_loopback() || s.is_multicast() || s.is_reserved())))
    return count_.add(Counter::arp_bad_sender);
  if (conflicts(port, v, now, out)) return count_.add(Counter::arp_conflict);
  if (v.op == ArpOp::Request)
    on_request(std::move(p), v, now, out);
  else
    on_reply(std::move(p), v, now, out);
}

// RFC 5227 §2.1.1, §2.4: somebody else sends from our address, or probes for it while we do.
bool Link::conflicts(uint16_t port, const Arp::Value& v, Instant now, TxOut& out) {
  OwnAddress* a = own(port, v.sender);
  if (a == nullptr && v.op == ArpOp::Request && v.sender.is_unspecified()) {
    a = own(port, v.target);
    if (a != nullptr && a->state() != OwnAddress::State::Probing) return false;
  }
  if (a == nullptr) return false;
  const auto before = a->state();
  const auto action = a->on_conflict(now, options_);
  if (a->state() == OwnAddress::State::Conflict && before != a->state()) count_.add(Counter::arp_gave_up);
  if (action == OwnAddress::Action::Announce) count_.add(Counter::arp_defended);
  act(*a, action, out);
  return true;
}

void Link::on_request(Packet&& p, const Arp::Value& v, Instant now, TxOut& out) {
  const uint16_t port = p.ingress();
  if (v.sender == v.target) {
    count_.add(Counter::arp_announcements_in);
    hear(port, v, false, now, out);
    return;
  }
  OwnAddress* us = own(port, v.target);
  if (us == nullptr) {
    hear(port, v, false, now, out);
    return count_.add(Counter::arp_not_ours);
  }
  if (!us->usable()) return count_.add(Counter::arp_tentative);
  count_.add(Counter::arp_requests_in);
  if (!v.sender.is_unspecified()) hear(port, v, true, now, out);
  // The answer leaves in the request's own packet.
  p.truncate(static_cast<uint32_t>(wire::Ethernet::header_len + Arp::len));
  Arp::emit(p.l3().data(), {ArpOp::Reply, ports_[port].caps.mac, v.target, v.sender_mac, v.sender});
  p.drop_front(wire::Ethernet::header_len);
  p.reset_offloads();
  count_.add(Counter::arp_replies_out);
  send(std::move(p), port, v.sender_mac, wire::EtherType::Arp, out);
}

void Link::on_reply(Packet&& frame, const Arp::Value& v, Instant now, TxOut& out) {
  const Packet p{std::move(frame)};
  Neighbour* n = neighbours_.find(p.ingress(), v.sender);
  // A reply to a request of ours comes to our own address; a broadcast one is an announcement.
  const bool asked = n != nullptr && (n->state == Incomplete || n->state == Verifying) && n->tries > 0;
  if (asked && own(p.ingress(), v.target) != nullptr) {
    count_.add(Counter::arp_replies_in);
    return learn(*n, v.sender_mac, true, now, out);
  }
  if (n == nullptr) return count_.add(Counter::arp_unsolicited);
  count_.add(Counter::arp_announcements_in);
  hear(p.ingress(), v, false, now, out);
}

// Somebody said who they are without being asked. RFC 826: an entry that is there is brought up to date; a
// new one only when they want to talk to us, and are on a network that we share. A MAC that changed is
// used at once, for the neighbour may have failed over, and given up unless it answers.
void Link::hear(uint16_t port, const Arp::Value& v, bool to_us, Instant now, TxOut& out) {
  Neighbour* n = neighbours_.find(port, v.sender);
  if (n == nullptr) {
    if (!to_us || !on_link(port, v.sender)) return;
    n = neighbours_.make(port, v.sender, now);
    if (n != nullptr) learn(*n, v.sender_mac, false, now, out);
    return;
  }
  if (vouched_for(*n, v.sender_mac)) return;
  if (n->state == Incomplete) return learn(*n, v.sender_mac, false, now, out);
  if (n->mac == v.sender_mac) return;
  count_.add(Counter::neighbours_moved);
  n->mac = v.sender_mac;
  tell(Message::Kind::Known, *n);
  verify(*n, now, out);
}

bool Link::send_arp(uint16_t port, const Mac& to, const Arp::Value& v, TxOut& out) {
  Packet p = pool_.alloc();
  uint8_t* body = p ? p.append(Arp::len) : nullptr;
  if (body == nullptr) {
    count_.add(Counter::arp_no_packet);
    return false;
  }
  p.headers(0, 0, 0);
  Arp::emit(body, v);
  send(std::move(p), port, to, wire::EtherType::Arp, out);
  return true;
}

void Link::act(OwnAddress& a, OwnAddress::Action action, TxOut& out) {
  if (action == OwnAddress::Action::None) return;
  const bool probe = action == OwnAddress::Action::Probe;
  const Ip4Addr sender = probe ? Ip4Addr{} : a.addr();
  const Mac mac = ports_[a.port()].caps.mac;
  if (send_arp(a.port(), Mac::broadcast(), {ArpOp::Request, mac, sender, Mac{}, a.addr()}, out))
    count_.add(probe ? Counter::arp_probes_out : Counter::arp_announcements_out);
}

OwnAddress* Link::own(uint16_t port, Ip4Addr addr) {
  const auto at =
      std::ranges::find_if(own_, [&](const OwnAddress& a) { return a.port() == port && a.addr() == addr; });
  return at == own_.end() ? nullptr : &*at;
}

// The address to ask with: one on the target's network, else any of the port.
const OwnAddress* Link::sender_for(uint16_t port, Ip4Addr target) const {
  const OwnAddress* any = nullptr;
  for (const OwnAddress& a : own_) {
    if (a.port() != port || !a.usable()) continue;
    if (any == nullptr) any = &a;
    for (const Prefix& p : ports_[port].addresses)
      if (p.addr == IpAddr{a.addr()} && p.contains(target)) return &a;
  }
  return any;
}

bool Link::on_link(uint16_t port, Ip4Addr addr) const {
  return std::ranges::any_of(ports_[port].addresses, [&](const Prefix& p) { return p.contains(addr); });
}

}  // namespace sluice::link

// SPDX-License-Identifier: Apache-2.0
#include "link/link.h"

#include <algorithm>
#include <cstring>

#include "base/prefetch.h"
#include "link/vlan.h"

namespace sluice::link {

using buf::Egress;
using buf::Packet;
using wire::Ethernet;
using wire::EtherType;
using enum NeighbourState;

namespace {
constexpr size_t headers_most = 256;  // octets in which a chain's first piece must hold all headers
constexpr int expire_bound = 64;      // entries one expire() acts on, per state

// Tags of VLAN 0 say how urgent a frame is, not whose.
void without_priority_tags(Packet& p) {
  if (p.bytes().size() < Ethernet::header_len || !tagged(p)) return;
  if (const TagsFound found = find_tags(p); found.fits && found.count == 0) take_tags_off(p, found.octets);
}

EtherType type_for(const IpAddr& next_hop) { return next_hop.is_v4() ? EtherType::Ip4 : EtherType::Ip6; }
}  // namespace

const NdOptions Link::default_nd{};

Link::Link(const Options& options, std::span<const buf::Interface> ports, bool writer, buf::PacketPool& pool,
           Counters& count, Rng& rng, const Ip6Plan& ip6)
    : options_{options},
      ports_{ports.begin(), ports.end()},
      writer_{writer},
      pool_{pool},
      count_{count},
      rng_{rng},
      neighbours_{options, SipKey{rng(), rng()}, count},
      requests_{options.request_rate, options.request_burst},
      nd_{ip6.options, ports, ip6.advertise, writer, ip6.router, pool, count, rng} {
  neighbours_.ports(ports_.size());
  for (size_t port = 0; port < ports_.size(); ++port) {
    for (const buf::StaticNeighbour& n : ports_[port].neighbours)
      pin(static_cast<uint16_t>(port), n, {}, nullptr);
    for (const Prefix& p : ports_[port].addresses)
      if (writer && p.addr.is_v4()) own_.emplace_back(p.addr.v4(), static_cast<uint16_t>(port), options_);
  }
}

// What shall become of a frame; worker_polls (which is no reason to die) stands for "nothing wrong".
Counter Link::verdict(uint16_t port, const Packet& p) const {
  const auto eth = Ethernet::parse(p.bytes());
  if (!eth) return eth.why();
  const Mac dst = eth->dst();
  if (dst != ports_[port].caps.mac && !dst.is_broadcast() && !nd_.wanted(port, dst))
    return dst.is_group() ? Counter::link_multicast : Counter::link_not_ours;
  if (eth->src().is_group()) return Counter::link_bad_source;
  switch (eth->type()) {
    case EtherType::Ip4:
    case EtherType::Arp:
      return Counter::worker_polls;
    case EtherType::Vlan:
    case EtherType::QinQ:
      return Counter::link_vlan;
    case EtherType::Ip6:
      return nd_.speaks(port) ? Counter::worker_polls : Counter::link_ip6;
  }
  return static_cast<uint16_t>(eth->type()) < 0x0600 ? Counter::link_llc : Counter::link_ethertype;
}

void Link::input(uint16_t port, buf::Batch& frames, In& out) {
  const Mac us = ports_[port].caps.mac;
  buf::for_each_ahead(frames, [&](Packet& p) {
    // What is too long to be whole stays a chain: segments that nobody cut, which only tcp takes.
    if (!p.contiguous() && !p.linearize() && p.bytes().size() < headers_most) [[unlikely]]
      return count_.add(Counter::link_scattered);
    const auto eth = Ethernet::parse(p.bytes());
    const bool plain = eth && eth->dst() == us && !eth->src().is_group() && eth->type() == EtherType::Ip4;
    EtherType type = EtherType::Ip4;
    if (!plain) [[unlikely]] {
      without_priority_tags(p);
      if (const Counter why = verdict(port, p); why != Counter::worker_polls) return count_.add(why);
      type = Ethernet::parse(p.bytes())->type();
    }
    p.headers(Ethernet::header_len, 0, 0);
    p.ingress(port);
    (type == EtherType::Ip4 ? out.ip4 : type == EtherType::Ip6 ? out.ip6 : out.arp).push(std::move(p));
  });
  frames.clear();
}

void Link::output(buf::Egresses& packets, Instant now, TxOut& out) {
  for (size_t i = 0; i < packets.size(); ++i) {
    if (i + 4 < packets.size()) prefetch(packets[i + 4].packet.data());
    Egress& e = packets[i];
    Cached& c = cache_[(e.next_hop.bytes()[15] ^ e.port) % cache_.size()];
    uint8_t* room = nullptr;
    if (c.epoch == epoch_ && now < c.until && c.port == e.port && c.addr == e.next_hop &&
        (room = e.packet.prepend(Ethernet::header_len)) != nullptr) [[likely]] {
      std::memcpy(room, c.header.data(), Ethernet::header_len);
      e.packet.l2_len(Ethernet::header_len);
      out.push(e.port, std::move(e.packet));
    } else {
      resolve(std::move(e), c, now, out);
    }
  }
  packets.clear();
}

void Link::resolve(Egress&& e, Cached& c, Instant now, TxOut& out) {
  Mac group;
  if (group_mac(e.port, e.next_hop, group))
    return send(std::move(e.packet), e.port, group, type_for(e.next_hop), out);
  Neighbour* n = neighbours_.find(e.port, e.next_hop);
  if (n == nullptr) {
    n = neighbours_.make(e.port, e.next_hop, now);
    if (n == nullptr) return count_.add(Counter::arp_table_full);
    ++epoch_;  // an eviction may have made room
    neighbours_.wait(*n, std::move(e));
    return ask(*n, now, out);
  }
  if (!n->has_mac()) return neighbours_.wait(*n, std::move(e));
  if ((n->state == Known || n->state == Passive) && (now >= n->at || n->unproven)) verify(*n, now, out);
  // While a request asks whether the MAC holds, it is looked up for each packet; the burst in between is
  // short.
  if (n->state != Verifying) {
    c = {.addr = e.next_hop, .epoch = epoch_, .until = n->at, .port = e.port, .header = {}};
    Ethernet::emit(c.header.data(), n->mac, ports_[e.port].caps.mac, type_for(e.next_hop));
  }
  send(std::move(e.packet), e.port, n->mac, type_for(e.next_hop), out);
}

// Broadcasts of the port's networks and RFC 1112 §6.4 groups need no asking.
bool Link::group_mac(uint16_t port, const IpAddr& next_hop, Mac& out) const {
  if (!next_hop.is_v4()) {
    out = Mld::mac_of(next_hop.v6());
    return next_hop.v6().is_multicast();
  }
  const Ip4Addr a = next_hop.v4();
  if (a.is_multicast()) {
    out = Mac{{0x01, 0x00, 0x5e, static_cast<uint8_t>(a.v >> 16 & 0x7f), static_cast<uint8_t>(a.v >> 8),
               static_cast<uint8_t>(a.v)}};
    return true;
  }
  out = Mac::broadcast();
  return a.is_limited_broadcast() || std::ranges::any_of(ports_[port].addresses, [a](const Prefix& p) {
           const Ip4Addr b = buf::directed_broadcast(p);
           return !b.is_unspecified() && b == a;
         });
}

void Link::send(Packet&& p, uint16_t port, const Mac& dst, EtherType type, TxOut& out) {
  uint8_t* header = p.prepend(Ethernet::header_len);
  if (header == nullptr) [[unlikely]] {
    count_.add(Counter::link_no_headroom);
    p = Packet{};
    return;
  }
  Ethernet::emit(header, dst, ports_[port].caps.mac, type);
  p.l2_len(Ethernet::header_len);
  out.push(port, std::move(p));
}

void Link::take_failed(buf::Egresses& out) {
  const size_t before = out.size();
  neighbours_.take_failed(out);
  count_.add(Counter::arp_unresolved, out.size() - before);
}

// Said by the user: `out` for what waited, null when nothing can.
void Link::pin(uint16_t port, const buf::StaticNeighbour& s, Instant now, TxOut* out) {
  Neighbour* n = neighbours_.find(port, s.addr);
  if (n == nullptr) n = neighbours_.make(port, s.addr, now, Neighbours::Newcomer::Static);
  if (n == nullptr) return;  // counted
  n->mac = s.mac;
  n->tries = 0;
  n->unproven = false;
  ++epoch_;
  neighbours_.enter(*n, Static, Instant::never());
  for (Egress e; out != nullptr && neighbours_.take_waiting(*n, e);)
    send(std::move(e.packet), port, s.mac, type_for(s.addr), *out);
}

// Whether nothing that the network says can change the entry; that it says otherwise is counted.
bool Link::vouched_for(const Neighbour& n, const Mac& claimed) {
  if (n.state != Static) return false;
  if (n.mac != claimed) count_.add(Counter::neighbours_contradicted);
  return true;
}

// Counts as a try even when the wish could only be passed on to the writer.
void Link::ask(Neighbour& n, Instant now, TxOut& out) {
  neighbours_.enter(n, n.state, now + options_.retry_time);
  if (!writer_) {
    ++n.tries;
    return tell(Message::Kind::Wanted, n);
  }
  if (!n.addr.is_v4()) return ask6(n, out, now);
  const OwnAddress* us = sender_for(n.port, n.addr.v4());
  if (us == nullptr) {  // all our addresses there are still being proved free, or there are none
    ++n.tries;
    return;
  }
  if (!requests_.take(now)) return count_.add(Counter::arp_limited);  // the next retry will
  ++n.tries;
  const Mac to = n.has_mac() ? n.mac : Mac::broadcast();  // RFC 1122 §2.3.2.1 (2): unicast poll
  if (send_arp(n.port, to, {wire::ArpOp::Request, ports_[n.port].caps.mac, us->addr(), Mac{}, n.addr.v4()},
               out))
    count_.add(Counter::arp_requests_out);
}

void Link::verify(Neighbour& n, Instant now, TxOut& out) {
  n.tries = 0;
  ++epoch_;
  neighbours_.enter(n, Verifying, now);
  ask(n, now, out);
}

void Link::learn(Neighbour& n, const Mac& mac, bool solicited, Instant now, TxOut& out) {
  if (n.has_mac() && n.mac != mac) count_.add(Counter::neighbours_moved);
  n.mac = mac;
  n.tries = 0;
  // RFC 4861 §7.3.3: what nobody answered us is stale, and proved when it is first used.
  n.unproven = !solicited && !n.addr.is_v4();
  ++epoch_;
  neighbours_.enter(n, solicited ? Known : Passive, now + options_.reachable_time);
  tell(Message::Kind::Known, n);
  for (Egress e; neighbours_.take_waiting(n, e);)
    send(std::move(e.packet), n.port, mac, type_for(n.addr), out);
}

void Link::give_up(Neighbour& n) {
  ++epoch_;
  tell(Message::Kind::Gone, n);
  neighbours_.remove(n);
}

void Link::retry(NeighbourState s, Instant now, TxOut& out) {
  for (int i = 0; i < expire_bound; ++i) {
    Neighbour* n = neighbours_.oldest(s);
    if (n == nullptr || now < n->at) return;
    if (n->tries < options_.tries) {
      ask(*n, now, out);
      continue;
    }
    count_.add(Counter::neighbours_failed);
    give_up(*n);
  }
}

void Link::forget(NeighbourState s, Instant now) {
  for (int i = 0; i < expire_bound; ++i) {
    Neighbour* n = neighbours_.oldest(s);
    if (n == nullptr || now < n->at + options_.stale_time) return;
    ++epoch_;
    neighbours_.remove(*n);  // silently: each worker forgets by itself what it does not use
  }
}

void Link::expire(Instant now, TxOut& out) {
  retry(Incomplete, now, out);
  retry(Verifying, now, out);
  forget(Known, now);
  forget(Passive, now);
  for (OwnAddress& a : own_)
    if (a.deadline() <= now) act(a, a.on_deadline(now, options_, rng_), out);
  if (nd_.deadline() <= now) {
    buf::Egresses said;
    nd_.expire(now, said);
    output(said, now, out);
  }
}

Instant Link::deadline() const {
  Instant first = Instant::never();
  const auto consider = [&](NeighbourState s, Duration later) {
    if (const Neighbour* n = neighbours_.oldest(s)) first = std::min(first, n->at + later);
  };
  consider(Incomplete, 0_s);
  consider(Verifying, 0_s);
  consider(Known, options_.stale_time);
  consider(Passive, options_.stale_time);
  for (const OwnAddress& a : own_) first = std::min(first, a.deadline());
  return std::min(first, nd_.deadline());
}

void Link::tell(Message::Kind kind, const Neighbour& n) {
  if (writer_ == (kind == Message::Kind::Wanted))
    return;  // the writer wants nothing, the others know nothing
  if (told_.full()) return count_.add(Counter::arp_messages_lost);
  told_.push(
      Message{.kind = kind, .solicited = n.state == Known, .port = n.port, .mac = n.mac, .addr = n.addr});
}

void Link::take_messages(Messages& out) {
  size_t taken = 0;
  for (; taken < told_.size() && !out.full(); ++taken) out.push(told_[taken]);
  Messages rest;
  for (size_t i = taken; i < told_.size(); ++i) rest.push(told_[i]);
  told_ = std::move(rest);
}

// The writer's changes are for its own stack and for the other workers.
void Link::take_changes(AddressChanges& out) {
  nd_.take_changes(out);
  if (!writer_) return;
  for (const AddressChange& c : out) {
    if (told_.full()) return count_.add(Counter::nd_changes_lost);
    told_.push(Message::of(c));
  }
}

void Link::on_message(const Message& m, Instant now, TxOut& out) {
  if (m.port >= ports_.size() || m.to_writer() != writer_) return;
  if (m.kind == Message::Kind::Address) return nd_.follow(m.change(), now);
  Neighbour* n = neighbours_.find(m.port, m.addr);
  if (n != nullptr && n->state == Static) return;
  if (m.kind == Message::Kind::Gone) {
    if (n != nullptr) give_up(*n);
    return;
  }
  if (m.kind == Message::Kind::Known) {
    if (n == nullptr) n = neighbours_.make(m.port, m.addr, now);
    if (n != nullptr) learn(*n, m.mac, m.solicited, now, out);
    return;
  }
  if (n == nullptr) {  // Wanted
    n = neighbours_.make(m.port, m.addr, now);
    if (n != nullptr) ask(*n, now, out);
    return;
  }
  if (n->state == Incomplete || n->state == Verifying) return;  // asked already
  if (now < n->at) return tell(Message::Kind::Known, *n);
  verify(*n, now, out);
}

}  // namespace sluice::link

// SPDX-License-Identifier: Apache-2.0
// Packets to segments, segments to connections: RFC 9293 §3.10.7.1, §3.10.7.2. Each step goes over the whole
// burst, so that a later step finds in the cache what an earlier one asked for.
#include "tcp/tcp.h"
#include "wire/checksum.h"

namespace sluice::tcp {

using namespace wire::tcp_flag;

void Tcp::input(buf::Batch& segments, Instant now) {
  count_.add(Counter::tcp_segments_in, segments.size());
  Arrivals arrivals;
  buf::for_each_ahead(segments, [&](buf::Packet& p) { read(p, arrivals); });
  for (const Arrival& a : arrivals) prefetch(a);
  for (Arrival& a : arrivals) take(a, now);
  // A connection answers all of a burst at once.
  for (const uint32_t i : touched_)
    if (slots_.alive(i) && slots_[i].touched) settle(i, now);
  touched_.clear();
  segments.clear();
}

namespace {

// Addresses, ECN and the octets of the segment, from an IP header that was validated. False: not as promised.
bool addresses(const buf::Packet& p, Tuple& t, Bytes& segment, uint8_t& ecn_bits) {
  constexpr size_t ip4_least = 20, ip6_header = 40;
  const Bytes l3 = p.l3();
  if (l3.size() < ip4_least || l3.size() < p.l3_len()) return false;
  size_t total = 0;
  if ((l3[0] >> 4) == 4) {
    t.remote = Ip4Addr::load(l3.data() + 12);
    t.local = Ip4Addr::load(l3.data() + 16);
    total = load_be<uint16_t>(l3.data() + 2);
    ecn_bits = l3[1] & ecn::mask;
  } else {
    if (l3.size() < ip6_header) return false;
    t.remote = Ip6Addr::load(l3.data() + 8).zoned(p.ingress());
    t.local = Ip6Addr::load(l3.data() + 24).zoned(p.ingress());
    total = ip6_header + load_be<uint16_t>(l3.data() + 4);
    ecn_bits = (l3[1] >> 4) & ecn::mask;
  }
  if (total < p.l3_len() || total > l3.size()) return false;
  segment = l3.subspan(p.l3_len(), total - p.l3_len());
  return true;
}

bool is_group(const IpAddr& a) {
  if (!a.is_v4()) return a.bytes()[0] == 0xff || a.is_none();
  return a.v4().is_multicast() || a.v4().is_reserved() || a.v4() == Ip4Addr{};
}

}  // namespace

bool Tcp::checksum_fits(const buf::Packet& p, const Tuple& t, Bytes segment) {
  switch (p.rx_l4_checksum()) {
    case buf::RxChecksum::Good:
      return true;
    case buf::RxChecksum::Bad:
      return false;
    default:
      return wire::pseudo_header(t.remote, t.local, static_cast<uint8_t>(IpProto::Tcp),
                                 static_cast<uint32_t>(segment.size()))
                 .add(segment)
                 .checksum() == 0;
  }
}

void Tcp::read(buf::Packet& p, Arrivals& out) {
  if (!p.contiguous() && !p.linearize()) return count_.add(Counter::tcp_not_linear);
  Tuple t{.proto = IpProto::Tcp};
  Bytes segment;
  uint8_t ecn_bits = 0;
  if (!addresses(p, t, segment, ecn_bits)) return count_.add(Counter::tcp_truncated);
  const auto h = wire::Tcp::parse(segment);
  if (!h) return count_.add(h.why());
  if (!checksum_fits(p, t, segment)) return count_.add(Counter::tcp_bad_checksum);
  const auto options = wire::TcpOptions::parse(h->options());
  if (!options) return count_.add(options.why());
  t.remote_port = h->src();
  t.local_port = h->dst();
  const bool itself = t.remote_port == t.local_port && t.remote == t.local;
  if (t.remote_port.v == 0 || t.local_port.v == 0 || itself || is_group(t.remote) || is_group(t.local))
    return count_.add(Counter::tcp_bad_address);
  // RFC 6093 §3.2: what is urgent is text like any other, and the pointer says nothing we need.
  if ((h->flags() & urg) != 0) count_.add(Counter::tcp_urgent);

  const Arrival& a = out.push(Arrival{.packet = &p,
                                      .hash = hash_of(t),
                                      .text_at = static_cast<uint32_t>(h->text().data() - p.data()),
                                      .tuple = t,
                                      .segment = {.seq = h->seq(),
                                                  .ack = h->ack(),
                                                  .flags = h->flags(),
                                                  .window = h->window(),
                                                  .text = static_cast<uint32_t>(h->text().size()),
                                                  .ecn = ecn_bits,
                                                  .options = *options}});
  table_.prefetch(a.hash);
}

// The lines of a connection that every segment needs.
void Tcp::prefetch(const Arrival& a) const {
  const uint32_t at = table_.guess(a.hash);
  if (at == no_index || kind_of(at) != Kind::Connection) return;
  const auto* line = reinterpret_cast<const char*>(&slots_[at & index_mask]);
  for (size_t n = 0; n < sizeof(Slot); n += 64) __builtin_prefetch(line + n);
}

void Tcp::take(Arrival& a, Instant now) {
  const uint32_t at = find(a.tuple, a.hash);
  if (at == no_index) return no_connection(a, now);
  const uint32_t i = at & index_mask;
  switch (kind_of(at)) {
    case Kind::Connection:
      return deliver(i, a, now);
    case Kind::HalfOpen:
      return half_open(i, a, now);
    case Kind::TimeWait:
      return time_wait(i, a, now);
  }
}

void Tcp::deliver(uint32_t i, Arrival& a, Instant now) {
  buf::Slice text;
  if (a.segment.text != 0) text = buf::Slice{std::move(*a.packet), a.text_at, a.segment.text};
  Slot& s = slots_[i];
  if (s.conn.on_segment(a.segment, std::move(text), now) == Conn::Answer::Reset) reset(a);
  const State state = s.conn.state();
  if (state == State::Closed || state == State::TimeWait) return settle(i, now);  // the tuple is free again
  if (s.touched) return;
  s.touched = true;
  touched_.push(i);
}

void Tcp::reset(const Arrival& a) { reply(a.tuple, reset_for(a.segment)); }

// CLOSED or LISTEN.
void Tcp::no_connection(Arrival& a, Instant now) {
  const Segment& in = a.segment;
  if (in.has(rst)) return count_.add(Counter::tcp_no_connection);
  if (answers_cookie(a, now)) return;
  if (in.has(ack) || listener(a.tuple) == nullptr) {
    count_.add(Counter::tcp_no_connection);
    return reset(a);
  }
  if (!in.has(syn) || in.has(fin)) return count_.add(Counter::tcp_not_syn);
  on_syn(a, now);
}

const Tcp::Listener* Tcp::listener(const Tuple& t) const {
  const Listener* any = nullptr;
  for (const Listener& l : listeners_) {
    if (l.port != t.local_port) continue;
    if (l.local == t.local) return &l;
    if (l.local.is_none()) any = &l;
  }
  return any;
}

}  // namespace sluice::tcp

// SPDX-License-Identifier: Apache-2.0
// Packets to segments, segments to connections: RFC 9293 §3.10.7.1, §3.10.7.2. Each step goes over the whole
// burst, so that a later step finds in the cache what an earlier one asked for.
#include <algorithm>
#include <array>

#include "base/prefetch.h"
#include "buf/sum.h"
#include "tcp/merge.h"
#include "tcp/tcp.h"
#include "wire/checksum.h"

namespace sluice::tcp {

using namespace wire::tcp_flag;

void Tcp::input(buf::Batch& segments, Instant now, uint16_t vrf) {
  count_.add(Counter::tcp_segments_in, segments.size());
  Arrivals arrivals;
  buf::for_each_ahead(segments, [&](buf::Packet& p) { read(p, vrf, arrivals); });
  for (const Arrival& a : arrivals) prefetch(a);
  if (options_.merge_segments && arrivals.size() > 1) merge(arrivals);
  for (Arrival& a : arrivals)
    if (!a.merged) take(a, now);
  // A connection answers all of a burst at once.
  for (const uint32_t i : touched_)
    if (slots_.alive(i) && slots_[i].touched) settle(i, now);
  touched_.clear();
  segments.clear();
}

namespace {

// Addresses, ECN and the octets of the segment, from an IP header that was validated; of a chain, those in
// its first piece and the length of all. False: not as promised.
bool addresses(const buf::Packet& p, Tuple& t, Bytes& segment, uint32_t& length, uint8_t& ecn_bits) {
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
  if (total < p.l3_len() || total > p.size() - p.l2_len()) return false;
  length = static_cast<uint32_t>(total - p.l3_len());
  segment = l3.subspan(p.l3_len());
  if (segment.size() > length) segment = segment.first(length);
  return true;
}

bool is_group(const IpAddr& a) {
  if (!a.is_v4()) return a.bytes()[0] == 0xff || a.is_none();
  return a.v4().is_multicast() || a.v4().is_reserved() || a.v4() == Ip4Addr{};
}

}  // namespace

bool Tcp::checksum_fits(const buf::Packet& p, const Tuple& t, uint32_t length) {
  switch (p.rx_l4_checksum()) {
    case buf::RxChecksum::Good:
      return true;
    case buf::RxChecksum::Bad:
      return false;
    default:
      break;
  }
  const auto pseudo = wire::pseudo_header(t.remote, t.local, static_cast<uint8_t>(IpProto::Tcp), length);
  const size_t at = p.l2_len() + p.l3_len();
  if (p.contiguous()) return wire::Sum{pseudo}.add(Bytes{p.bytes()}.subspan(at, length)).checksum() == 0;
  return p.size() == at + length && buf::sum_of(p, pseudo, at).checksum() == 0;
}

void Tcp::read(buf::Packet& p, uint16_t vrf, Arrivals& out) {
  Tuple t{.proto = IpProto::Tcp, .vrf = vrf};
  Bytes segment;
  uint32_t length = 0;
  uint8_t ecn_bits = 0;
  if (!addresses(p, t, segment, length, ecn_bits)) return count_.add(Counter::tcp_truncated);
  const auto h = wire::Tcp::parse(segment);
  if (!h) return count_.add(p.contiguous() ? h.why() : Counter::tcp_not_linear);
  if (!checksum_fits(p, t, length)) return count_.add(Counter::tcp_bad_checksum);
  const auto options = wire::TcpOptions::parse(h->options());
  if (!options) return count_.add(options.why());
  t.remote_port = h->src();
  t.local_port = h->dst();
  const bool itself = t.remote_port == t.local_port && t.remote == t.local;
  if (t.remote_port.v == 0 || t.local_port.v == 0 || itself || is_group(t.remote) || is_group(t.local))
    return count_.add(Counter::tcp_bad_address);
  // RFC 6093 §3.2: what is urgent is text like any other, and the pointer says nothing we need.
  if ((h->flags() & urg) != 0) count_.add(Counter::tcp_urgent);

  const auto text = static_cast<uint32_t>(length - h->length());
  const Arrival& a = out.push(Arrival{.packet = &p,
                                      .hash = hash_of(t),
                                      .text_at = static_cast<uint32_t>(h->text().data() - p.data()),
                                      .text = text,
                                      .more = nullptr,
                                      .last = nullptr,
                                      .merged = false,
                                      .tuple = t,
                                      .segment = {.seq = h->seq(),
                                                  .ack = h->ack(),
                                                  .flags = h->flags(),
                                                  .window = h->window(),
                                                  .text = text,
                                                  .mss = text != 0 ? p.rx_merged() : uint16_t{0},
                                                  .ecn = ecn_bits,
                                                  .options = *options}});
  table_.prefetch(a.hash);
}

// Each connection's latest segment is tried: what lies between two that belong together is other
// connections'.
void Tcp::merge(Arrivals& arrivals) {
  std::array<Arrival*, 64> latest{};  // by hash; who collides is taken by itself
  uint64_t merged = 0;
  for (Arrival& a : arrivals) {
    Arrival*& before = latest[a.hash % latest.size()];
    if (before == nullptr || a.segment.text == 0 || before->hash != a.hash || before->tuple != a.tuple ||
        !continues(before->segment, a.segment)) {
      before = &a;
      continue;
    }
    tcp::merge(before->segment, a.segment);
    (before->last == nullptr ? before : before->last)->more = &a;
    before->last = &a;
    a.merged = true;
    ++merged;
  }
  count_.add(Counter::tcp_merged, merged);
}

// The text of an arrival and of what was merged into it, packet by packet and piece by piece. False: no link
// is left.
bool Tcp::take_text(Arrival& first, buf::ByteQueue& to) {
  for (Arrival* a = &first; a != nullptr; a = a->more) {
    uint32_t at = a->text_at, left = a->text;
    for (buf::Packet p = std::move(*a->packet); left != 0;) {
      buf::Packet rest = p.split();
      const uint32_t n = std::min(left, p.size() - at);
      if (n != 0 && !to.push(buf::Slice{std::move(p), at, n})) return false;
      left -= n;
      at = 0;
      p = std::move(rest);
    }
  }
  return true;
}

// The lines of a connection that every segment needs.
void Tcp::prefetch(const Arrival& a) const {
  const uint32_t at = table_.guess(a.hash);
  if (at == no_index || kind_of(at) != Kind::Connection) return;
  const auto* line = reinterpret_cast<const char*>(&slots_[at & index_mask]);
  for (size_t n = 0; n < sizeof(Slot); n += 64) sluice::prefetch(line + n);
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
  buf::ByteQueue text{shared_.links};
  if (a.segment.text != 0 && !take_text(a, text)) text.clear();
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
    if (l.port != t.local_port || l.vrf != t.vrf) continue;
    if (l.local == t.local) return &l;
    if (l.local.is_none()) any = &l;
  }
  return any;
}

}  // namespace sluice::tcp

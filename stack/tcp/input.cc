// SPDX-License-Identifier: Apache-2.0
// Packets to segments, segments to connections: RFC 9293 §3.10.7.1, §3.10.7.2.
#include "tcp/tcp.h"
#include "wire/checksum.h"

namespace sluice::tcp {

using namespace wire::tcp_flag;

void Tcp::input(buf::Batch& segments, Instant now) {
  count_.add(Counter::tcp_segments_in, segments.size());
  buf::for_each_ahead(segments, [&](buf::Packet& p) { input_one(p, now); });
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
    t.remote = Ip6Addr::load(l3.data() + 8);
    t.local = Ip6Addr::load(l3.data() + 24);
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

void Tcp::input_one(buf::Packet& p, Instant now) {
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
  const bool itself = t.remote == t.local && t.remote_port == t.local_port;
  if (t.remote_port.v == 0 || t.local_port.v == 0 || itself || is_group(t.remote) || is_group(t.local))
    return count_.add(Counter::tcp_bad_address);

  const Segment in{.seq = h->seq(),
                   .ack = h->ack(),
                   .flags = h->flags(),
                   .window = h->window(),
                   .text = static_cast<uint32_t>(h->text().size()),
                   .ecn = ecn_bits,
                   .options = *options};
  const uint64_t hash = table_hash(keys_.table, t);
  const uint32_t i = find(t, hash);
  if (i == no_index) return no_connection(t, hash, in, now);
  const auto at = static_cast<uint32_t>(h->text().data() - p.data());
  buf::Slice text;
  if (in.text != 0) text = buf::Slice{std::move(p), at, in.text};
  if (slots_[i].conn.on_segment(in, std::move(text), now) == Conn::Answer::Reset) reply(t, reset_for(in));
  settle(i, now);
}

// CLOSED or LISTEN.
void Tcp::no_connection(const Tuple& t, uint64_t hash, const Segment& in, Instant now) {
  if (time_wait(t, hash, in, now)) return;
  const Listener* l = listener(t);
  if (in.has(rst)) return count_.add(Counter::tcp_no_connection);
  if (l == nullptr || in.has(ack)) {
    count_.add(Counter::tcp_no_connection);
    return reply(t, reset_for(in));
  }
  if (!in.has(syn) || in.has(fin)) return count_.add(Counter::tcp_not_syn);
  open(t, hash, l->service, in, initial_sequence(keys_, t, now), now);
}

// True: the segment was for a connection in TIME-WAIT, and is dealt with.
bool Tcp::time_wait(const Tuple& t, uint64_t hash, const Segment& in, Instant now) {
  const uint32_t r = find_time_wait(t, hash);
  if (r == no_index) return false;
  const TimeWait record = records_[r];
  const Listener* l = listener(t);
  switch (record.on_segment(in)) {
    case TimeWait::Answer::Reopen:
      if (l == nullptr) break;
      count_.add(Counter::tcp_time_wait_reused);
      forget(r);
      // RFC 9293 §3.10.7.4: beyond everything the old connection may have sent.
      open(t, hash, l->service, in, later(initial_sequence(keys_, t, now), record.snd_nxt + 0x2'0000), now);
      return true;
    case TimeWait::Answer::Acknowledge:
      reply(t, record.acknowledgement(timestamp_offset(keys_, t), now));
      if (in.has(fin)) {  // the wait starts again
        records_[r].until_ms = timestamp_clock(now + options_.time_wait, 0);
        record_order_.erase(r);
        record_order_.push_back(r);
      }
      break;
    default:
      break;
  }
  count_.add(Counter::tcp_time_wait);
  return true;
}

void Tcp::open(const Tuple& t, uint64_t hash, uint16_t service, const Segment& syn, SeqNum iss, Instant now) {
  if (half_open_.size() >= options_.half_open || (slots_.full() && !half_open_.empty())) {
    count_.add(Counter::tcp_half_open_shed);
    release(half_open_.front());
  }
  const Path path = surroundings_.path_to(t.remote);
  const uint32_t i = slots_.take(t, service, path, shared_, setup(t, path, iss), syn, now);
  if (i == no_index) return count_.add(Counter::tcp_no_room);
  count_.add(Counter::tcp_opens_passive);
  table_.insert(hash, i);
  half_open_.push_back(i);
  settle(i, now);
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

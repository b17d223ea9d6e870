// SPDX-License-Identifier: Apache-2.0
// ICMP errors (RFC 5927) and the path MTU that some of them tell (RFC 1191).
#include "tcp/icmp.h"

#include "tcp/tcp.h"

namespace sluice::tcp {

// RFC 5927 §4.1, §5.2: the segment quoted must be in flight, and a connection that is established survives.
Conn::Icmp Conn::on_unreachable(SeqNum quoted, bool hard) {
  if (!quoted.in(snd_.una, flight())) return Icmp::Strange;
  const bool opening = state_ == State::SynSent || state_ == State::SynReceived;
  no_way_ = no_way_ || opening;
  if (!hard || !opening) return Icmp::Noted;
  fail(buf::Failure::Unreachable);
  return Icmp::Ended;
}

// `mss`: octets of text, without options, that are said to fit. RFC 5927 §7.2: where segments as large have
// arrived before, the claim waits until the one that is quoted does not arrive.
Conn::Icmp Conn::on_too_big(SeqNum quoted, uint32_t mss, Instant now) {
  if (flight_ == no_index || !quoted.in(snd_.una, flight())) return Icmp::Strange;
  const uint32_t text =
      std::max(mss, shared_->options.least_mss) - (ts_on_ ? wire::TcpOptions::timestamps_size : 0u);
  if (text >= mss_) return Icmp::Strange;
  if (most_arrived_ > text) {
    Flight& f = shared_->flights[flight_];
    f.smaller_mss = text;
    f.too_big = quoted;
    return Icmp::Noted;
  }
  shrink(text, now);
  return Icmp::TooBig;
}

// The claim of a smaller path that waits in `f` has come true: the segment it was about timed out.
void Conn::believe_too_big(Flight& f, Instant now) {
  const uint32_t text = std::exchange(f.smaller_mss, 0u);
  if (text != 0 && text < mss_ && !snd_.una.after(f.too_big)) shrink(text, now);
}

// Segments carry `text` octets from now on. What was lost for its size goes again at once, and is no sign of
// congestion (RFC 1191 §6.4).
void Conn::shrink(uint32_t text, Instant) {
  shared_->count.add(Counter::tcp_mtu_lowered);
  mss_ = text;
  max_text_ = std::max(std::min(max_text_, Setup::most_segments * mss_) / mss_ * mss_, mss_);
  most_arrived_ = 0;
  congestion_.set_mss(mss_);
  resend_ = true;
}

void Conn::on_path(const Setup& s, Instant now) {
  // Options are known to be in every segment once the peer has agreed to them.
  const bool timestamps = ts_on_ && state_ != State::SynSent;
  const uint32_t text = s.mss - (timestamps ? wire::TcpOptions::timestamps_size : 0u);
  const uint32_t most = std::max<uint32_t>(s.max_segment_text, text);
  if (text < mss_) shrink(text, now);
  max_text_ = std::max(std::min(max_text_, most) / mss_ * mss_, mss_);
}

void Tcp::follow_path(Slot& s, Instant now) {
  s.path = path_to(s.tuple, now);
  s.conn.on_path(setup(s.tuple, s.path, {}, 0), now);
}

void Tcp::on_icmp(const IcmpNews& news, Instant now) {
  Tuple t = news.tuple;
  t.proto = IpProto::Tcp;
  const uint32_t hash = hash_of(t), at = find(t, hash), i = at & index_mask;
  if (at == no_index || kind_of(at) == Kind::TimeWait) return count_.add(Counter::tcp_icmp_strange);
  if (kind_of(at) == Kind::HalfOpen) {
    if (news.sequence != halves_[i].opening.iss) return count_.add(Counter::tcp_icmp_strange);
    if (news.kind != IcmpNews::Kind::Hard) return count_.add(Counter::tcp_icmp_noted);
    count_.add(Counter::tcp_icmp_ended);
    return forget_half_open(i);
  }
  Slot& s = slots_[i];
  Conn::Icmp effect;
  if (news.kind == IcmpNews::Kind::TooBig) {
    const uint16_t headers = static_cast<uint16_t>((t.remote.is_v4() ? 20 : 40) + wire::Tcp::header_len);
    const uint16_t now_mtu = static_cast<uint16_t>(
        s.conn.mss() + (s.conn.timestamps() ? wire::TcpOptions::timestamps_size : 0) + headers);
    uint16_t mtu = news.mtu != 0 ? news.mtu : next_plateau(now_mtu);
    mtu = static_cast<uint16_t>(std::max<uint32_t>(mtu, options_.least_path_mtu));
    effect = s.conn.on_too_big(news.sequence, mtu - headers, now);
    if (effect == Conn::Icmp::TooBig) learn_mtu(t, mtu, now);
  } else {
    effect = s.conn.on_unreachable(news.sequence, news.kind == IcmpNews::Kind::Hard);
  }
  constexpr Counter counters[] = {Counter::tcp_icmp_strange, Counter::tcp_icmp_noted, Counter::tcp_icmp_ended,
                                  Counter::tcp_icmp_too_big};
  count_.add(counters[static_cast<size_t>(effect)]);
  settle(i, now);
}

// RFC 1191 §6.3: what was learned serves the next connections too, for ten minutes.
void Tcp::learn_mtu(const Tuple& t, uint16_t mtu, Instant now) {
  mtus_known_ = true;
  mtus_[mtu_place(t.remote)] = {t.remote, mtu, t.vrf, now + Duration::from_s(600)};
}

size_t Tcp::mtu_place(const IpAddr& remote) const {
  return static_cast<size_t>(siphash13(keys_.table, remote.bytes())) % mtus_.size();
}

Path Tcp::path_to(const Tuple& t, Instant now) const {
  Path p = surroundings_.path_to(t.remote, t.vrf);
  p.seen = paths_changed_;
  if (!mtus_known_) return p;
  const KnownMtu& known = mtus_[mtu_place(t.remote)];
  if (known.until > now && known.remote == t.remote && known.vrf == t.vrf) p.mtu = std::min(p.mtu, known.mtu);
  return p;
}

}  // namespace sluice::tcp

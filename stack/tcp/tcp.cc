// SPDX-License-Identifier: Apache-2.0
#include "tcp/tcp.h"

#include <algorithm>

namespace sluice::tcp {
namespace {

constexpr uint32_t most_expired =
    1'024;  // timers per call of expire(): a mass of them must not stop the worker
constexpr uint32_t most_ports_tried = 4'096;  // per connect(); the next goes on where it ended

// Without cookies there is no other way to remember a handshake.
uint32_t most_half_open(const Options& o) { return std::max(o.half_open, 1u); }

}  // namespace

Tcp::Tcp(const Options& options, buf::PacketPool& packets, buf::LinkPool& links, Counters& count, Rng& rng,
         const Keys& keys, Surroundings& surroundings)
    : options_{options},
      count_{count},
      keys_{keys},
      surroundings_{surroundings},
      shared_{options_, count, links, rng},
      output_{packets, count},
      slots_{options.connections},
      table_{options.connections + most_half_open(options) + options.time_waits},
      wheel_{options.connections},
      ready_{options.connections},
      sending_{options.connections},
      halves_{most_half_open(options)},
      half_wheel_{most_half_open(options)},
      half_order_{most_half_open(options)},
      cookies_{keys.cookies},
      records_{options.time_waits},
      record_order_{options.time_waits},
      replies_(options.replies) {}

Tcp::~Tcp() = default;

void Tcp::listen(const IpAddr& local, Port port, uint16_t service, std::optional<Algorithm> congestion,
                 const ListenerLimits& wanted, uint16_t vrf) {
  const Listener fresh{local, port, service, congestion, limits_index(wanted.over(options_)), vrf};
  for (Listener& l : listeners_) {
    if (l.local != local || l.port != port || l.vrf != vrf) continue;
    l = fresh;
    return;
  }
  listeners_.push_back(fresh);
}

// Listeners that want the same share it.
uint8_t Tcp::limits_index(const Limits& wanted) {
  std::vector<Limits>& all = shared_.limits;
  const auto at = static_cast<size_t>(std::ranges::find(all, wanted) - all.begin());
  check(at < most_limits, "listeners differ in at most most_limits ways");
  if (at == all.size()) all.push_back(wanted);
  return static_cast<uint8_t>(at);
}

// RFC 6691: the MSS counts no options. A segment lies in one packet on its way in, so it is never offered
// larger than a packet's data room (less 128 of headroom and 32 for the link header), whatever the MTU.
uint16_t Tcp::mss_of(const Tuple& t, const Path& path) const {
  const uint16_t ip = t.remote.is_v4() ? 20 : 40;
  constexpr uint16_t whole = buf::PacketPool::data_room - 128 - 32;
  const uint16_t mtu = std::min<uint16_t>(path.mtu, whole);
  const auto least = static_cast<uint16_t>(ip + wire::Tcp::header_len + options_.least_mss);
  const auto mss = static_cast<uint16_t>(std::max(mtu, least) - ip - wire::Tcp::header_len);
  return static_cast<uint16_t>(std::min<uint32_t>(mss, options_.most_mss));
}

Setup Tcp::setup(const Tuple& t, const Path& path, SeqNum iss, uint32_t ts_offset) const {
  const Listener* l = listener(t);
  return {.iss = iss,
          .ts_offset = ts_offset,
          .mss = mss_of(t, path),
          .max_segment_text = path.tcp_segmentation ? options_.segmentation_text : 0,
          .congestion = congestion_for(l, path),
          .limits = l != nullptr ? l->limits : uint8_t{0}};
}

// The route knows the way best, then whoever listens, then the room.
Algorithm Tcp::congestion_for(const Listener* l, const Path& path) const {
  if (path.congestion) return *path.congestion;
  return l != nullptr && l->congestion ? *l->congestion : options_.congestion;
}

std::optional<Info> Tcp::info(buf::StreamId id) const {
  if (!slots_.alive(id.index) || slots_.generation(id.index) != id.generation) return std::nullopt;
  return slots_[id.index].conn.info();
}

uint32_t Tcp::find(const Tuple& t, uint32_t hash) const {
  return table_.find(hash, [&](uint32_t at) {
    const uint32_t i = at & index_mask;
    switch (kind_of(at)) {
      case Kind::Connection:
        return slots_[i].tuple == t;
      case Kind::HalfOpen:
        return halves_[i].tuple == t;
      default:
        return records_[i].tuple == t;
    }
  });
}

// RFC 6056 §3.3.4, algorithm 4: a secret start per destination, and a counter for each of many groups of
// destinations, so that a port is not tried again before its neighbours were. Sets the port and the hash.
bool Tcp::free_port(Tuple& t, uint32_t& hash) {
  const uint32_t first = std::min(options_.port_first, options_.port_last);
  const uint32_t count = std::max(options_.port_first, options_.port_last) - first + 1;
  t.local_port = {};
  const uint64_t secret = secret_hash(keys_.ports, t);
  const auto offset = static_cast<uint32_t>(secret);
  uint16_t& next = next_ports_[(secret >> 32) % next_ports_.size()];
  for (uint32_t n = 0; n < std::min(count, most_ports_tried); ++n) {
    t.local_port = {static_cast<uint16_t>(first + (offset % count + next) % count)};
    next = static_cast<uint16_t>((next + 1) % count);
    if (!surroundings_.owns(t)) continue;
    hash = hash_of(t);
    if (find(t, hash) == no_index) return true;
  }
  count_.add(Counter::tcp_no_port);
  return false;
}

std::optional<buf::StreamId> Tcp::connect(Tuple t, uint16_t service, Instant now) {
  t.proto = IpProto::Tcp;
  uint32_t hash = 0;
  if (t.local_port.v == 0) {
    if (!free_port(t, hash)) return std::nullopt;
  } else {
    hash = hash_of(t);
    if (find(t, hash) != no_index) return std::nullopt;
  }
  const Path path = path_to(t, now);
  const Secrets s = secrets(keys_, t);
  const uint32_t i = slots_.take(t, hash, service, path, shared_,
                                 setup(t, path, initial_sequence(s, now), s.ts_offset), now);
  if (i == no_index) {
    count_.add(Counter::tcp_no_room);
    return std::nullopt;
  }
  count_.add(Counter::tcp_opens_active);
  slots_[i].known = true;
  table_.insert(hash, place(Kind::Connection, i));
  settle(i, now);
  return buf::StreamId{i, slots_.generation(i)};
}

void Tcp::give_up(buf::StreamId id, Instant now) {
  Slot* s = slots_.find(id.index, id.generation);
  if (s == nullptr) return;
  check(id.index != serving_, "a service ends the stream it is given by Stream::abort");
  Segment rst;
  if (s->conn.abort(rst, now)) reply(s->tuple, rst);
  release(id.index);
}

bool Tcp::abort_some(Instant now) {
  for (uint32_t i = 0; i < slots_.capacity() && slots_.size() != 0; ++i) {
    if (!slots_.alive(i)) continue;
    if (reply_count_ == replies_.size()) return true;
    Segment rst;
    if (slots_[i].conn.abort(rst, now)) reply(slots_[i].tuple, rst);
    release(i);
  }
  while (!half_order_.empty()) {
    if (reply_count_ == replies_.size()) return true;
    const uint32_t r = half_order_.front();
    reply(halves_[r].tuple, halves_[r].opening.reset(now));
    forget_half_open(r);
  }
  return false;
}

void Tcp::expire(Instant now) {
  wheel_.expire(now, most_expired, [&](uint32_t i) {
    slots_[i].conn.on_deadline(now);
    settle(i, now);
  });
  half_wheel_.expire(now, most_expired, [&](uint32_t r) { expire_half_open(r, now); });
  const uint32_t ms = timestamp_clock(now, 0);
  for (uint32_t n = 0; n < most_expired && !record_order_.empty(); ++n) {
    const uint32_t r = record_order_.front();
    if (static_cast<int32_t>(records_[r].until_ms - ms) > 0) break;
    forget(r);
  }
}

buf::Stream Tcp::stream_of(uint32_t i) {
  Slot& s = slots_[i];
  return {.id = {i, slots_.generation(i)},
          .service = s.service,
          .events = std::exchange(s.events, uint8_t{0}),
          .failure = s.conn.failure(),
          .tuple = &s.tuple,
          .received = s.conn.received(),
          .sending = s.conn.sending(),
          .send_room = s.conn.send_room()};
}

void Tcp::apply(uint32_t i, const buf::Stream& stream, Instant now) {
  Slot& s = slots_[i];
  if (stream.abort) {
    Segment rst;
    if (s.conn.abort(rst, now)) reply(s.tuple, rst);
    return release(i);
  }
  if (stream.events & (buf::stream_event::closed | buf::stream_event::failed)) return release(i);
  s.want_writable = stream.want_writable;
  s.conn.consumed();
  if (stream.close) s.conn.close(now);
  settle(i, now);
  // It wants to write though there is room: something else is short, so ask again next turn.
  if (s.want_writable && s.conn.send_room() >= options_.send_buffer / 4 && s.conn.sending().empty()) {
    s.events |= buf::stream_event::writable;
    ready_.push_back(i);
  }
}

void Tcp::wake(buf::StreamId id) {
  Slot* s = slots_.find(id.index, id.generation);
  if (s == nullptr || !s->known || s->conn.state() == State::SynSent) return;
  s->events |= buf::stream_event::writable;
  ready_.push_back(id.index);
}

// After anything that may have changed a connection: hears its events, books its state, arms its timer.
void Tcp::settle(uint32_t i, Instant now) {
  Slot& s = slots_[i];
  s.touched = false;
  constexpr uint8_t ends = buf::stream_event::closed | buf::stream_event::failed;
  uint8_t events = s.conn.take_events();
  if ((events & buf::stream_event::writable) != 0) {
    const bool wanted = s.want_writable && s.conn.send_room() >= options_.send_buffer / 4;
    if (wanted)
      s.want_writable = false;
    else
      events &= static_cast<uint8_t>(~buf::stream_event::writable);
  }
  s.events |= events;
  if ((events & buf::stream_event::opened) != 0) s.known = true;
  const State state = s.conn.state();
  book(s, state);
  if (state == State::TimeWait && s.in_table) remember(i, now);
  if (state == State::Closed || state == State::TimeWait) {
    leave_table(i);
    wheel_.cancel(i);
    sending_.erase(i);
    if (!s.known) return release(i);  // nobody was told of it
    if ((s.events & ends) == 0) return;
    ready_.push_back(i);
    return;
  }
  if (s.events != 0 && s.known) ready_.push_back(i);
  sending_.push_back(i);
  arm(i);
}

// A deadline that moved away, or is no more, is left armed: it comes early once, instead of costing at every
// segment and acknowledgement.
void Tcp::arm(uint32_t i) {
  const Instant d = slots_[i].conn.deadline();
  if (d != Instant::never() && d + TimerWheel::one_tick <= wheel_.at(i)) wheel_.arm(i, d);
}

void Tcp::book(Slot& s, State state) {
  if (s.counted == state) return;
  gauge(s.counted, UINT32_MAX);
  gauge(state, 1);
  s.counted = state;
}

void Tcp::gauge(State state, uint32_t n) {
  if (state == State::Closed || state == State::TimeWait) return;  // TimeWait counts records
  auto& v = states_[static_cast<size_t>(state)];
  v.store(v.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
}

void Tcp::leave_table(uint32_t i) {
  Slot& s = slots_[i];
  if (!s.in_table) return;
  s.in_table = false;
  table_.erase(s.hash, place(Kind::Connection, i));
}

void Tcp::release(uint32_t i) {
  leave_table(i);
  book(slots_[i], State::Closed);
  wheel_.cancel(i);
  ready_.erase(i);
  sending_.erase(i);
  slots_.give(i);
}

void Tcp::reply(const Tuple& t, const Segment& s) {
  if (reply_count_ == replies_.size()) return count_.add(Counter::tcp_reply_queue_full);
  replies_[(reply_first_ + reply_count_++) % replies_.size()] = {t, s};
}

bool Tcp::output(Instant now, buf::Transmits& out) {
  for (; reply_count_ != 0 && !out.full(); --reply_count_) {
    const Reply& r = replies_[reply_first_];
    output_.emit(r.tuple, r.segment, nullptr, {}, out);
    reply_first_ = (reply_first_ + 1) % static_cast<uint32_t>(replies_.size());
  }
  if (reply_count_ != 0) return true;
  // Round robin, one segment (or one device's worth of segments) a turn.
  while (!sending_.empty()) {
    const uint32_t i = sending_.front();
    Slot& s = slots_[i];
    if (s.path.seen != paths_changed_) [[unlikely]]
      follow_path(s, now);
    if (out.room() < s.conn.most_packets()) return true;
    sending_.erase(i);
    Segment segment;
    if (s.conn.next_segment(now, segment)) {
      output_.emit(s.tuple, segment, &s.conn.sending(), s.path, out);
      sending_.push_back(i);
    } else {
      arm(i);
    }
  }
  return false;
}

Instant Tcp::deadline() const {
  if (!ready_.empty() || !sending_.empty() || reply_count_ != 0) return Instant{};
  return std::min(wheel_.next(), half_wheel_.next());
}

}  // namespace sluice::tcp

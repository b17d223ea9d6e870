// SPDX-License-Identifier: Apache-2.0
#include "tcp/tcp.h"

#include <algorithm>

namespace sluice::tcp {
namespace {

constexpr uint32_t most_expired =
    1'024;  // timers per call of expire(): a mass of them must not stop the worker

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
      table_{options.connections},
      wheel_{options.connections},
      ready_{options.connections},
      sending_{options.connections},
      half_open_{options.connections},
      records_{options.time_waits},
      record_table_{options.time_waits},
      record_order_{options.time_waits},
      replies_(options.replies) {}

Tcp::~Tcp() = default;

void Tcp::listen(const IpAddr& local, Port port, uint16_t service) {
  for (Listener& l : listeners_) {
    if (l.local != local || l.port != port) continue;
    l.service = service;
    return;
  }
  listeners_.push_back({local, port, service});
}

// RFC 6691: the MSS counts no options. A segment lies in one packet on its way in, so it is never offered
// larger than a packet's data room (less 128 of headroom and 32 for the link header), whatever the MTU.
Setup Tcp::setup(const Tuple& t, const Path& path, SeqNum iss) const {
  const uint16_t ip = t.remote.is_v4() ? 20 : 40;
  constexpr uint16_t whole = buf::PacketPool::data_room - 128 - 32;
  const uint16_t mtu = std::min<uint16_t>(path.mtu, whole);
  const auto least = static_cast<uint16_t>(ip + wire::Tcp::header_len + options_.least_mss);
  return {.iss = iss,
          .ts_offset = timestamp_offset(keys_, t),
          .mss = static_cast<uint16_t>(std::max(mtu, least) - ip - wire::Tcp::header_len),
          .max_segment_text = path.tcp_segmentation ? options_.segmentation_text : 0};
}

uint32_t Tcp::find(const Tuple& t, uint64_t hash) const {
  return table_.find(hash, [&](uint32_t i) { return slots_[i].tuple == t; });
}
uint32_t Tcp::find_time_wait(const Tuple& t, uint64_t hash) const {
  return record_table_.find(hash, [&](uint32_t i) { return records_[i].tuple == t; });
}
bool Tcp::taken(const Tuple& t, uint64_t hash) const {
  return find(t, hash) != no_index || find_time_wait(t, hash) != no_index;
}

// RFC 6056 §3.3.3, algorithm 3: a secret start per destination, then one after the other. Ends after all
// ports were tried.
bool Tcp::free_port(Tuple& t) {
  const uint32_t first = std::min(options_.port_first, options_.port_last);
  const uint32_t count = std::max(options_.port_first, options_.port_last) - first + 1;
  t.local_port = {};
  const auto offset = static_cast<uint32_t>(secret_hash(keys_.ports, t));
  for (uint32_t n = 0; n < count; ++n) {
    t.local_port = {static_cast<uint16_t>(first + (offset + next_port_++) % count)};
    if (!taken(t, table_hash(keys_.table, t)) && surroundings_.owns(t)) return true;
  }
  return false;
}

std::optional<buf::StreamId> Tcp::connect(Tuple t, uint16_t service, Instant now) {
  t.proto = IpProto::Tcp;
  if (t.local_port.v == 0 && !free_port(t)) return std::nullopt;
  const uint64_t hash = table_hash(keys_.table, t);
  if (taken(t, hash)) return std::nullopt;
  const Path path = surroundings_.path_to(t.remote);
  const SeqNum iss = initial_sequence(keys_, t, now);
  const uint32_t i = slots_.take(t, service, path, shared_, setup(t, path, iss), now);
  if (i == no_index) {
    count_.add(Counter::tcp_no_room);
    return std::nullopt;
  }
  count_.add(Counter::tcp_opens_active);
  slots_[i].known = true;
  table_.insert(hash, i);
  settle(i, now);
  return buf::StreamId{i, slots_.generation(i)};
}

bool Tcp::abort_some() {
  for (uint32_t i = 0; i < slots_.capacity() && slots_.size() != 0; ++i) {
    if (!slots_.alive(i)) continue;
    if (reply_count_ == replies_.size()) return true;
    Segment rst;
    if (slots_[i].conn.abort(rst)) reply(slots_[i].tuple, rst);
    release(i);
  }
  return false;
}

void Tcp::expire(Instant now) {
  wheel_.expire(now, most_expired, [&](uint32_t i) {
    slots_[i].conn.on_deadline(now);
    settle(i, now);
  });
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
          .tuple = &s.tuple,
          .received = s.conn.received(),
          .sending = s.conn.sending(),
          .send_room = s.conn.send_room()};
}

void Tcp::apply(uint32_t i, const buf::Stream& stream, Instant now) {
  Slot& s = slots_[i];
  if (stream.abort) {
    Segment rst;
    if (s.conn.abort(rst)) reply(s.tuple, rst);
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
  if (state != State::SynReceived) half_open_.erase(i);
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

// A deadline that moved away is left armed: it comes early once, instead of costing at every ACK.
void Tcp::arm(uint32_t i) {
  const Instant d = slots_[i].conn.deadline();
  if (wheel_.armed(i) && (d == Instant::never() || wheel_.at(i) <= d)) {
    if (d == Instant::never()) wheel_.cancel(i);
    return;
  }
  wheel_.arm(i, d);
}

void Tcp::book(Slot& s, State state) {
  if (s.counted == state) return;
  const auto add = [&](State which, uint32_t n) {
    if (which == State::Closed || which == State::TimeWait) return;  // TimeWait counts records
    auto& v = states_[static_cast<size_t>(which)];
    v.store(v.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  };
  add(s.counted, UINT32_MAX);
  add(state, 1);
  s.counted = state;
}

void Tcp::leave_table(uint32_t i) {
  Slot& s = slots_[i];
  if (!std::exchange(s.in_table, false)) return;
  table_.erase(table_hash(keys_.table, s.tuple), i);
}

void Tcp::release(uint32_t i) {
  leave_table(i);
  book(slots_[i], State::Closed);
  wheel_.cancel(i);
  ready_.erase(i);
  sending_.erase(i);
  half_open_.erase(i);
  slots_.give(i);
}

// From here on TIME-WAIT is a small record; the connection itself waits only for its service to hear the end.
void Tcp::remember(uint32_t i, Instant now) {
  Slot& s = slots_[i];
  Segment last;
  while (s.conn.next_segment(now, last)) reply(s.tuple, last);
  if (records_.full()) {
    count_.add(Counter::tcp_time_wait_shed);
    forget(record_order_.front());
  }
  const uint32_t r = records_.take(TimeWait{.tuple = s.tuple,
                                            .snd_nxt = s.conn.snd_nxt(),
                                            .rcv_nxt = s.conn.rcv_nxt(),
                                            .ts_recent = s.conn.ts_recent(),
                                            .until_ms = timestamp_clock(now + options_.time_wait, 0),
                                            .timestamps = s.conn.timestamps()});
  record_table_.insert(table_hash(keys_.table, s.tuple), r);
  record_order_.push_back(r);
  count_.add(Counter::tcp_time_waits);
  states_[static_cast<size_t>(State::TimeWait)].store(records_.size(), std::memory_order_relaxed);
}

void Tcp::forget(uint32_t r) {
  record_order_.erase(r);
  record_table_.erase(table_hash(keys_.table, records_[r].tuple), r);
  records_.give(r);
  states_[static_cast<size_t>(State::TimeWait)].store(records_.size(), std::memory_order_relaxed);
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
  return !ready_.empty() || !sending_.empty() || reply_count_ != 0 ? Instant{} : wheel_.next();
}

}  // namespace sluice::tcp

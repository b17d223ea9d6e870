// SPDX-License-Identifier: Apache-2.0
#include "serve/inetd.h"

#include <algorithm>
#include <utility>

namespace sluice::serve {

Inetd::Inetd(uint32_t connections, Counters& count)
    : count_{count}, waits_{connections}, sessions_(connections) {}

uint32_t Inetd::add(InetdKind kind, const InetdOptions& o) {
  services_.push_back({kind, waits_.add_list(o.idle_timeout)});
  return static_cast<uint32_t>(services_.size() - 1);
}

void Inetd::on_stream(uint32_t service, buf::Stream& s, Instant now) {
  const Service& v = services_[service];
  Session& x = sessions_[s.id.index];
  if (s.events & buf::stream_event::opened) {
    x = {.generation = s.id.generation, .open = true};
    count_.add(v.kind == InetdKind::Echo ? Counter::echo_connections : Counter::discard_connections);
  }
  const bool known = x.open && x.generation == s.id.generation;
  if (s.events & (buf::stream_event::closed | buf::stream_event::failed)) {
    if (!known) return;
    waits_.disarm(s.id.index);
    x = {};
    return;
  }
  if (!known || std::exchange(x.due, false)) {  // its beginning was not told, or its time is over
    if (known) count_.add(Counter::inetd_idle_timeout);
    waits_.disarm(s.id.index);
    x = {};
    s.abort = true;
    return;
  }
  if (s.events & buf::stream_event::peer_closed) x.peer_closed = true;
  size_t moved = s.received.size();
  if (v.kind == InetdKind::Echo) {
    moved = echo(s);
    count_.add(Counter::echo_octets, moved);
  } else {
    s.received.consume(moved);
    count_.add(Counter::discard_octets, moved);
  }
  if (x.peer_closed && s.received.empty()) s.close = true;
  if (moved != 0 || waits_.waits_on(s.id.index) == Deadlines::none) waits_.arm(s.id.index, v.wait, now);
}

// Moves what there is room for; returns how many octets.
size_t Inetd::echo(buf::Stream& s) {
  size_t moved = 0;
  while (!s.received.empty()) {
    const size_t room = s.send_room - moved, here = s.received.front().size();
    bool pushed = room != 0 && s.sending.slices() < most_pieces;
    if (pushed && here <= room) {
      pushed = s.sending.push(s.received.pop());  // pop gave a link back
    } else if (pushed) {
      s.received.for_range(0, room, [&](const buf::Slice& piece, uint32_t at, uint32_t n) {
        pushed = s.sending.push(piece.clone(at, n));
      });
      if (pushed) s.received.consume(room);
    }
    if (!pushed) {
      s.want_writable = true;
      break;
    }
    moved += std::min(here, room);
  }
  return moved;
}

size_t Inetd::expire(Instant now, std::span<buf::StreamId> due) {
  size_t n = 0;
  return waits_.expire(now, due.size(), [&](uint32_t thing, uint32_t) {
    sessions_[thing].due = true;
    due[n++] = {thing, sessions_[thing].generation};
  });
}

bool Inetd::answers(InetdKind kind, const Tuple& t, size_t octets, Counters& count) {
  if (kind == InetdKind::Discard) {
    count.add(Counter::discard_octets, octets);
    count.add(Counter::discard_datagrams);
    return false;
  }
  if (t.remote_port.v < 1024) {
    count.add(Counter::echo_loop);
    return false;
  }
  count.add(Counter::echo_octets, octets);
  count.add(Counter::echo_datagrams);
  return true;
}

}  // namespace sluice::serve

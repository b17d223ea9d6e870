// SPDX-License-Identifier: Apache-2.0
#include "serve/http_server.h"

#include <algorithm>
#include <utility>

namespace sluice::serve {
namespace {

// How soon an answer that found no chunk or link is tried again: long enough for acknowledgements to free
// some.
constexpr Duration retry_wait = 5_ms;

Counter method_counter(http::Method m) {
  static_assert(static_cast<int>(Counter::http_method_other) - static_cast<int>(Counter::http_method_get) ==
                static_cast<int>(http::Method::Other));
  return Counter{
      static_cast<uint16_t>(static_cast<uint16_t>(Counter::http_method_get) + static_cast<uint16_t>(m))};
}

}  // namespace

HttpServer::HttpServer(uint32_t connections, buf::ChunkPool& pool, Counters& count)
    : count_{count}, heads_{pool}, waits_{connections}, sessions_(connections) {}

uint32_t HttpServer::add(std::shared_ptr<const Sites> sites, const http::Options& o) {
  Service& s = services_.emplace_back(Service{.options = o, .sites = std::move(sites)});
  for (const auto& content : s.sites->contents()) s.chunks.push_back(content->chunks());
  s.first_wait = waits_.add_list(o.head_timeout);  // in the order of Wait
  waits_.add_list(o.idle_timeout);
  waits_.add_list(o.send_timeout);
  waits_.add_list(o.linger_timeout);
  waits_.add_list(retry_wait);
  head_scratch_.resize(std::max<size_t>(head_scratch_.size(), o.head_max));
  path_scratch_.resize(std::max<size_t>(path_scratch_.size(), o.target_max));
  return static_cast<uint32_t>(services_.size() - 1);
}

void HttpServer::date(int64_t unix_seconds) {
  if (!heads_.refresh(unix_seconds)) count_.add(Counter::http_no_memory);
}

void HttpServer::on_stream(uint32_t service, buf::Stream& s, Instant now) {
  Service& v = services_[service];
  Session& x = sessions_[s.id.index];
  if (s.events & buf::stream_event::opened) open(x, s);
  const bool known = x.open && x.generation == s.id.generation;
  if (s.events & (buf::stream_event::closed | buf::stream_event::failed)) {
    if (known) forget(x, s.id.index);
    return;
  }
  if (!known) {  // its beginning was not told, or its end was already
    s.abort = true;
    return;
  }
  if (s.events & buf::stream_event::peer_closed) x.peer_closed = true;
  if (std::exchange(x.due, false) && !on_due(v, x, s, now)) return forget(x, s.id.index);
  const Progress p = run(v, x, s);
  arm(v, x, s, p, now);
}

void HttpServer::open(Session& x, const buf::Stream& s) {
  forget(x, s.id.index);
  x.open = true;
  x.generation = s.id.generation;
  count_.add(Counter::http_connections);
}

void HttpServer::forget(Session& x, uint32_t index) {
  waits_.disarm(index);
  x = Session{};
}

// What a passed deadline means; false when the connection was reset.
bool HttpServer::on_due(Service& v, Session& x, buf::Stream& s, Instant now) {
  switch (x.due_for) {
    case Wait::Retry:
      return true;
    case Wait::Head:
      count_.add(Counter::http_head_timeout);
      // To a connection that said nothing there is nothing to answer (browsers open such ones on suspicion).
      if (!s.received.empty()) start(v, x, v.sites->refusal(408), Ending::Close, false);
      break;
    case Wait::Idle:
      count_.add(Counter::http_idle_timeout);
      break;
    case Wait::Send:
      if (takes(v, x, s, now)) return true;
      count_.add(Counter::http_send_timeout);
      s.abort = true;
      return false;
    case Wait::Linger:
      if (takes(v, x, s, now)) return true;
      count_.add(s.sending.empty() ? Counter::http_linger_timeout : Counter::http_send_timeout);
      s.abort = true;
      return false;
  }
  x.conn.end();
  return true;
}

// Whether what was handed over still goes out, however slowly. The transport tells only of much new room, and
// after close of none: so this looks at what is left.
bool HttpServer::takes(const Service& v, Session& x, const buf::Stream& s, Instant now) {
  const auto unsent = static_cast<uint32_t>(s.sending.size());
  if (unsent == 0) return false;
  if (unsent != x.unsent) {
    x.unsent = unsent;
    x.took_at = now;
  }
  return now - x.took_at < v.options.send_timeout;
}

HttpServer::Progress HttpServer::run(Service& v, Session& x, buf::Stream& s) {
  using Next = http::H1Conn::Next;
  Progress p;
  size_t room = s.send_room;
  for (;;) {
    if (x.answering()) {
      const size_t before = room;
      p.stop = push(x, s, room);
      p.octets |= room != before;
      if (x.answering()) return p;
    }
    if (x.conn.last() && !x.closing) end(x, s);
    http::Request request;
    const Next next = x.conn.next(s.received, head_scratch_, v.options, request);
    if (const uint64_t skipped = x.conn.skipped(); skipped != 0) {
      count_.add(Counter::http_body_bytes_in, skipped);
      p.octets = true;
    }
    switch (next) {
      case Next::Wait:
        p.stop = x.closing ? Stop::Ended : Stop::NeedsOctets;
        if (x.peer_closed && !x.closing) {
          if (!s.received.empty() || x.conn.in_body()) count_.add(Counter::http_truncated);
          end(x, s);
          p.stop = Stop::Ended;
        }
        return p;
      case Next::Request:
        p.requests = true;
        take_request(v, x, request);
        break;
      case Next::Refused:
        count_.add(x.conn.why());
        start(v, x, v.sites->refusal(http::status_of(x.conn.why())), Ending::Close, false);
        break;
      case Next::Broken:
        count_.add(x.conn.why());
        break;
    }
  }
}

void HttpServer::take_request(Service& v, Session& x, const http::Request& q) {
  count_.add(method_counter(q.method));
  const Reply r = v.sites->answer(q, path_scratch_, count_);
  // RFC 9110 §10.1.1: a client that waits to be told to go on is told so in front of an answer that does not
  // need its content, which is then dropped. When the answer is no, the content is not wanted: no 100, and
  // the end.
  bool go_on = q.expect_continue;
  if (go_on && r.status >= 400) {
    go_on = false;
    x.conn.end();
  }
  const bool last = x.conn.last();
  start(v, x, r, last ? Ending::Close : q.minor == 0 ? Ending::Persist10 : Ending::Persist, go_on);
}

void HttpServer::start(Service& v, Session& x, const Reply& r, Ending ending, bool go_on) {
  count_.add(http::status_lines[http::status_index(r.status)].counter);
  x.head = heads_.head(r.status, ending, go_on);
  x.left = r.length;
  const uint64_t piece = r.offset / buf::ContentMemory::piece;
  x.piece = v.chunks[r.content].data() + r.resource->first_piece + piece;
  x.at = static_cast<uint32_t>(r.offset % buf::ContentMemory::piece);
}

// Hands over as much of the answer as there is room for.
HttpServer::Stop HttpServer::push(Session& x, buf::Stream& s, size_t& room) {
  while (x.answering()) {
    if (room == 0) {
      s.want_writable = true;
      return Stop::NeedsRoom;
    }
    if (!x.head.empty()) {
      const auto n = static_cast<uint32_t>(std::min<size_t>(room, x.head.size()));
      if (n == x.head.size()) {
        if (!push_slice(s, std::move(x.head), room)) return Stop::NeedsMemory;  // untouched when refused
        continue;
      }
      if (!push_slice(s, x.head.clone(0, n), room)) return Stop::NeedsMemory;
      x.head.drop_front(n);
      continue;
    }
    const auto n = static_cast<uint32_t>(std::min<uint64_t>({room, x.left, x.piece->size - x.at}));
    if (!push_slice(s, buf::Slice{*x.piece, x.at, n}, room)) return Stop::NeedsMemory;
    x.left -= n;
    x.at += n;
    if (x.at == x.piece->size) ++x.piece, x.at = 0;
  }
  return Stop::NeedsOctets;
}

bool HttpServer::push_slice(buf::Stream& s, buf::Slice&& slice, size_t& room) {
  const size_t n = slice.size();
  if (!s.sending.push(std::move(slice))) {
    count_.add(Counter::http_no_memory);
    return false;
  }
  room -= n;
  count_.add(Counter::http_bytes_out, n);
  return true;
}

// RFC 9112 §9.6: our half closes, and what still comes is read and dropped until the peer closes too, so that
// no reset overtakes the answer.
void HttpServer::end(Session& x, buf::Stream& s) {
  x.conn.end();
  x.closing = true;
  s.close = true;
}

void HttpServer::arm(const Service& v, Session& x, const buf::Stream& s, const Progress& p, Instant now) {
  const uint32_t thing = s.id.index;
  const uint32_t armed = waits_.waits_on(thing);
  const auto wait = [&](Wait w, bool again) {
    const uint32_t list = v.first_wait + static_cast<uint32_t>(w);
    if (armed != list || again) waits_.arm(thing, list, now);
  };
  if (p.octets) {
    x.unsent = static_cast<uint32_t>(s.sending.size());
    x.took_at = now;
  }
  if (p.stop == Stop::NeedsMemory) return wait(Wait::Retry, true);
  if (p.stop == Stop::NeedsRoom) return wait(Wait::Send, p.octets);
  if (p.stop == Stop::Ended) return wait(Wait::Linger, false);
  if (x.conn.in_body()) return wait(Wait::Idle, p.octets);
  // The head's time runs from its first octet, and in a new connection from the start; it is not prolonged by
  // octets that drip in.
  const bool fresh = !x.conn.started();
  if (!s.received.empty() || fresh) return wait(Wait::Head, p.requests);
  wait(Wait::Idle, p.requests || p.octets);
}

size_t HttpServer::expire(Instant now, std::span<buf::StreamId> due) {
  size_t n = 0;
  return waits_.expire(now, due.size(), [&](uint32_t thing, uint32_t list) {
    Session& x = sessions_[thing];
    x.due = true;
    x.due_for = Wait{static_cast<uint8_t>(list % waits)};
    due[n++] = {thing, x.generation};
  });
}

}  // namespace sluice::serve

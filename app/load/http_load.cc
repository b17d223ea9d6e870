// SPDX-License-Identifier: Apache-2.0
#include "app/load/http_load.h"

#include <algorithm>

#include "base/check.h"
#include "config/codec.h"

namespace sluice::load {

using buf::stream_event::closed;
using buf::stream_event::failed;
using buf::stream_event::opened;
using buf::stream_event::peer_closed;

namespace {

constexpr uint32_t most_opened = 64;  // connections begun in a turn
constexpr int most_tried = 2'048;     // places for a connection: more than lie in TIME-WAIT side by side
constexpr uint32_t most_swept = 256;  // users looked at in a millisecond
constexpr uint32_t upload_piece = 65'536;

std::string request_head(const HttpPlan& p) {
  std::string s = p.upload == 0 ? "GET " : "POST ";
  s += p.target + " HTTP/1.1\r\nHost: " + p.authority + "\r\n";
  if (p.upload != 0) s += "Content-Length: " + std::to_string(p.upload) + "\r\n";
  if (p.requests == 1) s += "Connection: close\r\n";
  return s + "\r\n";
}

std::vector<uint8_t> upload_octets() {
  std::vector<uint8_t> v(upload_piece);
  for (size_t i = 0; i < v.size(); ++i) v[i] = static_cast<uint8_t>(i * 31 + (i >> 8));
  return v;
}

Fault fault_of(buf::Failure why) {
  switch (why) {
    case buf::Failure::Refused:
      return Fault::refused;
    case buf::Failure::Unreachable:
      return Fault::unreachable;
    case buf::Failure::NoAnswer:
      return Fault::no_answer;
    case buf::Failure::None:
    case buf::Failure::Reset:
      break;
  }
  return Fault::reset;
}

}  // namespace

uint32_t tcp_connections(const HttpPlan& p) { return p.connections + 64; }

HttpLoad::HttpLoad(HttpPlan plan, Sources sources, Host& host)
    : plan_{std::move(plan)},
      sources_{sources},
      host_{host},
      depth_{plan_.requests == 0 ? plan_.pipeline : std::min(plan_.pipeline, plan_.requests)},
      phase_{plan_.hold || plan_.reference.known() ? Phase::Opening : Phase::Learning},
      users_(plan_.connections),
      user_of_(tcp_connections(plan_), UINT32_MAX),
      moments_(size_t{plan_.connections} * depth_),
      idle_(plan_.connections),
      scratch_(http_options_.head_max),
      request_memory_{std::make_unique<buf::ContentMemory>(as_bytes(request_head(plan_)))} {
  request_ = request_memory_->chunks();
  if (plan_.upload != 0) {
    body_memory_ = std::make_unique<buf::ContentMemory>(upload_octets());
    body_ = body_memory_->chunks();
  }
  check(request_.size() == 1, "a request's head is short");
  away_.reserve(plan_.connections);
  for (uint32_t u = plan_.connections; u-- > 1;) away_.push_back(u);
  away_.push_back(0);
}

HttpLoad::~HttpLoad() = default;

size_t HttpLoad::turn(Instant now) {
  size_t moved = host_.receive(now);
  if (now >= next_sweep_) {
    host_.expire(now);
    sweep(now);
    next_sweep_ = now + 1_ms;
  }
  host_.tcp().expire(now);
  if (phase_ == Phase::Running && open_loop()) order_due(now);
  if (phase_ != Phase::Stopped) open_some(now);
  host_.tcp().for_each_ready(now, [&](buf::Stream& s) { on_stream(s, now); });
  return moved + host_.send(now);
}

bool HttpLoad::ready(Instant now) {
  if (begun_ == Instant{}) begun_ = now;
  if (phase_ != Phase::Opening) return false;
  const bool ready = standing_ == plan_.connections || (fresh() && !plan_.hold);
  if (ready) all_open_ = now;
  return ready;
}

std::string HttpLoad::missing() const {
  const std::string where = config::Codec<config::Endpoint>::text({plan_.server, plan_.port});
  const std::string last = trouble_.empty() ? "" : "; the last trouble was: " + trouble_;
  if (phase_ == Phase::Learning) return "no answer from " + where + last;
  return "only " + std::to_string(standing_) + " of " + std::to_string(plan_.connections) +
         " connections to " + where + " stand" + last;
}

void HttpLoad::start(Instant now) {
  phase_ = Phase::Running;
  pace_ = Pace{now, plan_.rate};
  if (open_loop() && fresh()) away_.clear();  // they open when an order comes
  for (uint32_t u = 0; u < users_.size(); ++u) {
    if (open_loop()) list_idle(u);
    if (users_[u].state == State::Open && !plan_.hold && !open_loop()) host_.tcp().wake(users_[u].stream);
  }
}

void HttpLoad::measure(Instant now) { due_before_ = open_loop() ? pace_.due(now) : 0; }

void HttpLoad::stop(Instant) {
  phase_ = Phase::Stopped;
  held_ = standing_;
}

bool HttpLoad::leave(Instant now) {
  const bool more = host_.tcp().abort_some(now);
  if (!more) opening_ = standing_ = 0;
  host_.send(now);
  return more;
}

// Handshakes for those who shall have a connection and have none.
void HttpLoad::open_some(Instant now) {
  if (now < retry_ || (phase_ == Phase::Opening && fresh() && !plan_.hold)) return;
  const uint32_t most = phase_ == Phase::Learning ? 1 : plan_.opening_most;
  if (phase_ == Phase::Learning && standing_ + opening_ != 0) return;
  for (uint32_t n = 0; n < most_opened && !away_.empty() && opening_ < most; ++n) {
    const uint32_t u = away_.back();
    if (fresh() && counting() && users_[u].orders == 0) assign(u, now);
    if (!open(u, now)) {
      retry_ = now + 1_ms;
      return;
    }
    away_.pop_back();
  }
}

bool HttpLoad::open(uint32_t u, Instant now) {
  for (int tries = 0; tries < most_tried; ++tries) {
    const Sources::Place from = sources_.next();
    const auto id = host_.tcp().connect(
        {.remote = plan_.server, .local = from.addr, .remote_port = plan_.port, .local_port = from.port}, 0,
        now);
    if (!id) continue;
    User& user = users_[u];
    user.stream = *id;
    user.state = State::Opening;
    user.moved = now;
    user_of_[id->index] = u;
    ++opening_;
    return true;
  }
  if (counting()) tally.fault(Fault::no_ports);
  trouble_ = "no free source port; give more --sources";
  return false;
}

void HttpLoad::assign(uint32_t u, Instant when) {
  User& user = users_[u];
  moment(u, user.oldest + user.http.open() + user.orders) = when;
  ++user.orders;
}

// Open loop: what is due goes to whoever has room, and keeps the moment at which it was due.
void HttpLoad::order_due(Instant now) {
  const uint64_t due = pace_.due(now);
  tally.offered.set(due - due_before_);
  while (ordered_ < due && idle_count_ != 0) {
    const uint32_t u = idle_[idle_first_];
    idle_first_ = (idle_first_ + 1) % idle_.size();
    --idle_count_;
    User& user = users_[u];
    user.listed = false;
    if (!fresh() && user.state != State::Open) continue;  // it comes back when its connection stands
    assign(u, pace_.at(ordered_++));
    if (fresh())
      away_.push_back(u);
    else
      host_.tcp().wake(user.stream);
    list_idle(u);
  }
}

void HttpLoad::list_idle(uint32_t u) {
  User& user = users_[u];
  if (user.listed) return;
  if (fresh() ? user.state != State::Away || user.orders != 0
              : user.state != State::Open || user.http.open() + user.orders >= depth_ || !wants_more(user))
    return;
  user.listed = true;
  idle_[(idle_first_ + idle_count_++) % idle_.size()] = u;
}

// Whether the connection may carry a request more than it was given.
bool HttpLoad::wants_more(const User& user) const {
  return plan_.requests == 0 || user.asked + user.orders < plan_.requests;
}

// Answers that do not come. A part of the users a call, all of them within a second and a bit.
void HttpLoad::sweep(Instant now) {
  const auto n = std::min<size_t>(users_.size(), std::max<size_t>(most_swept, users_.size() / 1000));
  for (size_t i = 0; i < n; ++i) {
    User& user = users_[swept_];
    swept_ = (swept_ + 1) % static_cast<uint32_t>(users_.size());
    const bool waits = user.state == State::Ending || (user.state == State::Open && user.http.open() != 0);
    if (!waits || user.moved + plan_.timeout > now) continue;
    user.late = true;
    host_.tcp().wake(user.stream);
  }
}

void HttpLoad::on_stream(buf::Stream& s, Instant now) {
  const uint32_t u = user_of_[s.id.index];
  User& user = users_[u];
  check(user.stream == s.id, "a stream belongs to the user who opened it");
  if ((s.events & opened) != 0 && user.state == State::Opening) {
    --opening_;
    ++standing_;
    user.state = State::Open;
    user.moved = now;
    if (counting()) tally.connections.add();
    if (phase_ == Phase::Learning) assign(u, now);
  }
  if (!s.received.empty() && !read(u, s, now)) {
    s.abort = true;
    return gone(u);
  }
  if ((s.events & (failed | closed)) != 0) {
    const bool was_open = user.state != State::Opening;
    if ((s.events & failed) != 0)
      trouble_ = std::string{was_open ? "an open connection failed: " : "connecting failed: "} +
                 buf::name_of(s.failure);
    lose(user, (s.events & failed) != 0 ? fault_of(s.failure) : Fault::closed_early);
    return gone(u);
  }
  if ((s.events & peer_closed) != 0 && user.state == State::Open) {
    const auto last = user.http.on_close();
    if (last == http::H1Client::Next::Done) on_done(u, now);
    lose(user, last == http::H1Client::Next::Broken ? Fault::malformed : Fault::closed_early);
    end(user, s);
  }
  if (user.late) {
    if (user.http.open() != 0) trouble_ = "an answer did not come in time";
    lose(user, Fault::timeout);
    s.abort = true;
    return gone(u);
  }
  if (user.state != State::Open || s.abort) return;
  if (phase_ == Phase::Running && !open_loop() && !plan_.hold)
    while (user.http.open() + user.orders < depth_ && wants_more(user)) assign(u, now);
  if (phase_ == Phase::Stopped) user.orders = 0;
  write(user, s, now);
  if (plan_.requests != 0 && user.asked >= plan_.requests && user.http.open() == 0 && user.orders == 0)
    end(user, s);
  if (open_loop() && phase_ == Phase::Running) list_idle(u);
}

// What came: heads, contents, ends of responses. False: it was no HTTP, the connection is of no more use.
bool HttpLoad::read(uint32_t u, buf::Stream& s, Instant now) {
  using Next = http::H1Client::Next;
  User& user = users_[u];
  user.moved = now;
  if (user.state == State::Ending) s.received.clear();
  for (;;) {
    switch (user.http.next(s.received, scratch_, http::Method::Get, http_options_, known_)) {
      case Next::Wait:
        return true;
      case Next::Head:
        on_head(user);
        break;
      case Next::Content:
        on_content(user);
        break;
      case Next::Done:
        on_done(u, now);
        if (user.http.last()) {
          lose(user, Fault::closed_early);
          end(user, s);
          s.received.clear();
          return true;
        }
        break;
      case Next::Broken:
        trouble_ = "what came is no HTTP response";
        lose(user, Fault::malformed);
        return false;
    }
  }
}

void HttpLoad::on_head(User& user) {
  user.content = 0;
  user.fits = user.http.response().status == plan_.expect_status;
  if (user.fits) return;
  if (counting()) tally.fault(Fault::wrong_status);
  trouble_ = "an answer had status " + std::to_string(user.http.response().status);
}

void HttpLoad::on_content(User& user) {
  const Bytes piece = user.http.content();
  if (phase_ == Phase::Learning) {
    if (!plan_.reference.learn(piece)) trouble_ = "the answer is too long to be kept for comparison";
  } else if (user.fits && !plan_.reference.fits(user.content, piece)) {
    user.fits = false;
    if (counting()) tally.fault(Fault::wrong_body);
    trouble_ = "an answer had another content";
  }
  user.content += piece.size();
  if (counting()) tally.octets.add(piece.size());
}

void HttpLoad::on_done(uint32_t u, Instant now) {
  User& user = users_[u];
  const Instant due = moment(u, user.oldest++);
  if (phase_ == Phase::Learning) {
    plan_.reference.learned();
    phase_ = Phase::Opening;
    return;
  }
  if (!counting()) return;
  if (user.fits && user.content != plan_.reference.size()) {
    user.fits = false;
    tally.fault(Fault::wrong_body);
    trouble_ = "an answer had another length";
  }
  if (!user.fits) return;
  tally.received.add();
  tally.octets_out.add(plan_.upload);
  tally.latency.record(now > due ? static_cast<uint64_t>((now - due).ns) : 0);
}

// Begins the requests assigned, as far as there is room.
void HttpLoad::write(User& user, buf::Stream& s, Instant now) {
  size_t room = s.send_room;
  const auto push = [&](buf::Chunk& c, uint32_t at, uint32_t n) {
    buf::Slice slice{c, at, n};
    if (!s.sending.push(std::move(slice))) return false;
    room -= n;
    return true;
  };
  while (user.body_left != 0 || user.orders != 0) {
    if (user.body_left == 0) {
      if (room < request_[0].size || !push(request_[0], 0, request_[0].size)) break;
      --user.orders;
      ++user.asked;
      user.http.asked();
      user.moved = now;
      user.body_left = plan_.upload;
      if (counting()) tally.sent.add();
      continue;
    }
    const auto at = static_cast<uint32_t>((plan_.upload - user.body_left) % upload_piece);
    const auto n = static_cast<uint32_t>(std::min<uint64_t>({user.body_left, room, upload_piece - at}));
    if (n == 0 || !push(body_[0], at, n)) break;
    user.body_left -= n;
    user.moved = now;
  }
  s.want_writable = user.body_left != 0 || user.orders != 0;
}

// The connection has served: no request follows.
void HttpLoad::end(User& user, buf::Stream& s) {
  s.close = true;
  if (user.state == State::Open) --standing_;
  user.state = State::Ending;
}

// What was asked, or assigned, will not be answered.
void HttpLoad::lose(User& user, Fault why) {
  const bool connecting = user.state == State::Opening;
  const uint32_t n = user.http.open() + user.orders;
  user.oldest += n;
  user.orders = 0;
  if (counting() && n != 0) tally.fault(why, n);
  if (counting() && n == 0 && (connecting || plan_.hold)) tally.fault(why);
  user.http = {};
}

void HttpLoad::gone(uint32_t u) {
  User& user = users_[u];
  if (user.state == State::Opening) --opening_;
  if (user.state == State::Open) --standing_;
  const uint32_t oldest = user.oldest;
  const bool listed = user.listed;
  user = {};
  user.oldest = oldest;
  user.listed = listed;
  if (!counting()) retry_ = next_sweep_ + 10_ms;  // whoever refused may need a moment
  if (counting() && plan_.hold) return;           // what fell is counted, not put up again
  if (counting() && fresh() && open_loop()) return list_idle(u);
  away_.push_back(u);
}

}  // namespace sluice::load

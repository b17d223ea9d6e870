// SPDX-License-Identifier: Apache-2.0
#include "tcp/packetdrill/sockets.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace sluice::test::pkt {
namespace {

#define NAMED(x) {#x, x}
constexpr std::pair<const char*, int> errnos[] = {
    NAMED(EAGAIN),     NAMED(EINPROGRESS),  NAMED(ECONNREFUSED), NAMED(ECONNRESET), NAMED(EPIPE),
    NAMED(ETIMEDOUT),  NAMED(ENOTCONN),     NAMED(EISCONN),      NAMED(EALREADY),   NAMED(EINVAL),
    NAMED(EBADF),      NAMED(EHOSTUNREACH), NAMED(ENETUNREACH),  NAMED(EMSGSIZE),   NAMED(EPROTO),
    NAMED(EADDRINUSE), NAMED(ENOPROTOOPT),  NAMED(EFAULT),       NAMED(ENOTSOCK),   NAMED(ECONNABORTED),
    NAMED(EACCES),     NAMED(EOPNOTSUPP),   NAMED(EINTR),        NAMED(ENOBUFS),
};
constexpr std::pair<const char*, int> constants[] = {
    NAMED(O_RDWR),       NAMED(O_NONBLOCK),   NAMED(O_RDONLY),    NAMED(O_WRONLY),     NAMED(POLLIN),
    NAMED(POLLOUT),      NAMED(POLLERR),      NAMED(POLLHUP),     NAMED(POLLRDHUP),    NAMED(POLLPRI),
    NAMED(EPOLLIN),      NAMED(EPOLLOUT),     NAMED(EPOLLERR),    NAMED(EPOLLHUP),     NAMED(EPOLLRDHUP),
    NAMED(MSG_PEEK),     NAMED(MSG_DONTWAIT), NAMED(MSG_WAITALL), NAMED(MSG_NOSIGNAL), NAMED(SOCK_STREAM),
    NAMED(SOCK_NONBLOCK)};
#undef NAMED
static_assert(POLLIN == EPOLLIN && POLLOUT == EPOLLOUT && POLLERR == EPOLLERR && POLLHUP == EPOLLHUP);

uint64_t key(buf::StreamId id) { return (uint64_t{id.generation} << 32) | id.index; }

Sockets::Attempt done(Outcome o) {
  return [o](Instant) { return std::optional{o}; };
}
Sockets::Attempt error(int e) { return done({-1, e, {}}); }

// Numbers and names joined with |.
int64_t evaluate(const Value& v, int line) {
  int64_t all = v.number;
  for (size_t at = 0; !v.text.empty() && at <= v.text.size();) {
    const size_t end = std::min(v.text.find('|', at), v.text.size());
    const std::string name = v.text.substr(at, end - at);
    at = end + 1;
    if (name.empty()) continue;
    const auto n = constant(name);
    if (!n) throw Fault{line, "the constant " + name, true};
    all |= *n;
  }
  return all;
}

const Value& argument(const Call& c, size_t i, int line) {
  if (i >= c.arguments.size()) throw Fault{line, c.name + "() has too few arguments"};
  return c.arguments[i];
}

// The octets of an iovec array, or of a msghdr's.
int64_t octets_of(const Value& v, int line) {
  const Value* iov = v.is(Value::Kind::Struct) ? v.field("msg_iov") : &v;
  if (v.is(Value::Kind::Struct) && v.field("msg_control") != nullptr)
    throw Fault{line, "control messages of sendmsg and recvmsg", true};
  if (iov == nullptr || !iov->is(Value::Kind::List)) throw Fault{line, "expected an array of iovecs"};
  int64_t sum = 0;
  for (const Value& one : iov->items) {
    if (one.items.size() != 2) throw Fault{line, "an iovec is {..., length}"};
    sum += one.items[1].number;
  }
  return sum;
}

// The option's value: a number, or the first of an array.
int64_t option_value(const Value& v) { return v.items.empty() ? v.number : v.items[0].number; }

}  // namespace

std::optional<int64_t> constant(std::string_view name) {
  for (const auto& [n, v] : errnos)
    if (name == n) return v;
  for (const auto& [n, v] : constants)
    if (name == n) return v;
  return std::nullopt;
}

std::string name_of_errno(int e) {
  for (const auto& [n, v] : errnos)
    if (e == v) return n;
  return e == 0 ? "success" : "errno " + std::to_string(e);
}

Sockets::Ptr Sockets::at(const Value& fd) const {
  const auto it = descriptors_.find(fd.number);
  return it == descriptors_.end() ? nullptr : it->second;
}

void Sockets::serve(Instant now) {
  room_.for_each_ready(now, [this](buf::Stream& s) { on_stream(s); });
}

int Sockets::error_of(buf::Failure f) const {
  switch (f) {
    case buf::Failure::Refused:
      return ECONNREFUSED;
    case buf::Failure::Reset:
      return ECONNRESET;
    case buf::Failure::NoAnswer:
      return ETIMEDOUT;
    default:
      return unreachable_;
  }
}

void Sockets::on_stream(buf::Stream& s) {
  using namespace buf::stream_event;
  Ptr& p = streams_[key(s.id)];
  if (p == nullptr) {
    p = std::make_shared<Socket>();
    p->stream = s.id;
    p->tuple = *s.tuple;
  }
  Socket& k = *p;
  if ((s.events & opened) != 0) {
    if (!k.active && listener_ != nullptr && !listener_->closed) listener_->accepted.push_back(p);
    k.opened = true;
    k.connecting = false;
  }
  if ((s.events & peer_closed) != 0) k.peer_closed = true;
  if ((s.events & (closed | failed)) != 0) {
    for (; !s.received.empty(); s.received.consume(s.received.front().size()))
      k.left.append(reinterpret_cast<const char*>(s.received.front().data()), s.received.front().size());
    k.gone = true;
    k.connecting = false;
    if ((s.events & failed) != 0) k.error = error_of(s.failure);
    k.available = k.left.size();
    streams_.erase(key(s.id));
    return;
  }
  if (action_ != nullptr && wanted_ == key(s.id)) {
    (*action_)(s);
    action_ = nullptr;
  }
  if (k.closed && !s.received.empty()) s.abort = true;  // nobody will read it: RFC 2525 §2.17
  if (s.abort) {
    k.gone = true;
    streams_.erase(key(s.id));  // ends `p`
    return;
  }
  if (k.no_more_writes) s.close = true;
  k.available = s.received.size();
}

bool Sockets::with_stream(Socket& k, Instant now, const std::function<void(buf::Stream&)>& f) {
  if (!k.stream || k.gone) return false;
  action_ = &f;
  wanted_ = key(*k.stream);
  room_.wake(*k.stream);
  serve(now);
  return std::exchange(action_, nullptr) == nullptr;
}

std::shared_ptr<Socket> Sockets::find(Port remote, Port local) const {
  Ptr found;
  const auto look = [&](const Ptr& p) {
    if (p->stream && p->tuple.remote_port == remote && p->tuple.local_port == local) found = p;
  };
  for (const auto& [fd, p] : descriptors_) look(p);
  for (const auto& [id, p] : streams_) look(p);
  return found;
}

const tcp::Conn* Sockets::conn(const Socket& k) const {
  return k.stream && !k.gone ? room_.conn(*k.stream) : nullptr;
}

Sockets::Attempt Sockets::begin(const Call& c, int line) {
  const std::string& n = c.name;
  if (n == "socket") {
    const int64_t type = evaluate(argument(c, 1, line), line);
    if ((type & SOCK_STREAM) == 0) throw Fault{line, "sockets other than SOCK_STREAM", true};
    auto k = std::make_shared<Socket>();
    k->nonblocking = (type & SOCK_NONBLOCK) != 0;
    descriptors_[c.result.number] = k;  // a script's descriptors are names: it says which comes
    return done({c.result.number, 0, {}});
  }
  if (n == "epoll_create" || n == "epoll_create1") {
    descriptors_[c.result.number] = std::make_shared<Socket>();
    return done({c.result.number, 0, {}});
  }
  if (n == "poll") return poll(c, line);
  if (n == "epoll_wait") return epoll_wait(c, line);
  const Ptr k = at(argument(c, 0, line));
  if (k == nullptr) return error(EBADF);
  const auto flags = [&](size_t i) { return i < c.arguments.size() ? evaluate(c.arguments[i], line) : 0; };
  const auto number = [&](size_t i) { return evaluate(argument(c, i, line), line); };
  if (n == "bind") return done({});
  if (n == "listen") {
    room_.listen({}, local_port, 7);
    k->listening = true;
    listener_ = k;
    return done({});
  }
  if (n == "accept" || n == "accept4") return accept(k, c.result.number);
  if (n == "connect") return connect(k);
  const bool waits = !k->nonblocking;
  if (n == "read") return read(k, number(2), waits, false);
  if (n == "recv" || n == "recvfrom")
    return read(k, number(2), waits && (flags(3) & MSG_DONTWAIT) == 0, (flags(3) & MSG_PEEK) != 0);
  if (n == "recvmsg" || n == "readv") {
    const int64_t f = n == "readv" ? 0 : flags(2);
    return read(k, octets_of(argument(c, 1, line), line), waits && (f & MSG_DONTWAIT) == 0,
                (f & MSG_PEEK) != 0);
  }
  if (n == "write") return write(k, number(2), waits);
  if (n == "send" || n == "sendto") return write(k, number(2), waits && (flags(3) & MSG_DONTWAIT) == 0);
  if (n == "writev") return write(k, octets_of(argument(c, 1, line), line), waits);
  if (n == "sendmsg") {
    const int64_t f = flags(2);
    return write(k, octets_of(argument(c, 1, line), line), waits && (f & MSG_DONTWAIT) == 0);
  }
  if (n == "close") {
    const int64_t fd = c.arguments[0].number;
    return [this, fd](Instant now) { return close(fd, now); };
  }
  if (n == "shutdown") {
    const Value how = argument(c, 1, line);
    return [this, k, how](Instant now) { return shutdown(*k, how, now); };
  }
  if (n == "fcntl") {
    const std::string& what = argument(c, 1, line).text;
    if (what == "F_SETFL")
      k->nonblocking = (evaluate(argument(c, 2, line), line) & O_NONBLOCK) != 0;
    else if (what == "F_GETFL")
      return done({O_RDWR | (k->nonblocking ? O_NONBLOCK : 0), 0, {}});
    else
      throw Fault{line, "fcntl " + what, true};
    return done({});
  }
  if (n == "setsockopt") return done(*set_option(*k, c, line));
  if (n == "getsockopt") return [this, k, c, line](Instant) { return ask_option(*k, c, line); };
  if (n == "epoll_ctl") {
    const Value& event = argument(c, 3, line);
    const Ptr other = at(argument(c, 2, line));
    const Value* events = event.field("events");
    if (other == nullptr || events == nullptr)
      throw Fault{line, "epoll_ctl needs a descriptor and {events=...}"};
    const auto fd = static_cast<int>(c.arguments[2].number);
    if (argument(c, 1, line).text == "EPOLL_CTL_DEL")
      k->watched.erase(fd);
    else
      k->watched[fd] = {other, static_cast<uint32_t>(evaluate(*events, line))};
    return done({});
  }
  if (n == "ioctl" && argument(c, 1, line).text == "SIOCINQ") {
    const int64_t says = option_value(argument(c, 2, line));
    const auto has = static_cast<int64_t>(k->available);
    return done({0, 0, has == says ? "" : "SIOCINQ is " + std::to_string(has)});
  }
  throw Fault{line, n + (n == "ioctl" ? " " + argument(c, 1, line).text : "") + "()", true};
}

Sockets::Attempt Sockets::accept(Ptr k, int64_t fd) {
  return [this, k, fd](Instant) -> std::optional<Outcome> {
    if (!k->listening) return Outcome{-1, EINVAL, {}};
    if (k->accepted.empty()) {
      if (k->nonblocking) return Outcome{-1, EAGAIN, {}};
      return std::nullopt;
    }
    descriptors_[fd] = k->accepted.front();
    k->accepted.pop_front();
    return Outcome{fd, 0, {}};
  };
}

Sockets::Attempt Sockets::connect(Ptr k) {
  const auto begun = std::make_shared<bool>(false);
  return [this, k, begun](Instant now) -> std::optional<Outcome> {
    if (!*begun) {
      if (k->error != 0) return Outcome{-1, std::exchange(k->error, 0), {}};
      if (k->opened) return Outcome{-1, EISCONN, {}};
      if (k->connecting) return Outcome{-1, EALREADY, {}};
      k->tuple = {
          .remote = remote_, .local = local_, .remote_port = local_port, .local_port = {next_port_++}};
      const auto id = room_.connect(k->tuple, 1, now);
      if (!id) return Outcome{-1, EADDRINUSE, {}};
      *begun = k->connecting = k->active = true;
      k->stream = id;
      streams_[key(*id)] = k;
      if (k->nonblocking) return Outcome{-1, EINPROGRESS, {}};
      return std::nullopt;
    }
    if (k->opened) return Outcome{};
    if (k->gone) return Outcome{-1, std::exchange(k->error, 0), {}};
    return std::nullopt;
  };
}

Sockets::Attempt Sockets::read(Ptr k, int64_t length, bool waits, bool peeks) {
  return [this, k, length, waits, peeks](Instant now) -> std::optional<Outcome> {
    if (!k->stream || k->connecting) return Outcome{-1, k->listening || !k->stream ? ENOTCONN : EAGAIN, {}};
    std::string got;
    const auto most = static_cast<size_t>(length);
    if (k->gone) {
      got = k->left.substr(0, most);
      if (!peeks) k->left.erase(0, most);
      k->available = k->left.size();
    } else if (k->available != 0) {
      with_stream(*k, now, [&](buf::Stream& s) {
        got.resize(std::min(most, s.received.size()));
        s.received.copy(0, {reinterpret_cast<uint8_t*>(got.data()), got.size()});
        if (!peeks) s.received.consume(got.size());
      });
    }
    if (got.empty() && length != 0) {
      if (k->error != 0) return Outcome{-1, std::exchange(k->error, 0), {}};
      if (k->peer_closed || k->gone || k->no_more_reads) return Outcome{};
      if (!waits) return Outcome{-1, EAGAIN, {}};
      return std::nullopt;
    }
    Outcome o{static_cast<int64_t>(got.size()), 0, {}};
    if (!pattern_.fits(theirs, k->read, {reinterpret_cast<const uint8_t*>(got.data()), got.size()}))
      o.mistake = "the octets read are not those that were sent";
    if (!peeks) k->read += got.size();
    return o;
  };
}

Sockets::Attempt Sockets::write(Ptr k, int64_t length, bool waits) {
  const auto done_already = std::make_shared<int64_t>(0);
  return [this, k, length, waits, done_already](Instant now) -> std::optional<Outcome> {
    if (!k->stream) return Outcome{-1, EPIPE, {}};
    if (k->error != 0) return Outcome{-1, std::exchange(k->error, 0), {}};
    if (k->no_more_writes || k->gone) return Outcome{-1, EPIPE, {}};
    int64_t& n = *done_already;
    bool more = true;
    const tcp::Conn* c = conn(*k);
    if (!k->connecting && c != nullptr && c->send_room() != 0)
      with_stream(*k, now, [&](buf::Stream& s) {
        size_t room = s.send_room;
        while (n < length && room != 0) {
          const auto piece = static_cast<uint32_t>(
              std::min({static_cast<size_t>(length - n), room, size_t{Pattern::longest}}));
          if (!s.sending.push(pattern_.slice(ours, k->wrote, piece))) break;
          k->wrote += piece;
          n += piece;
          room -= piece;
        }
        more = n < length;
        s.want_writable = more;
      });
    if (!more || (!waits && n != 0)) return Outcome{n, 0, {}};
    if (!waits) return Outcome{-1, EAGAIN, {}};
    return std::nullopt;
  };
}

std::optional<Outcome> Sockets::close(int64_t fd, Instant now) {
  const Ptr k = descriptors_[fd];
  descriptors_.erase(fd);
  k->closed = k->no_more_writes = true;
  if (k->listening || k->gone || !k->stream) return Outcome{};
  const bool told = with_stream(*k, now, [&](buf::Stream& s) {
    if (k->resets || !s.received.empty())
      s.abort = true;  // unread octets are lost, and the peer is told: RFC 9293 §3.6.1, RFC 1122 4.2.2.13
    else
      s.close = true;
  });
  if (!told) room_.give_up(*k->stream, now);  // it is being opened, or gone already
  return Outcome{};
}

std::optional<Outcome> Sockets::shutdown(Socket& k, const Value& how, Instant now) {
  if (!k.stream || k.gone) return Outcome{-1, ENOTCONN, {}};
  if (how.text != "SHUT_WR") k.no_more_reads = true;
  if (how.text == "SHUT_RD") return Outcome{};
  k.no_more_writes = true;
  with_stream(k, now, [](buf::Stream& s) { s.close = true; });
  return Outcome{};
}

// Options that have a counterpart in sluice are a worker's, and the player gave them to the room before the
// script began; here only what belongs to the socket.
std::optional<Outcome> Sockets::set_option(Socket& k, const Call& c, int line) {
  const std::string& name = argument(c, 2, line).text;
  const Value& value = argument(c, 3, line);
  if (name == "SO_LINGER") {
    const Value* on = value.field("l_onoff") != nullptr ? value.field("l_onoff") : value.field("onoff");
    const Value* time = value.field("l_linger") != nullptr ? value.field("l_linger") : value.field("linger");
    if (on == nullptr || time == nullptr) throw Fault{line, "SO_LINGER takes {onoff=1, linger=0}"};
    k.resets = on->number != 0 && time->number == 0;
    return Outcome{};
  }
  constexpr std::array known{"SO_REUSEADDR",  "SO_REUSEPORT",  "TCP_NODELAY",     "SO_KEEPALIVE",
                             "TCP_KEEPIDLE",  "TCP_KEEPINTVL", "TCP_KEEPCNT",     "TCP_USER_TIMEOUT",
                             "TCP_MAXSEG",    "TCP_SYNCNT",    "TCP_CONGESTION",  "SO_SNDBUF",
                             "SO_RCVBUF",     "IP_TOS",        "IP_MTU_DISCOVER", "SO_SNDBUFFORCE",
                             "SO_RCVBUFFORCE"};
  for (const char* n : known)
    if (name == n) return Outcome{};
  throw Fault{line, "setsockopt " + name, true};
}

std::optional<Outcome> Sockets::ask_option(Socket& k, const Call& c, int line) {
  const std::string& name = argument(c, 2, line).text;
  const int64_t says = option_value(argument(c, 3, line));
  int64_t has = 0;
  if (name == "SO_ERROR") {
    has = std::exchange(k.error, 0);
    const Value& v = argument(c, 3, line);
    if (!v.items.empty() && v.items[0].is(Value::Kind::Word)) {
      const auto wanted = constant(v.items[0].text);
      return Outcome{0, 0, wanted == has ? "" : "SO_ERROR is " + name_of_errno(static_cast<int>(has))};
    }
  } else if (name == "TCP_MAXSEG") {
    const tcp::Conn* conn_of = conn(k);
    if (conn_of == nullptr) throw Fault{line, "TCP_MAXSEG before there is a connection", true};
    has = conn_of->mss();
  } else {
    throw Fault{line, "getsockopt " + name, true};
  }
  return Outcome{0, 0, has == says ? "" : name + " is " + std::to_string(has)};
}

uint32_t Sockets::readiness(const Socket& k) const {
  uint32_t r = 0;
  if (!k.accepted.empty()) r |= POLLIN;
  if (k.available != 0 || k.peer_closed || k.error != 0 || k.gone) r |= POLLIN;
  if (k.peer_closed || k.gone) r |= POLLRDHUP;
  if (k.error != 0) r |= POLLERR;
  if (k.gone || (k.peer_closed && k.no_more_writes)) r |= POLLHUP;
  const tcp::Conn* c = conn(k);
  if (k.opened && (k.gone || k.no_more_writes || (c != nullptr && c->send_room() != 0))) r |= POLLOUT;
  return r;
}

Sockets::Attempt Sockets::poll(const Call& c, int line) {
  const int64_t patience = evaluate(argument(c, 2, line), line);
  const auto began = std::make_shared<std::optional<Instant>>();
  return [this, c, line, patience, began](Instant now) -> std::optional<Outcome> {
    if (!*began) *began = now;
    Outcome o;
    for (const Value& one : argument(c, 0, line).items) {
      const Value *fd = one.field("fd"), *events = one.field("events"), *revents = one.field("revents");
      if (fd == nullptr || events == nullptr) throw Fault{line, "a pollfd is {fd=, events=, revents=}"};
      const Ptr k = at(*fd);
      if (k == nullptr) continue;
      const uint32_t always = POLLERR | POLLHUP;
      const uint32_t has = readiness(*k) & (static_cast<uint32_t>(evaluate(*events, line)) | always);
      if (has != 0) ++o.value;
      const int64_t says = revents == nullptr ? 0 : evaluate(*revents, line);
      if (says != has) o.mistake = "revents of " + std::to_string(fd->number) + " are " + std::to_string(has);
    }
    const bool over = patience == 0 || (patience > 0 && now - **began >= Duration::from_ms(patience));
    if (o.value == 0 && !over) return std::nullopt;
    return o;
  };
}

Sockets::Attempt Sockets::epoll_wait(const Call& c, int line) {
  const Ptr set = at(argument(c, 0, line));
  if (set == nullptr) return error(EBADF);
  const int64_t patience = evaluate(argument(c, 3, line), line);
  const Value* says = argument(c, 1, line).field("events");
  const int64_t wanted = says == nullptr ? 0 : evaluate(*says, line);
  const auto began = std::make_shared<std::optional<Instant>>();
  return [this, set, wanted, patience, began](Instant now) -> std::optional<Outcome> {
    if (!*began) *began = now;
    Outcome o;
    for (auto& [fd, what] : set->watched) {
      const uint32_t has = readiness(*what.first) & (what.second | EPOLLERR | EPOLLHUP);
      if (has == 0) continue;
      ++o.value;
      if (has != wanted) o.mistake = "the events of " + std::to_string(fd) + " are " + std::to_string(has);
    }
    const bool over = patience == 0 || (patience > 0 && now - **began >= Duration::from_ms(patience));
    if (o.value == 0 && !over) return std::nullopt;
    return o;
  };
}

}  // namespace sluice::test::pkt

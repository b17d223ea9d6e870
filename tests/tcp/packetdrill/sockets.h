// SPDX-License-Identifier: Apache-2.0
// The socket calls of a script over the streams of a TCP room, in virtual time. What a kernel's socket would
// add to a connection (descriptors, errors, blocking) is here and nowhere else.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "support/pattern.h"
#include "tcp/packetdrill/script.h"
#include "tcp/tcp.h"

namespace sluice::test::pkt {

struct Socket {
  bool nonblocking = false, listening = false, connecting = false, active = false;
  bool closed = false;  // the script closed it
  bool no_more_writes = false, no_more_reads = false;
  bool resets = false;  // SO_LINGER of 0: close() resets
  bool gone = false;    // the room has forgotten the stream
  std::optional<buf::StreamId> stream;
  Tuple tuple;
  int error = 0;  // that the next call hears
  bool opened = false, peer_closed = false;
  uint64_t wrote = 0, read = 0;
  std::string left;  // received, and kept when the stream went
  size_t available = 0;
  std::deque<std::shared_ptr<Socket>> accepted;
  // epoll: what is watched, and the descriptors as the script calls them
  std::map<int, std::pair<std::shared_ptr<Socket>, uint32_t>> watched;
};

struct Outcome {
  int64_t value = 0;
  int error = 0;        // errno
  std::string mistake;  // something a number cannot say: wrong bytes, other revents
};

class Sockets {
 public:
  static constexpr Port local_port{8080};
  static constexpr uint64_t ours = 1, theirs = 2;  // phases of the pattern

  Sockets(tcp::Tcp& room, Pattern& pattern, IpAddr local, IpAddr remote)
      : room_{room}, pattern_{pattern}, local_{local}, remote_{remote} {}

  // What ICMP said last: the error of connections that fail because of it.
  void unreachable_means(int error) { unreachable_ = error; }
  // Serves the room's streams.
  void serve(Instant now);

  // Begins a call; asked again after anything happened until it has an outcome. Throws Fault for what is not
  // supported.
  using Attempt = std::function<std::optional<Outcome>(Instant)>;
  Attempt begin(const Call&, int line);

  // The connection between these ports, or null.
  std::shared_ptr<Socket> find(Port remote, Port local) const;
  const tcp::Conn* conn(const Socket&) const;

 private:
  using Ptr = std::shared_ptr<Socket>;
  Ptr at(const Value& fd) const;
  int error_of(buf::Failure) const;
  void on_stream(buf::Stream&);
  // Runs f on the socket's stream now; false: the room does not offer it.
  bool with_stream(Socket&, Instant now, const std::function<void(buf::Stream&)>& f);

  Attempt accept(Ptr, int64_t fd);
  Attempt connect(Ptr);
  Attempt read(Ptr, int64_t length, bool waits, bool peeks);
  Attempt write(Ptr, int64_t length, bool waits);
  Attempt poll(const Call&, int line);
  Attempt epoll_wait(const Call&, int line);
  std::optional<Outcome> close(int64_t fd, Instant now);
  std::optional<Outcome> shutdown(Socket&, const Value& how, Instant now);
  std::optional<Outcome> set_option(Socket&, const Call&, int line);
  std::optional<Outcome> ask_option(Socket&, const Call&, int line);
  uint32_t readiness(const Socket&) const;

  tcp::Tcp& room_;
  Pattern& pattern_;
  IpAddr local_, remote_;
  int unreachable_ = 0;
  std::map<int64_t, Ptr> descriptors_;
  std::map<uint64_t, Ptr> streams_;
  Ptr listener_;
  uint16_t next_port_ = 40'000;
  uint64_t wanted_ = UINT64_MAX;  // the stream with_stream() is about
  const std::function<void(buf::Stream&)>* action_ = nullptr;
};

// A name from errno.h, poll.h, fcntl.h and friends; nothing: not known here.
std::optional<int64_t> constant(std::string_view name);
std::string name_of_errno(int);

}  // namespace sluice::test::pkt

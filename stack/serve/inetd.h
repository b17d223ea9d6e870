// SPDX-License-Identifier: Apache-2.0
// The small services that people know from inetd, to try a path with and to measure it: echo (RFC 862) and
// discard (RFC 863), on streams of bytes and on datagrams. Knows no transport.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/counters.h"
#include "base/lines.h"
#include "buf/stream.h"
#include "serve/deadlines.h"
#include "serve/inetd_options.h"
#include "wire/tuple.h"

namespace sluice::serve {

enum class InetdKind : uint8_t { Echo, Discard };

class Inetd {
 public:
  // `connections`: StreamId::index is below it. `count` outlives this object.
  Inetd(uint32_t connections, Counters& count);

  // At start. Returns what on_stream() wants to be told for this service.
  uint32_t add(InetdKind, const InetdOptions&);

  // The stream has something to say, or was named by expire(). An echo moves what was received to what is
  // sent, without a copy, at most send_room octets in at most `most_pieces` pieces.
  void on_stream(uint32_t service, buf::Stream&, Instant now);

  // When expire() is wanted next.
  Instant deadline() const { return waits_.deadline(); }
  // Streams whose time is over: each must be given to on_stream() soon. At most due.size(); when it fills
  // them all there may be more.
  size_t expire(Instant now, std::span<buf::StreamId> due);

  // Whether a datagram gets itself back. Never one from a port below 1024: behind that may sit a service that
  // answers each answer, and one forged datagram would fly for ever (CVE-1999-0103). Counted either way.
  static bool answers(InetdKind, const Tuple&, size_t octets, Counters&);

 private:
  // Each piece keeps a whole packet alive, however small it is.
  static constexpr uint32_t most_pieces = 64;

  struct Session {
    uint32_t generation = 0;
    bool open = false;
    bool peer_closed = false;
    bool due = false;  // its time is over, and it was not yet told
  };
  struct Service {
    InetdKind kind;
    uint32_t wait;  // number of its list
  };

  static size_t echo(buf::Stream&);

  Counters& count_;
  Deadlines waits_;
  LineVector<Session> sessions_;
  std::vector<Service> services_;
};

}  // namespace sluice::serve

// SPDX-License-Identifier: Apache-2.0
// A connection as a service sees it: bytes in order in, bytes out, an end. The transport makes one for each
// connection that has something to say, hands it to the service, and afterwards acts on what the service left
// in it. Knows no transport.
#pragma once

#include <cstdint>

#include "buf/byte_queue.h"
#include "wire/tuple.h"

namespace sluice::buf {

// Names a connection for its whole life and no other after it; `index` is below the transport's limit of
// connections.
struct StreamId {
  uint32_t index = 0;
  uint32_t generation = 0;
  friend constexpr bool operator==(StreamId, StreamId) = default;
};

// Bits of Stream::events: what happened since the service was last asked.
namespace stream_event {
constexpr uint8_t opened = 1;       // first event of every connection, accepted or connected
constexpr uint8_t readable = 2;     // more bytes in `received`
constexpr uint8_t writable = 4;     // `send_room` grew after a service left want_writable
constexpr uint8_t peer_closed = 8;  // the peer will send no more; what it sent is in `received`
constexpr uint8_t closed = 16;      // last event: both directions ended in order
constexpr uint8_t failed = 32;      // last event: reset, timed out, refused or out of memory
}  // namespace stream_event

// What ended a connection that failed.
enum class Failure : uint8_t {
  None,
  Refused,      // the peer answered our opening with a reset
  Unreachable,  // the way to the peer is said to be none: ICMP
  Reset,        // the peer, or what holds its place, broke off
  NoAnswer      // for longer than the limits allow
};
constexpr const char* name_of(Failure f) {
  constexpr const char* names[] = {"none", "refused", "unreachable", "reset", "no answer"};
  return names[static_cast<size_t>(f)];
}

struct Stream {
  StreamId id;
  uint16_t service = 0;             // what listen() or connect() was given
  uint8_t events = 0;               // stream_event bits
  Failure failure = Failure::None;  // with `failed`
  const Tuple* tuple = nullptr;

  ByteQueue& received;  // the service consumes; what it leaves stays and closes the window
  ByteQueue&
      sending;  // the service pushes at the end, at most `send_room` octets; consume() is the transport's
  size_t send_room = 0;  // octets the transport is willing to hold more

  // Left by the service:
  bool want_writable = false;  // ask again when there is room
  bool close = false;          // send what was written, then FIN; may be said once or often
  bool abort = false;          // drop everything, reset the peer
};

}  // namespace sluice::buf

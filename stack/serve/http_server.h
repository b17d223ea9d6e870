// SPDX-License-Identifier: Apache-2.0
// HTTP services of one worker on streams of bytes: requests in, answers out as slices of what lies in memory,
// never more than the transport has room for. Knows no transport.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/counters.h"
#include "base/huge_vector.h"
#include "base/lines.h"
#include "buf/stream.h"
#include "http/h1_conn.h"
#include "serve/answer_heads.h"
#include "serve/deadlines.h"
#include "serve/site.h"

namespace sluice::serve {

class HttpServer {
 public:
  // `connections`: StreamId::index is below it. `pool` and `count` outlive this object.
  HttpServer(uint32_t connections, buf::ChunkPool& pool, Counters& count);

  // At start. Returns what on_stream() wants to be told for this service.
  uint32_t add(std::shared_ptr<const Sites>, const http::Options&);
  // Answers say this date from now on (Unix seconds); to be called about once a second.
  void date(int64_t unix_seconds);

  // The stream has something to say, or was named by expire(). Takes what it can from `received`, pushes at
  // most send_room octets to `sending`, says what it wants in want_writable, close and abort.
  void on_stream(uint32_t service, buf::Stream&, Instant now);

  // When expire() is wanted next.
  Instant deadline() const { return waits_.deadline(); }
  // Streams whose time is over: each must be given to on_stream() soon, events or none. At most due.size();
  // when it fills them all there may be more.
  size_t expire(Instant now, std::span<buf::StreamId> due);

 private:
  // Why a connection has a deadline. One list for each and each service.
  enum class Wait : uint8_t { Head, Idle, Send, Linger, Retry };
  static constexpr uint32_t waits = 5;

  struct Service {
    http::Options options;
    std::shared_ptr<const Sites> sites;
    std::vector<LineVector<buf::Chunk>> chunks;  // this worker's, by content
    uint32_t first_wait = 0;                     // number of its list for Wait::Head
  };
  // A connection. What is left of its answer: `head`, then `left` octets from `at` of `piece` on, pieces
  // lying in a row.
  struct Session {
    http::H1Conn conn;
    buf::Slice head;
    buf::Chunk* piece = nullptr;
    uint64_t left = 0;
    uint32_t at = 0;
    uint32_t generation = 0;
    uint32_t unsent = 0;  // octets in `sending` when `took_at` was set
    Instant took_at;      // when the peer was last seen to take some of an answer
    bool open = false;
    bool closing = false;  // the last answer was handed over; what the peer sends now is dropped
    bool peer_closed = false;
    bool due = false;  // its deadline has passed, and it was not yet told
    Wait due_for = Wait::Head;

    bool answering() const { return !head.empty() || left != 0; }
  };
  static_assert(sizeof(Session) <= 192);
  // How far one call came.
  enum class Stop : uint8_t { NeedsOctets, NeedsRoom, NeedsMemory, Ended };
  struct Progress {
    Stop stop = Stop::NeedsOctets;
    bool requests = false;  // at least one was taken
    bool octets = false;    // content was taken, or an answer moved on
  };

  void open(Session&, const buf::Stream&);
  void forget(Session&, uint32_t index);
  bool on_due(Service&, Session&, buf::Stream&, Instant now);
  bool takes(const Service&, Session&, const buf::Stream&, Instant now);
  Progress run(Service&, Session&, buf::Stream&);
  void take_request(Service&, Session&, const http::Request&);
  void start(Service&, Session&, const Reply&, Ending, bool go_on);
  Stop push(Session&, buf::Stream&, size_t& room);
  bool push_slice(buf::Stream&, buf::Slice&&, size_t& room);
  void end(Session&, buf::Stream&);
  void arm(const Service&, Session&, const buf::Stream&, const Progress&, Instant now);

  Counters& count_;
  AnswerHeads heads_;
  Deadlines waits_;
  HugeVector<Session> sessions_;
  std::vector<Service> services_;
  LineVector<uint8_t> head_scratch_, path_scratch_;
};

}  // namespace sluice::serve

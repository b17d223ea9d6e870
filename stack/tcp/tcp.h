// SPDX-License-Identifier: Apache-2.0
// The TCP room: one worker's connections and listeners. Packets in, packets out when asked, streams to the
// services. RFC 9293. Knows no port of the machine, no route and no clock.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/flow_table.h"
#include "base/list.h"
#include "base/rng.h"
#include "base/slab.h"
#include "base/timer_wheel.h"
#include "buf/stream.h"
#include "tcp/conn.h"
#include "tcp/isn.h"
#include "tcp/output.h"
#include "tcp/time_wait.h"

namespace sluice::tcp {

// What the room must ask of the rest of the stack, once per connection.
class Surroundings {
 public:
  virtual ~Surroundings() = default;
  virtual Path path_to(const IpAddr& remote) = 0;
  // Whether packets of this flow will arrive at this worker; asked when connect() chooses a port.
  virtual bool owns(const Tuple&) { return true; }
};

class Tcp {
 public:
  // All but `options` (copied) outlive the room.
  Tcp(const Options& options, buf::PacketPool&, buf::LinkPool&, Counters&, Rng&, const Keys&, Surroundings&);
  ~Tcp();

  // `local` none: any address. A later listener for the same place replaces the earlier.
  void listen(const IpAddr& local, Port, uint16_t service);
  // Opens to t.remote from t.local; local_port 0: one is chosen. Nothing when no port or room is left. The
  // stream's first event is `opened`, or `failed` alone.
  std::optional<buf::StreamId> connect(Tuple t, uint16_t service, Instant now);

  // Consumes all of `segments`: l2_len and l3_len set, IP header valid, local.
  void input(buf::Batch& segments, Instant now);
  // What is due; bounded, the rest next time.
  void expire(Instant now);
  // Calls f(buf::Stream&) once for each connection that has something to say, and acts on what f left in it.
  // After `closed`, `failed`, or an abort by the service the stream is gone and no event follows.
  template <class F>
  void for_each_ready(Instant now, F&& f) {
    for (uint32_t n = ready_.size(); n != 0 && !ready_.empty(); --n) {
      const uint32_t i = ready_.pop_front();
      buf::Stream stream = stream_of(i);
      f(stream);
      apply(i, stream, now);
    }
  }
  // The service wants to be asked about this stream, with `writable`; nothing when it is gone or not open.
  void wake(buf::StreamId);
  // Fills `out`, which is empty; true when more waits.
  bool output(Instant now, buf::Transmits& out);
  // Ends connections with a reset to their peers, as many as there is room for resets; true when more are
  // left. For the end of a worker: services are not told.
  bool abort_some();
  // When expire(), for_each_ready() or output() have something to do, at the earliest. TIME-WAIT does not
  // count: its records go at whatever call comes after their time.
  Instant deadline() const;

  // For metrics; any thread may ask. TimeWait counts the records.
  uint32_t connections(State s) const {
    return states_[static_cast<size_t>(s)].load(std::memory_order_relaxed);
  }
  uint32_t half_open() const { return half_open_.size(); }
  // For introspection by the worker itself; null when the stream is gone.
  const Conn* conn(buf::StreamId id) const {
    const Slot* s = slots_.find(id.index, id.generation);
    return s == nullptr ? nullptr : &s->conn;
  }

 private:
  struct Slot {
    Slot(Conn&& c) = delete;
    template <class... A>
    Slot(const Tuple& t, uint16_t s, const Path& p, A&&... a)
        : conn{std::forward<A>(a)...}, tuple{t}, path{p}, service{s} {}
    Conn conn;
    Tuple tuple;
    Path path;
    uint16_t service;
    uint8_t events = 0;
    bool known = false;  // the service has heard of it
    bool in_table = true;
    bool want_writable = false;
    State counted = State::Closed;
  };
  static_assert(sizeof(Slot) <= 640, "an idle connection stays small");
  struct Listener {
    IpAddr local;
    Port port;
    uint16_t service;
  };
  struct Reply {
    Tuple tuple;
    Segment segment;
  };

  // input.cc
  void input_one(buf::Packet& p, Instant now);
  bool checksum_fits(const buf::Packet& p, const Tuple&, Bytes segment);
  void no_connection(const Tuple&, uint64_t hash, const Segment&, Instant now);
  bool time_wait(const Tuple&, uint64_t hash, const Segment&, Instant now);
  void open(const Tuple&, uint64_t hash, uint16_t service, const Segment& syn, SeqNum iss, Instant now);
  const Listener* listener(const Tuple&) const;

  // tcp.cc
  Setup setup(const Tuple&, const Path&, SeqNum iss) const;
  bool free_port(Tuple&);
  bool taken(const Tuple&, uint64_t hash) const;
  uint32_t find(const Tuple&, uint64_t hash) const;
  uint32_t find_time_wait(const Tuple&, uint64_t hash) const;
  buf::Stream stream_of(uint32_t i);
  void apply(uint32_t i, const buf::Stream&, Instant now);
  void settle(uint32_t i, Instant now);
  void arm(uint32_t i);
  void book(Slot&, State);
  void leave_table(uint32_t i);
  void release(uint32_t i);
  void remember(uint32_t i, Instant now);
  void forget(uint32_t record);
  void reply(const Tuple&, const Segment&);

  const Options options_;
  Counters& count_;
  Keys keys_;
  Surroundings& surroundings_;
  Shared shared_;
  Output output_;
  std::vector<Listener> listeners_;
  Slab<Slot> slots_;
  FlowTable table_;
  TimerWheel wheel_;
  IndexList ready_, sending_, half_open_;  // by slot: for services; with something to send; SYN-RECEIVED
  Slab<TimeWait> records_;
  FlowTable record_table_;
  IndexList record_order_;      // oldest first; all wait equally long
  std::vector<Reply> replies_;  // a ring
  uint32_t reply_first_ = 0, reply_count_ = 0;
  uint32_t next_port_ = 0;
  std::array<std::atomic<uint32_t>, state_count> states_{};
};

}  // namespace sluice::tcp

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
#include "base/lines.h"
#include "base/list.h"
#include "base/rng.h"
#include "base/slab.h"
#include "base/static_vec.h"
#include "base/timer_wheel.h"
#include "buf/stream.h"
#include "tcp/conn.h"
#include "tcp/icmp.h"
#include "tcp/isn.h"
#include "tcp/opening.h"
#include "tcp/output.h"
#include "tcp/syn_cookie.h"
#include "tcp/time_wait.h"

namespace sluice::tcp {

// What the room must ask of the rest of the stack, once per connection, and again when paths have changed.
class Surroundings {
 public:
  virtual ~Surroundings() = default;
  virtual Path path_to(const IpAddr& remote, uint16_t vrf) = 0;
  // Whether packets of this flow will arrive at this worker; asked when connect() chooses a port.
  virtual bool owns(const Tuple&) { return true; }
};

class Tcp {
 public:
  // All but `options` (copied) outlive the room.
  Tcp(const Options& options, buf::PacketPool&, buf::LinkPool&, Counters&, Rng&, const Keys&, Surroundings&);
  ~Tcp();

  // `local` none: any address of the VRF. A later listener for the same place replaces the earlier.
  void listen(const IpAddr& local, Port, uint16_t service, std::optional<Algorithm> = std::nullopt,
              const ListenerLimits& = {}, uint16_t vrf = 0);
  // Opens to t.remote from t.local in t.vrf; local_port 0: one is chosen. Nothing when no port or room is
  // left. The stream's first event is `opened`, or `failed` alone.
  std::optional<buf::StreamId> connect(Tuple t, uint16_t service, Instant now);

  // Consumes all of `segments`: l2_len and l3_len set, IP header valid, local, all of one VRF.
  void input(buf::Batch& segments, Instant now, uint16_t vrf = 0);
  // An ICMP error about a segment we may have sent.
  void on_icmp(const IcmpNews&, Instant now);
  // Ports or addresses have changed: each connection asks for its path again before it sends next.
  void paths_changed() { ++paths_changed_; }
  // What is due; bounded, the rest next time.
  void expire(Instant now);
  // Calls f(buf::Stream&) once for each connection that has something to say, and acts on what f left in it.
  // After `closed`, `failed`, or an abort by the service the stream is gone and no event follows.
  template <class F>
  void for_each_ready(Instant now, F&& f) {
    for (uint32_t n = ready_.size(); n != 0 && !ready_.empty(); --n) {
      const uint32_t i = ready_.pop_front();
      buf::Stream stream = stream_of(serving_ = i);
      f(stream);
      serving_ = no_index;
      apply(i, stream, now);
    }
  }
  // The service wants to be asked about this stream, with `writable`; nothing when it is gone or not open.
  void wake(buf::StreamId);
  // Ends a connection at once, opened or not (RFC 9293 §3.10.5; §3.10.4 in SYN-SENT): its peer, if it knows
  // of us, is reset, its service hears no more of it. For a stream that is just being served: Stream::abort.
  void give_up(buf::StreamId, Instant now);
  // Fills `out`, which is empty; true when more waits.
  bool output(Instant now, buf::Transmits& out);
  // Ends connections with a reset to their peers, as many as there is room for resets; true when more are
  // left. So too where only our third segment is missing: its sender thinks that it is connected. For the end
  // of a worker: services are not told.
  bool abort_some(Instant now);
  // What a stream's connection is doing; nothing when it is gone.
  std::optional<Info> info(buf::StreamId) const;
  // A connection for people to look at. What it is doing is worked out when asked for.
  struct Shown {
    buf::StreamId id;
    uint16_t service;
    const Tuple& tuple;
    const Conn& conn;
  };
  // Calls f(const Shown&) for the connections in `places` places from `from` on, until it says false. Returns
  // the place after the last that was looked at; no_index: there are no more.
  template <class F>
  uint32_t show(uint32_t from, uint32_t places, F&& f) const {
    for (uint32_t i = from; i < slots_.touched(); ++i) {
      if (places-- == 0) return i;
      if (!slots_.alive(i)) continue;
      const Slot& s = slots_[i];
      if (!f(Shown{{i, slots_.generation(i)}, s.service, s.tuple, s.conn}))
        return i + 1 < slots_.touched() ? i + 1 : no_index;
    }
    return no_index;
  }
  // When expire(), for_each_ready() or output() have something to do, at the earliest. TIME-WAIT does not
  // count: its records go at whatever call comes after their time.
  Instant deadline() const;

  // For metrics; any thread may ask. SynReceived counts the records of handshakes too, TimeWait only records.
  uint32_t connections(State s) const {
    return states_[static_cast<size_t>(s)].load(std::memory_order_relaxed);
  }
  uint32_t half_open() const { return halves_.size(); }
  // What connections and handshakes hold now. For the worker itself; nothing of it without any of them.
  struct Held {
    uint32_t timers;        // armed
    uint32_t in_flight;     // connections with text sent and not acknowledged
    uint32_t out_of_order;  // connections with text behind a hole
  };
  Held held() const {
    return {wheel_.armed() + half_wheel_.armed(), shared_.flights.size(), shared_.holes.size()};
  }
  // For introspection by the worker itself; null when the stream is gone.
  const Conn* conn(buf::StreamId id) const {
    const Slot* s = slots_.find(id.index, id.generation);
    return s == nullptr ? nullptr : &s->conn;
  }

 private:
  struct Slot {
    Slot(Conn&& c) = delete;
    template <class... A>
    Slot(const Tuple& t, uint32_t h, uint16_t s, const Path& p, A&&... a)
        : conn{std::forward<A>(a)...}, tuple{t}, hash{h}, path{p}, service{s} {}
    Conn conn;
    Tuple tuple;
    uint32_t hash;  // of the tuple, for the flow table
    Path path;
    uint16_t service;
    uint8_t events = 0;
    State counted : 4 = State::Closed;
    bool known : 1 = false;  // the service has heard of it
    bool in_table : 1 = true;
    bool want_writable : 1 = false;
    bool touched : 1 = false;  // by this burst, and not yet settled
  };
  // What an idle connection costs all told: its slot, its places in the lists, the wheel and the flow table,
  // and the generation of the Flight that it may need.
  static constexpr size_t idle_bytes = Slab<Slot>::bytes_each + 2 * IndexList::bytes_each +
                                       TimerWheel::bytes_each + FlowTable::bytes_each + sizeof(uint32_t);
  static_assert(idle_bytes <= 512, "an idle connection stays small");
  struct Listener {
    IpAddr local;
    Port port;
    uint16_t service;
    std::optional<Algorithm> congestion;
    uint8_t limits;  // which of Shared::limits
    uint16_t vrf;
  };
  struct KnownMtu {
    IpAddr remote;
    uint16_t mtu = 0, vrf = 0;
    Instant until;
  };
  struct Reply {
    Tuple tuple;
    Segment segment;
  };
  // A segment that was read and whose place in the flow table is on its way to the cache.
  struct Arrival {
    buf::Packet* packet;
    uint32_t hash;
    uint32_t text_at, text;  // where in the packet it begins, and its octets
    Arrival *more, *last;    // what was merged into this: a list by `more` that `last` ends; it alone: null
    bool merged;             // into another
    Tuple tuple;
    Segment segment;
  };
  using Arrivals = StaticVec<Arrival, buf::burst_size>;
  // What lives at a tuple. The flow table holds places: which kind, and its index.
  enum class Kind : uint32_t { Connection, HalfOpen, TimeWait };
  static constexpr uint32_t kind_bits = 30, index_mask = (1u << kind_bits) - 1;
  static constexpr uint32_t place(Kind k, uint32_t index) {
    return static_cast<uint32_t>(k) << kind_bits | index;
  }
  static constexpr Kind kind_of(uint32_t at) { return Kind{at >> kind_bits}; }

  // input.cc
  void read(buf::Packet& p, uint16_t vrf, Arrivals& out);
  bool checksum_fits(const buf::Packet& p, const Tuple&, uint32_t length);
  void merge(Arrivals&);
  static bool take_text(Arrival&, buf::ByteQueue&);
  void prefetch(const Arrival&) const;
  void take(Arrival&, Instant now);
  void deliver(uint32_t i, Arrival&, Instant now);
  void no_connection(Arrival&, Instant now);
  void reset(const Arrival&);
  const Listener* listener(const Tuple&) const;

  // icmp.cc
  void learn_mtu(const Tuple&, uint16_t mtu, Instant now);
  size_t mtu_place(const IpAddr& remote) const;
  Path path_to(const Tuple&, Instant now) const;
  void follow_path(Slot&, Instant now);

  // passive.cc: listeners' handshakes, and TIME-WAIT, which may lead to one
  void half_open(uint32_t r, Arrival&, Instant now);
  void time_wait(uint32_t r, Arrival&, Instant now);
  void on_syn(const Arrival&, Instant now, uint32_t waiting = no_index);
  void answer_syn(const Tuple&, const Opening&, bool cookie, Instant now);
  bool answers_cookie(Arrival&, Instant now, uint32_t waiting = no_index);
  uint32_t complete(const Opening&, Arrival&, uint16_t service, Duration took, Instant now);
  void expire_half_open(uint32_t r, Instant now);
  void forget_half_open(uint32_t r);
  void acknowledge(const Opening&, const Tuple&, Instant now);
  void remember(uint32_t i, Instant now);
  void forget(uint32_t record);

  // tcp.cc
  Setup setup(const Tuple&, const Path&, SeqNum iss, uint32_t ts_offset) const;
  Algorithm congestion_for(const Listener*, const Path&) const;
  uint8_t limits_index(const Limits&);
  uint16_t mss_of(const Tuple&, const Path&) const;
  bool free_port(Tuple&, uint32_t& hash);
  uint32_t hash_of(const Tuple& t) const { return static_cast<uint32_t>(table_hash(keys_.table, t)); }
  uint32_t find(const Tuple&, uint32_t hash) const;
  buf::Stream stream_of(uint32_t i);
  void apply(uint32_t i, const buf::Stream&, Instant now);
  void settle(uint32_t i, Instant now);
  void arm(uint32_t i);
  void book(Slot&, State);
  void gauge(State, uint32_t n);
  void leave_table(uint32_t i);
  void release(uint32_t i);
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
  uint32_t serving_ = no_index;  // the slot whose stream a service has just now
  IndexList ready_, sending_;    // by slot: for services; with something to send
  StaticVec<uint32_t, buf::burst_size> touched_;
  Slab<SynRecord> halves_;
  TimerWheel half_wheel_;
  IndexList half_order_;  // oldest first
  SynCookies cookies_;
  Slab<TimeWait> records_;
  IndexList record_order_;     // oldest first; all wait equally long
  LineVector<Reply> replies_;  // a ring
  uint32_t reply_first_ = 0, reply_count_ = 0;
  std::array<uint16_t, 1024> next_ports_{};  // by destination: RFC 6056 §3.3.4
  std::array<KnownMtu, 256> mtus_;           // of paths that are narrower than ours, by a hash of the address
  bool mtus_known_ = false;
  uint16_t paths_changed_ = 0;  // how often, modulo 65,536
  std::array<std::atomic<uint32_t>, state_count> states_{};
};

}  // namespace sluice::tcp

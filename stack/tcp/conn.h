// SPDX-License-Identifier: Apache-2.0
// One TCP connection, either end: RFC 9293. Segments, text and time in; segments out when asked, events when
// looked for. Knows no packet, address, port, core, heap or clock.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/counters.h"
#include "base/slab.h"
#include "buf/byte_queue.h"
#include "buf/stream.h"
#include "tcp/budget.h"
#include "tcp/congestion.h"
#include "tcp/flight.h"
#include "tcp/info.h"
#include "tcp/options.h"
#include "tcp/pacer.h"
#include "tcp/rate.h"
#include "tcp/reassembly.h"
#include "tcp/rtt.h"
#include "tcp/segment.h"
#include "tcp/state.h"
#include "tcp/timer.h"

namespace sluice::tcp {

// What all connections of a worker share; outlives them.
struct Shared {
  Shared(const Options& o, Counters& c, buf::LinkPool& l, Rng& rng)
      : options{o},
        count{c},
        links{l},
        challenges{o.challenge_acks, rng},
        holes{most_holes(o)},
        flights{o.connections},
        sent{o.connections, o.sent_records},
        limits{ListenerLimits{}.over(o)} {}

  const Options& options;
  Counters& count;
  buf::LinkPool& links;
  Budget challenges;
  Slab<Reassembly> holes;  // of the connections that have some: an idle one keeps no memory for them
  Slab<Flight> flights;    // of those that have something in flight
  SentPool sent;
  std::vector<Limits> limits;  // [Setup::limits], at most most_limits; the first are the room's
  bool predicts = true;        // header prediction; tests compare with and without

 private:
  // Each holds a packet at least, and text that waits for a hole may hold half of the packets.
  static uint32_t most_holes(const Options& o) { return std::min(o.held_packets / 2, o.connections) + 1; }
};

// What a connection is given once.
struct Setup {
  SeqNum iss;
  uint32_t ts_offset = 0;
  uint16_t mss = 536;             // octets of text our path carries in a packet without options (RFC 6691)
  uint32_t max_segment_text = 0;  // more than mss: the path cuts segments itself (TSO); 0: it does not
  Algorithm congestion = Algorithm::Cubic;
  uint8_t limits = 0;                            // which of Shared::limits
  static constexpr uint32_t most_segments = 44;  // that one text may be cut into
};

// Pull: after every call, next_segment() is called until it says no; events() says what a service must hear.
class Conn {
 public:
  enum class Answer : uint8_t { None, Reset };  // Reset: the segment is answered by reset_for()

  Conn(Shared&, const Setup&, Instant now);                      // active: SYN-SENT
  Conn(Shared&, const Setup&, const Segment& syn, Instant now);  // passive: SYN-RECEIVED
  Conn(const Conn&) = delete;
  Conn& operator=(const Conn&) = delete;
  ~Conn() {
    drop_holes();
    drop_flight();
  }

  // Passive, and first: somebody else sent the answer to the SYN (opening.h), `took` ago; 0: not known.
  void answered(Duration took, Instant now);
  // `text`, a queue of the worker's links, holds in.text octets; fewer when no link was left for it.
  Answer on_segment(const Segment& in, buf::ByteQueue&& text, Instant now);
  void on_deadline(Instant now);
  // icmp.cc: somebody says that the segment `quoted` did not arrive. What came of it; Strange: no segment of
  // ours, or nothing new.
  enum class Icmp : uint8_t { Strange, Noted, Ended, TooBig };
  Icmp on_unreachable(SeqNum quoted, bool hard);
  Icmp on_too_big(SeqNum quoted, uint32_t mss, Instant now);
  // The path is another one, and what it carries may be less; more is no news for a connection. `setup`: as
  // if it began now.
  void on_path(const Setup&, Instant now);
  // Fills `out` and returns true while there is something to send now. Text stays in `sending`.
  bool next_segment(Instant now, Segment& out);
  // When on_deadline wants to be called; never() when nothing is armed.
  Instant deadline() const {
    return std::min({ack_at_, tcp::deadline(timer_), paced_ ? pacer_.opens_at() : Instant::never()});
  }

  // The application's calls: RFC 9293 §3.10. Write: push to sending(), at most send_room() octets. Read:
  // consume from received(), then say consumed().
  buf::ByteQueue& sending() { return sending_; }
  buf::ByteQueue& received() { return received_; }
  size_t send_room() const;
  void consumed();
  void close(Instant now);
  // Ends the connection at once. True: `rst` is to be sent.
  bool abort(Segment& rst, Instant now);

  State state() const { return state_; }
  buf::Failure failure() const { return failure_; }
  bool passive() const { return passive_; }
  uint8_t take_events() { return std::exchange(events_, uint8_t{0}); }  // buf::stream_event bits

  // What TIME-WAIT remembers, and what tests and metrics look at.
  SeqNum snd_una() const { return snd_.una; }
  SeqNum snd_nxt() const { return snd_.nxt; }
  SeqNum rcv_nxt() const { return rcv_.nxt; }
  uint32_t rcv_wnd() const { return static_cast<uint32_t>(rcv_.edge - rcv_.nxt); }
  uint32_t snd_wnd() const { return snd_.wnd; }
  uint32_t mss() const { return mss_; }
  // Packets one next_segment() may ask for at most.
  uint32_t most_packets() const { return std::max(max_text_ / mss_, 1u); }
  bool timestamps() const { return ts_on_; }
  uint32_t ts_recent() const { return ts_recent_; }
  uint32_t ts_offset() const { return ts_offset_; }
  Info info() const;
  const Congestion& congestion() const { return congestion_; }
  const Rtt& rtt() const { return rtt_; }
  const Flight* in_flight() const { return flight_ == no_index ? nullptr : &shared_->flights[flight_]; }
  bool recovering() const { return flight_ != no_index && in_flight()->recovering(); }
  uint32_t pipe() const;

 private:
  enum class Step : uint8_t { Go, Stop, Reset };
  static constexpr Duration least_pto =
      10_ms;  // RFC 8985 §7.2; peers that acknowledge late, timers that tick

  // handshake.cc
  void take_syn(const Segment& syn, Instant now);
  Answer syn_sent(const Segment& in, Instant now);
  void establish(Instant now);
  bool next_syn(Instant now, Segment& out);
  Instant connects_until(Instant since) const;

  // receive.cc: the steps of RFC 9293 §3.10.7.4
  bool predicted(const Segment& in) const;
  void hear(Instant now);
  void take_timestamp(const Segment& in, Instant now);
  Step check_paws(const Segment& in, Instant now);
  Step check_sequence(const Segment& in, Instant now);
  Step check_rst(const Segment& in, Instant now);
  Step check_syn(const Segment& in, Instant now);
  Step check_ack(const Segment& in, Instant now);
  void take_text(const Segment& in, buf::ByteQueue&& text, Instant now);
  void take_early(SeqNum seq, buf::ByteQueue&& text);
  void tell_twice(SeqNum first, SeqNum end);
  uint32_t held() const;
  void drop_holes();
  void check_fin(const Segment& in, Instant now);
  void check_ecn(const Segment& in);
  void tune_window(Instant now);
  void take_window(const Segment& in, Instant now);
  void drop(Counter why) { shared_->count.add(why); }
  void challenge(Instant now);

  // ack.cc: what an acknowledgement tells
  struct Told;
  void take_ack(const Segment& in, Instant now);
  bool duplicate(const Segment& in) const;
  void take_cumulative(Flight&, const Segment& in, Told&, Instant now);
  void take_sacks(Flight&, const Segment& in, Told&, Instant now);
  void arrived(Flight&, const Sent&, SeqNum end, uint32_t octets, Told&, const Segment& in, Instant now);
  void measure(const Told&, const Segment& in, Instant now);
  bool echoes_before(const Segment& in, uint32_t ts) const;
  static RateSample sample_of(const Flight&, const Sent&, Instant now);
  static Duration round_trip(const Told&, Instant now);
  void sample_rate(Flight&, const Told&, Instant now);
  void take_probe(Instant now);

  // recovery.cc: what was lost, and how to send it again
  void check_undo(Flight&, const Segment& in, const Told&);
  void check_frto(Flight&, const Told&);
  void check_tlp(Flight&, const Segment& in, const Told&);
  void check_ece(Flight&, const Segment& in);
  void detect_loss(Flight&, Told&, Instant now);
  void detect_loss_without_sack(Flight&, Told&);
  void begin_reduction(Flight&, Flight::Phase, uint32_t octets);
  void end_recovery(Flight&, Told&);
  void move_window(Flight&, const Told&, Instant now);
  void follow_path(const Flight&, const Told&, uint32_t delivered, Instant now);
  void undo(Flight&, Counter why);
  void arm_retransmit(Flight&, Instant now, bool may_probe);
  void on_loss_timer(Instant now);
  void on_timeout(Instant now);
  bool next_again(Flight&, Instant now, Segment& out);
  bool next_loss_probe(Flight&, Instant now, Segment& out);
  void sent_again(Flight&, Segment& out, const Scoreboard::Stretch&, Instant now);
  Sent sent_now(const Flight&, Instant now) const;
  Flight* take_flight(Instant now);
  void drop_flight();

  // send.cc
  bool next_text(Instant now, Segment& out);
  bool next_probe(Instant now, Segment& out);
  uint32_t unsent() const;
  uint32_t sendable(uint32_t unsent, uint32_t usable) const;
  void emit(Segment& out, SeqNum seq, uint32_t text, uint8_t flags, Instant now);
  void emit_range(Segment& out, SeqNum seq, uint32_t octets, Instant now);
  void wake_up(Instant now);
  uint32_t in_a_tick() const;
  bool send_new(Segment& out, uint32_t text, bool fins, Instant now);
  void advertise(Segment& out);
  bool has_news() const { return sack_ok_ && (holes_ != no_index || twice_.first != twice_.end); }
  void tell_sacks(Segment& out);
  void watch_window(Instant now);
  uint32_t could_open() const;
  SeqNum end_of_text() const { return snd_.una + static_cast<uint32_t>(sending_.size()); }
  bool fin_sent() const { return fin_wanted_ && snd_.nxt.after(end_of_text()); }
  uint32_t flight() const { return static_cast<uint32_t>(snd_.nxt - snd_.una); }
  const Limits& limits() const { return shared_->limits[limits_]; }
  bool may_pace() const { return shared_->options.pacing && rtt_.srtt() > Pacer::tick; }
  bool paces() const {
    const uint32_t first = shared_->options.initial_window * mss_;
    return may_pace() && (congestion_.models_path() || congestion_.window() > first);
  }

  // icmp.cc
  void believe_too_big(Flight&, Instant now);
  void shrink(uint32_t text, Instant now);

  // close.cc
  void rest(Instant now);
  void enter(State, Instant now);
  void fail(buf::Failure why);
  void give_up(Counter limit);
  bool answers_text() const;

  Shared* shared_;
  State state_;
  buf::Failure failure_ = buf::Failure::None;
  bool passive_ : 1 = false, ts_on_ : 1 = false, scaling_ : 1 = false;
  bool fin_wanted_ : 1 = false, fin_acked_ : 1 = false;  // ours
  bool fin_seen_ : 1 = false;                            // the peer's, where fin_at_ says
  bool resend_ : 1 = false;      // the first unacknowledged segment goes again, whatever the windows say
  bool probe_ : 1 = false;       // of the window or of the peer's life
  bool probed_ : 1 = false;      // one octet past nxt was sent as a probe
  bool loss_probe_ : 1 = false;  // RFC 8985 §7
  bool timed_ : 1 = false;       // the SYN that is out was sent once
  bool limited_ : 1 = false;     // since limited_to_ was sent, the congestion window was what held us back
  bool paced_ : 1 = false;       // text waits for its turn
  bool alive_ : 1 = false;
  bool no_way_ : 1 = false;  // ICMP said so while opening
  bool sack_ok_ : 1 = false;
  bool ecn_ok_ : 1 = false;        // RFC 3168 §6.1: agreed on
  bool ece_ : 1 = false;           // we echo, until the peer says CWR
  bool cwr_ : 1 = false;           // the next new text says CWR
  bool rate_limited_ : 1 = false;  // by the service, when rate_ was sampled
  uint8_t events_ = 0;
  uint8_t acks_owed_ = 0;      // segments without text to send now; more than one only for duplicates
  uint8_t quick_ = 0;          // segments still to be acknowledged at once
  uint8_t full_segments_ = 0;  // received since we last acknowledged
  uint8_t limits_;             // which of Shared::limits
  WindowShift snd_shift_, rcv_shift_;

  struct {
    SeqNum una, nxt;
    uint32_t wnd = 0, max_wnd = 0;
    SeqNum wl1, wl2;
  } snd_;
  struct {
    SeqNum nxt;
    SeqNum edge;   // one past the window; never moves back
    SeqNum acked;  // Last.ACK.sent, RFC 7323 §4.3
  } rcv_;
  wire::SackBlock twice_;  // came again and is to be told; none when empty
  // Dynamic right-sizing: what the service consumed in a round trip tells what the window must be.
  struct {
    uint32_t octets = 0;    // the most that was consumed in one
    SeqNum from;            // where this one began
    uint32_t since_ms = 0;  // and when
  } space_;
  SeqNum fin_at_;
  uint16_t our_mss_;           // what our SYN says: what our path carries
  uint16_t most_arrived_ = 0;  // octets of text in a segment that arrived, or more
  uint32_t mss_;               // octets of text in a full segment to the peer
  uint32_t max_text_;          // octets next_segment may put in one segment
  uint32_t rcv_mss_ = 536;     // largest text the peer was seen to send
  uint32_t buffer_;            // octets held at most for now
  uint32_t ts_offset_, ts_recent_ = 0;
  Instant ts_recent_at_, heard_, sent_at_;
  Timer timer_;
  Instant ack_at_ = Instant::never();
  SeqNum limited_to_;
  uint32_t flight_ = no_index;  // in Shared::flights
  Rtt rtt_;
  Congestion congestion_;
  Pacer pacer_;
  uint64_t octets_acked_ = 0, octets_received_ = 0;
  uint64_t rate_ = 0;  // octets a second, as last sampled
  buf::ByteQueue sending_, received_;
  Reordering reordering_;
  uint32_t retransmits_ = 0;   // segments
  uint32_t holes_ = no_index;  // in Shared::holes, while text waits for some before it
};
static_assert(sizeof(Conn) <= 512, "a connection stays small: tcp.h adds up what it costs all told");

}  // namespace sluice::tcp

// SPDX-License-Identifier: Apache-2.0
// One TCP connection, either end: RFC 9293. Segments, text and time in; segments out when asked, events when
// looked for. Knows no packet, address, port, core, heap or clock.
#pragma once

#include <cstdint>
#include <utility>

#include "base/counters.h"
#include "base/slab.h"
#include "buf/byte_queue.h"
#include "tcp/budget.h"
#include "tcp/options.h"
#include "tcp/reassembly.h"
#include "tcp/reno.h"
#include "tcp/rtt.h"
#include "tcp/segment.h"
#include "tcp/timer.h"

namespace sluice::tcp {

// RFC 9293 §3.3.2; LISTEN has no connection.
enum class State : uint8_t {
  SynSent,
  SynReceived,
  Established,
  FinWait1,
  FinWait2,
  Closing,
  TimeWait,
  CloseWait,
  LastAck,
  Closed
};
constexpr size_t state_count = 10;
const char* name_of(State);

// What all connections of a worker share; outlives them.
struct Shared {
  Shared(const Options& o, Counters& c, buf::LinkPool& l, Rng& rng)
      : options{o}, count{c}, links{l}, challenges{o.challenge_acks, rng}, holes{most_holes(o)} {}

  const Options& options;
  Counters& count;
  buf::LinkPool& links;
  Budget challenges;
  Slab<Reassembly> holes;  // of the connections that have some: an idle one keeps no memory for them

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
  static constexpr uint32_t most_segments = 32;  // that one text may be cut into
};

// Pull: after every call, next_segment() is called until it says no; events() says what a service must hear.
class Conn {
 public:
  enum class Answer : uint8_t { None, Reset };  // Reset: the segment is answered by reset_for()

  Conn(Shared&, const Setup&, Instant now);                      // active: SYN-SENT
  Conn(Shared&, const Setup&, const Segment& syn, Instant now);  // passive: SYN-RECEIVED
  Conn(const Conn&) = delete;
  Conn& operator=(const Conn&) = delete;
  ~Conn() { drop_holes(); }

  // `text` holds in.text octets.
  Answer on_segment(const Segment& in, buf::Slice&& text, Instant now);
  void on_deadline(Instant now);
  // Fills `out` and returns true while there is something to send now. Text stays in `sending`.
  bool next_segment(Instant now, Segment& out);
  // When on_deadline wants to be called; never() when nothing is armed.
  Instant deadline() const { return std::min(ack_at_, tcp::deadline(timer_)); }

  // The application's calls: RFC 9293 §3.10. Write: push to sending(), at most send_room() octets. Read:
  // consume from received(), then say consumed().
  buf::ByteQueue& sending() { return sending_; }
  buf::ByteQueue& received() { return received_; }
  size_t send_room() const;
  void consumed();
  void close(Instant now);
  // Ends the connection at once. True: `rst` is to be sent.
  bool abort(Segment& rst);

  State state() const { return state_; }
  bool passive() const { return passive_; }
  uint8_t take_events() { return std::exchange(events_, uint8_t{0}); }  // buf::stream_event bits

  // What TIME-WAIT remembers, and what tests and metrics look at.
  SeqNum snd_una() const { return snd_.una; }
  SeqNum snd_nxt() const { return snd_.max; }
  SeqNum rcv_nxt() const { return rcv_.nxt; }
  uint32_t rcv_wnd() const { return static_cast<uint32_t>(rcv_.edge - rcv_.nxt); }
  uint32_t snd_wnd() const { return snd_.wnd; }
  uint32_t mss() const { return mss_; }
  // Packets one next_segment() may ask for at most.
  uint32_t most_packets() const { return std::max(max_text_ / mss_, 1u); }
  bool timestamps() const { return ts_on_; }
  uint32_t ts_recent() const { return ts_recent_; }
  uint32_t ts_offset() const { return ts_offset_; }
  const Reno& congestion() const { return reno_; }
  const Rtt& rtt() const { return rtt_; }

 private:
  enum class Step : uint8_t { Go, Stop, Reset };

  // handshake.cc
  void take_syn(const Segment& syn, Instant now);
  Answer syn_sent(const Segment& in, Instant now);
  void establish(Instant now);
  bool next_syn(Instant now, Segment& out);

  // receive.cc: the steps of RFC 9293 §3.10.7.4
  Step check_paws(const Segment& in, Instant now);
  Step check_sequence(const Segment& in, Instant now);
  Step check_rst(const Segment& in, Instant now);
  Step check_syn(const Segment& in, Instant now);
  Step check_ack(const Segment& in, Instant now);
  void take_text(const Segment& in, buf::Slice&& text, Instant now);
  void take_early(SeqNum seq, buf::Slice&& text);
  uint32_t held() const;
  void drop_holes();
  void check_fin(const Segment& in, Instant now);
  void duplicate_ack(const Segment& in);
  void advance(const Segment& in, Instant now);
  void measure(const Segment& in, Instant now);
  void take_window(const Segment& in);
  void drop(Counter why) { shared_->count.add(why); }
  void challenge(Instant now);

  // send.cc
  bool next_text(Instant now, Segment& out);
  bool next_probe(Instant now, Segment& out);
  uint32_t unsent() const;
  uint32_t sendable(uint32_t unsent, uint32_t usable) const;
  void emit(Segment& out, SeqNum seq, uint32_t text, uint8_t flags, Instant now);
  void advertise(Segment& out);
  void watch_window(Instant now);
  SeqNum end_of_text() const { return snd_.una + static_cast<uint32_t>(sending_.size()); }
  bool fin_sent() const { return fin_wanted_ && snd_.nxt.after(end_of_text()); }
  uint32_t flight() const { return static_cast<uint32_t>(snd_.max - snd_.una); }

  // close.cc
  void on_timeout(Instant now);
  void rest(Instant now);
  void enter(State, Instant now);
  void fail();
  bool answers_text() const;

  Shared* shared_;
  State state_;
  bool passive_ : 1 = false, ts_on_ : 1 = false, scaling_ : 1 = false;
  bool fin_wanted_ : 1 = false, fin_acked_ : 1 = false;  // ours
  bool fin_seen_ : 1 = false;                            // the peer's, where fin_at_ says
  bool resend_ : 1 = false, probe_ : 1 = false, timed_ : 1 = false, limited_ : 1 = false, alive_ : 1 = false;
  uint8_t events_ = 0;
  uint8_t acks_owed_ = 0;      // segments without text to send now; more than one only for duplicates
  uint8_t full_segments_ = 0;  // received since we last acknowledged
  WindowShift snd_shift_, rcv_shift_;

  struct {
    SeqNum una, nxt;
    SeqNum max;  // one past what was ever sent; nxt goes back when a timer fires
    uint32_t wnd = 0, max_wnd = 0;
    SeqNum wl1, wl2;
  } snd_;
  struct {
    SeqNum nxt;
    SeqNum edge;   // one past the window; never moves back
    SeqNum acked;  // Last.ACK.sent, RFC 7323 §4.3
  } rcv_;
  SeqNum fin_at_;
  uint16_t our_mss_;        // what our SYN says: what our path carries
  uint32_t mss_;            // octets of text in a full segment to the peer
  uint32_t max_text_;       // octets next_segment may put in one segment
  uint32_t rcv_mss_ = 536;  // largest text the peer was seen to send
  uint32_t ts_offset_, ts_recent_ = 0;
  Instant ts_recent_at_, heard_, sent_at_;
  Timer timer_;
  Instant ack_at_ = Instant::never();
  SeqNum timed_end_;  // the segment being timed ends here
  Instant timed_at_;
  Rtt rtt_;
  Reno reno_;
  buf::ByteQueue sending_, received_;
  uint32_t holes_ = no_index;  // in Shared::holes, while text waits for some before it
};
static_assert(sizeof(Conn) <= 360, "a connection stays small: tcp.h adds up what it costs all told");

}  // namespace sluice::tcp

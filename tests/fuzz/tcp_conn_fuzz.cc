// SPDX-License-Identifier: Apache-2.0
// A connection lives through any sequence of segments, application calls and time; after each step its
// invariants hold, and at the end all memory is back.
#include <optional>

#include "base/check.h"
#include "buf/stream.h"
#include "support/fuzz_input.h"
#include "tcp/conn.h"

namespace sluice {
namespace {

using namespace wire::tcp_flag;

uint8_t memory[65'536];

class Life {
 public:
  explicit Life(Bytes in) : in_{in} {
    const uint8_t how = in_.u8(), more = in_.u8();
    options_.sack = more & 1;
    options_.pacing = more & 2;
    options_.sent_records = (more & 4) ? 64 : 1;
    constexpr tcp::Algorithm controls[] = {tcp::Algorithm::Cubic, tcp::Algorithm::Reno, tcp::Algorithm::Bbr,
                                           tcp::Algorithm::Bbr};
    options_.timestamps = how & 2;
    options_.window_scaling = how & 4;
    options_.nagle = how & 8;
    options_.keepalive = (how & 16) ? 5_s : 0_s;
    options_.held_pieces = 16;
    options_.challenge_acks = 100;
    options_.receive_buffer = 8192;
    options_.send_buffer = 16'384;
    options_.send_buffer_most = 32'768;
    options_.retries = 4;
    const tcp::Setup setup{.iss = {0xffff'f000},
                           .mss = 1460,
                           .max_segment_text = (how & 32) ? 8000u : 0u,
                           .congestion = controls[more >> 3 & 3]};
    options_.connections = 1;
    shared_.emplace(options_, count_, links_, rng_);
    tcp::Segment first{.seq = {irs_}, .flags = syn, .window = {in_.u16()}};
    first.options.mss = in_.u16();
    if (how & 64) first.options.shift = WindowShift{static_cast<uint8_t>(in_.u8() % 15)};
    first.options.sack_permitted = more & 16;
    if (how & 128) first.options.timestamps = {1, 0};
    if (how & 1)
      conn_.emplace(*shared_, setup, now_);
    else
      conn_.emplace(*shared_, setup, first, now_);
  }
  ~Life() {
    conn_.reset();
    check(shared_->sent.used() == 0 && shared_->flights.size() == 0, "no record is left behind");
    check(links_.free() == link_count && chunk_.refs == 0, "all memory is back");
  }

  void run() {
    drain();
    while (!in_.left.empty()) {
      step();
      drain();
      holds();
    }
  }

 private:
  static constexpr uint32_t link_count = 64;

  void step() {
    switch (in_.u8() % 8) {
      case 0:
      case 1:
      case 2:
        return segment();
      case 3:
        now_ = now_ + Duration::from_ms(in_.u16());
        return conn_->on_deadline(now_);
      case 4:
        if (conn_->deadline() == Instant::never()) return;
        now_ = std::max(now_, conn_->deadline());
        return conn_->on_deadline(now_);
      case 5: {
        const auto n = static_cast<uint32_t>(std::min<size_t>(in_.u16() % 8192, conn_->send_room()));
        (void)conn_->sending().push(buf::Slice{chunk_, 0, n});
        return;
      }
      case 6:
        conn_->received().consume(std::min<size_t>(conn_->received().size(), in_.u16()));
        return conn_->consumed();
      default:
        if (const uint8_t what = in_.u8(); what < 64)
          conn_->close(now_);
        else if (what == 255)
          abort();
        else if (what >= 192)
          icmp(what);
    }
  }
  void abort() {
    tcp::Segment rst_out;
    (void)conn_->abort(rst_out, now_);
  }
  // Anybody may send one.
  void icmp(uint8_t what) {
    const SeqNum quoted = conn_->snd_una() + in_.u16();
    if (what & 1)
      (void)conn_->on_too_big(quoted, in_.u16(), now_);
    else
      (void)conn_->on_unreachable(quoted, what & 2);
    check(conn_->mss() >= options_.least_mss - wire::TcpOptions::timestamps_size,
          "segments keep their floor");
  }
  void segment() {
    const uint8_t kind = in_.u8();
    tcp::Segment s{.flags = static_cast<uint8_t>(kind & 4 ? in_.u8() & 0x1f : ack)};
    const auto off = static_cast<int8_t>(in_.u8());
    const uint32_t step = kind & 1 ? 500 : 1;
    const SeqNum rcv = began() ? conn_->rcv_nxt() : SeqNum{irs_};
    s.seq = rcv + static_cast<uint32_t>(static_cast<int32_t>(off) * static_cast<int32_t>(step));
    s.ack = kind & 2 ? conn_->snd_nxt() : conn_->snd_una() + in_.u16();
    s.window = {kind & 8 ? uint16_t{65'535} : in_.u16()};
    s.text = kind & 16 ? in_.u16() % 1500 : 0;
    if (kind & 32) s.options.mss = in_.u16();
    if (kind & 64) s.options.timestamps = {ts_ += in_.u8(), in_.u16()};
    if (kind & 128) sacks(s);
    // Of one packet or, merged, of several of the same size; the last may be short.
    const uint8_t run = kind & 16 ? in_.u8() : 0;
    if (run & 1) s.mss = static_cast<uint16_t>(1 + run * 2);
    const uint32_t each = s.mss != 0 ? s.mss : s.text;
    buf::ByteQueue text{links_};
    for (uint32_t at = 0; at < s.text; at += each)
      if (!text.push(buf::Slice{chunk_, 0, std::min(each, s.text - at)})) break;
    (void)conn_->on_segment(s, std::move(text), now_);
  }
  // Blocks near what is in flight, in any order, sensible or not.
  void sacks(tcp::Segment& s) {
    for (uint8_t n = in_.u8() % 5; n != 0; --n) {
      const SeqNum from = conn_->snd_una() + static_cast<uint32_t>(static_cast<int16_t>(in_.u16()));
      s.options.sacks.push({from, from + in_.u16() % 4096});
    }
  }
  bool began() const { return conn_->state() != tcp::State::SynSent; }

  // It stops asking to send, and sends only what it may.
  void drain() {
    tcp::Segment s;
    for (int n = 0; conn_->next_segment(now_, s); ++n) {
      check(n < 1'000, "sending comes to an end");
      check(s.text_at + s.text <= conn_->sending().size(), "it sends text it has");
      check(s.text <= std::max(conn_->mss() * conn_->most_packets(), 1u), "no more than the path takes");
      check(!s.has(syn) || s.text == 0, "a SYN carries no text");
      check(!(conn_->snd_nxt() + 1).before(s.seq + s.length()), "snd.nxt is past all but a probe");
      check(s.options.size() <= 40, "options fit");
      if (s.has(ack)) check(s.ack == conn_->rcv_nxt(), "it acknowledges what it has");
    }
    (void)conn_->take_events();
  }
  void holds() {
    const tcp::State state = conn_->state();
    check(!conn_->snd_una().after(conn_->snd_nxt()), "una is not past nxt");
    check(!conn_->snd_una().before(una_), "una never goes back");
    una_ = conn_->snd_una();
    if (state == tcp::State::Closed) {
      check(conn_->sending().empty() && conn_->deadline() == Instant::never(), "a closed one is at rest");
      return;
    }
    if (const tcp::Flight* f = conn_->in_flight()) {
      const auto flight = static_cast<uint32_t>(conn_->snd_nxt() - conn_->snd_una());
      check(f->board.sound(shared_->sent, conn_->snd_nxt()) || f->board.empty(),
            "records are in order and add up");
      check(f->board.empty() == (flight == 0), "what is in flight is recorded");
      check(f->board.sacked() + f->board.lost() <= flight && conn_->pipe() <= flight, "the pipe adds up");
    } else {
      check(!began() || state == tcp::State::SynReceived || conn_->snd_una() == conn_->snd_nxt() ||
                state == tcp::State::TimeWait,
            "what is in flight is recorded");
    }
    if (state != tcp::State::SynSent) check(conn_->congestion().window() != 0, "something may be sent");
    if (!began()) return;
    const SeqNum edge = conn_->rcv_nxt() + conn_->rcv_wnd();
    check(!edge_ || !edge.before(*edge_), "the window never shrinks");
    edge_ = edge;
    check(conn_->received().size() <= options_.receive_buffer + 65'536, "what is received is bounded");
    check(conn_->received().slices() <= 2 * options_.held_pieces, "and in few pieces");
    check(conn_->sending().size() <= options_.send_buffer_most, "what waits to be sent, too");
    const bool ends = state == tcp::State::TimeWait;
    if (!ends && conn_->snd_una() != conn_->snd_nxt())
      check(conn_->deadline() != Instant::never(), "what is in flight is watched by a timer");
    if (!ends && !conn_->sending().empty() && state != tcp::State::SynReceived)
      check(conn_->deadline() != Instant::never(), "what waits to be sent is watched by a timer");
  }

  test::FuzzInput in_;
  tcp::Options options_;
  Counters count_;
  buf::LinkPool links_{link_count};
  Rng rng_{1};
  std::optional<tcp::Shared> shared_;
  buf::Chunk chunk_{.data = memory, .size = sizeof memory};
  uint32_t irs_ = 0xffff'fe00, ts_ = 1;
  Instant now_{1'000'000'000};
  SeqNum una_{0xffff'f000};
  std::optional<SeqNum> edge_;
  std::optional<tcp::Conn> conn_;
};

}  // namespace
}  // namespace sluice

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* d, size_t n) {
  if (n > 4096) return 0;
  sluice::Life{{d, n}}.run();
  return 0;
}

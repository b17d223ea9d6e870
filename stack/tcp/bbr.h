// SPDX-License-Identifier: Apache-2.0
// BBR: sends as fast as the path was seen to deliver, whatever is lost on the way. The first version,
// draft-cardwell-iccrg-bbr-congestion-control-00, whose names stand here; a path that loses some packets
// without being full keeps its speed, at the price of more losses where a short queue is shared.
#pragma once

#include <algorithm>
#include <cstdint>

#include "tcp/window.h"

namespace sluice::tcp {

class Bbr {
 public:
  enum class Mode : uint8_t { Startup, Drain, ProbeBw, ProbeRtt };

  // Every acknowledgement that told of something delivered or lost. §4.1 to §4.3.
  constexpr void on_delivery(CongestionWindow& w, const Delivered& d) {
    const uint32_t now_ms = ms(d.now);
    if (ended_) restore(w);
    update_round(d);
    update_btl_bw(d);
    if (mode_ == Mode::ProbeBw) advance_cycle(w, d);
    check_full_pipe(d);
    check_drain(w, d);
    update_rt_prop(w, d, now_ms);
    set_pacing_rate(w, d);
    set_cwnd(w, d);
  }
  // Something was lost while nothing was being repaired: for a round trip no more is sent than arrives,
  // §4.2.3.4.
  // Where a repair has just ended with the same acknowledgement, it goes on: on a line that always loses
  // something there would be no other round.
  constexpr void on_loss(CongestionWindow& w, uint32_t pipe, uint32_t delivered) {
    save_cwnd(w);
    if (ended_) {
      ended_ = false;
      return;
    }
    repairing_ = conserving_ = true;
    next_round_delivered_ = delivered;
    w.cwnd = pipe + w.mss;
  }
  // RFC 3168 §6.1.2 wants less to be sent after a mark; what this path was seen to deliver was then too much.
  constexpr void on_mark() {
    for (uint32_t& bw : btl_bw_) bw -= bw / 8;
  }
  constexpr void on_timeout(CongestionWindow& w) {
    save_cwnd(w);
    repairing_ = true;
    conserving_ = ended_ = false;
    w.cwnd = w.mss;
  }
  // All is repaired; the delivery that comes with it gives the window back.
  constexpr void recovered() { ended_ = true; }
  // Nothing had been lost: what looked like a full pipe may have been that.
  constexpr void undone(CongestionWindow& w) {
    restore(w);
    full_bw_ = 0;
    full_bw_count_ = 0;
  }
  // §4.3.4.4: after a pause the first flight is paced at the known rate instead of probing.
  constexpr void woken() {
    idle_restart_ = true;
    if (mode_ == Mode::ProbeBw) cycle_index_ = first_even_phase;
  }

  // Octets a second; 0 while nothing is known.
  constexpr uint64_t pacing_rate() const { return pacing_rate_; }
  constexpr uint64_t bottleneck() const { return std::max(btl_bw_[0], btl_bw_[1]); }
  constexpr Mode mode() const { return mode_; }

 private:
  static constexpr uint32_t rounds_kept = 10;     // BtlBwFilterLen
  static constexpr uint32_t rt_prop_ms = 10'000;  // RTpropFilterLen
  static constexpr uint32_t probe_rtt_ms = 200;   // ProbeRTTDuration
  static constexpr uint32_t min_segments = 4;     // BBRMinPipeCwnd
  static constexpr uint32_t of_256 = 256;
  static constexpr uint32_t high_gain = 739;  // 2/ln(2) of 256
  static constexpr uint32_t drain_gain = 88;  // its inverse
  static constexpr uint32_t cycle_gains[8] = {320, 192, 256, 256, 256, 256, 256, 256};
  static constexpr uint8_t first_even_phase = 2;

  static constexpr uint32_t ms(Instant t) { return static_cast<uint32_t>(t.ns / 1'000'000); }
  static constexpr uint32_t us(Instant t) { return static_cast<uint32_t>(t.ns / 1'000); }
  constexpr uint32_t pacing_gain() const {
    switch (mode_) {
      case Mode::Startup:
        return high_gain;
      case Mode::Drain:
        return drain_gain;
      case Mode::ProbeBw:
        return cycle_gains[cycle_index_];
      default:
        return of_256;
    }
  }
  // BBRInflight(gain): `gain` of 256 bandwidth-delay products, and room for what is on its way in bursts. Of
  // nothing known: the initial window.
  constexpr uint32_t inflight(const CongestionWindow& w, uint32_t gain) const {
    if (rt_prop_us_ == 0 || bottleneck() == 0) return w.cwnd;
    const uint64_t bdp = bottleneck() * rt_prop_us_ / 1'000'000;
    const uint64_t octets = bdp * gain / of_256 + 3 * quantum(w);
    return static_cast<uint32_t>(std::clamp<uint64_t>(octets, min_segments * w.mss, most));
  }
  // BBR.send_quantum: what one tick of the pacer sends.
  constexpr uint64_t quantum(const CongestionWindow& w) const {
    return std::clamp<uint64_t>(pacing_rate_ / 1'000, 2 * uint64_t{w.mss}, 65'536);
  }

  // A round trip is over when something sent after its beginning has arrived.
  constexpr void update_round(const Delivered& d) {
    round_start_ = false;
    if (!d.rated || static_cast<int32_t>(d.sent_delivered - next_round_delivered_) < 0) return;
    next_round_delivered_ = d.total;
    round_start_ = true;
    conserving_ = false;
    ++rounds_;
  }
  // The greatest of the last ten to twenty rounds. A rate that the service or ProbeRtt held down is no more
  // than a floor, and lets nothing be forgotten; one over less than a round trip is of a burst of
  // acknowledgements, not of the path.
  constexpr void update_btl_bw(const Delivered& d) {
    constexpr uint32_t rounding_us = 2;
    if (!d.rated || d.rate == 0 || d.interval_us + rounding_us < rt_prop_us_) return;
    if ((d.rate_limited || mode_ == Mode::ProbeRtt) && d.rate < bottleneck()) return;
    if (static_cast<uint8_t>(rounds_ - kept_since_) >= rounds_kept) {
      kept_since_ = rounds_;
      btl_bw_[1] = btl_bw_[0];
      btl_bw_[0] = 0;
    }
    btl_bw_[0] = std::max(btl_bw_[0], bounded(d.rate));
  }

  // §4.3.2.2: three rounds without a quarter more.
  constexpr void check_full_pipe(const Delivered& d) {
    if (filled_ || !round_start_ || d.rate_limited) return;
    if (bottleneck() >= uint64_t{full_bw_} * 5 / 4) {
      full_bw_ = static_cast<uint32_t>(bottleneck());
      full_bw_count_ = 0;
      return;
    }
    filled_ = ++full_bw_count_ >= 3;
  }
  constexpr void check_drain(const CongestionWindow& w, const Delivered& d) {
    if (mode_ == Mode::Startup && filled_) mode_ = Mode::Drain;
    if (mode_ == Mode::Drain && d.pipe <= inflight(w, of_256)) enter_probe_bw(d);
  }

  // §4.3.4. Flows that share a path begin at different phases, but never draining.
  constexpr void enter_probe_bw(const Delivered& d) {
    mode_ = Mode::ProbeBw;
    cycle_us_ = us(d.now);
    const auto phase = static_cast<uint8_t>(us(d.now) / 64 % 7);
    cycle_index_ = phase == 0 ? uint8_t{0} : static_cast<uint8_t>(phase + 1);
  }
  constexpr void advance_cycle(const CongestionWindow& w, const Delivered& d) {
    const uint32_t gain = cycle_gains[cycle_index_];
    const bool full_length = us(d.now) - cycle_us_ > rt_prop_us_;
    bool next = full_length;
    if (gain > of_256)  // lasts until the queue is there, or something was lost
      next = full_length && (d.lost != 0 || d.pipe + d.octets >= inflight(w, gain));
    else if (gain < of_256)  // and until it is gone
      next = full_length || d.pipe <= inflight(w, of_256);
    if (!next) return;
    cycle_index_ = static_cast<uint8_t>((cycle_index_ + 1) % 8);
    cycle_us_ = us(d.now);
  }

  // §4.3.5: every ten seconds without a shorter one, the queue is let run empty to see the round trip
  // without.
  constexpr void update_rt_prop(CongestionWindow& w, const Delivered& d, uint32_t now_ms) {
    const bool expired = rt_prop_us_ != 0 && now_ms - rt_prop_at_ms_ > rt_prop_ms;
    const auto rtt = static_cast<uint32_t>(std::min<int64_t>(d.rtt.us(), UINT32_MAX));
    if (rtt != 0 && (rt_prop_us_ == 0 || rtt <= rt_prop_us_ || expired)) {
      rt_prop_us_ = rtt;
      rt_prop_at_ms_ = now_ms;
    }
    if (mode_ != Mode::ProbeRtt && expired && !idle_restart_) {
      mode_ = Mode::ProbeRtt;
      save_cwnd(w);
      probing_ = false;
    }
    if (d.octets != 0) idle_restart_ = false;
    if (mode_ != Mode::ProbeRtt) return;
    if (!probing_) {
      if (d.pipe > min_segments * w.mss) return;
      probing_ = true;
      probe_rtt_round_done_ = false;
      probe_rtt_done_ms_ = static_cast<uint16_t>(now_ms + probe_rtt_ms);
      next_round_delivered_ = d.total;
      return;
    }
    if (round_start_) probe_rtt_round_done_ = true;
    const auto since_done = static_cast<int16_t>(static_cast<uint16_t>(now_ms) - probe_rtt_done_ms_);
    if (!probe_rtt_round_done_ || since_done < 0) return;
    rt_prop_at_ms_ = now_ms;
    w.cwnd = std::max(w.cwnd, prior_cwnd_);
    if (filled_)
      enter_probe_bw(d);
    else
      mode_ = Mode::Startup;
  }

  // §4.2.1: a hundredth below, so that a queue that stands runs empty by itself; until the pipe was full only
  // upwards.
  constexpr void set_pacing_rate(const CongestionWindow& w, const Delivered& d) {
    uint64_t rate = bottleneck() * pacing_gain() / of_256 * 99 / 100;
    if (rate == 0 || !filled_) {
      if (pacing_rate_ == 0 && d.srtt.us() > 0)
        pacing_rate_ =
            bounded(uint64_t{w.cwnd} * high_gain / of_256 * 1'000'000 / static_cast<uint64_t>(d.srtt.us()));
      rate = std::max<uint64_t>(rate, pacing_rate_);
    }
    pacing_rate_ = bounded(rate);
  }
  static constexpr uint32_t bounded(uint64_t rate) {
    return static_cast<uint32_t>(std::min<uint64_t>(rate, UINT32_MAX));
  }

  // §4.2.3.
  constexpr void set_cwnd(CongestionWindow& w, const Delivered& d) {
    if (d.lost != 0) w.cwnd = std::max(w.cwnd - std::min(w.cwnd, d.lost), w.mss);
    if (conserving_) {
      w.cwnd = std::max(w.cwnd, d.pipe + d.octets);
    } else {
      const uint32_t target =
          inflight(w, mode_ == Mode::Startup || mode_ == Mode::Drain ? high_gain : 2 * of_256);
      const uint32_t more = std::min(w.cwnd, most) + d.octets;
      if (filled_)
        w.cwnd = std::min(more, target);
      else if (w.cwnd < target || bottleneck() == 0)
        w.cwnd = more;
      w.cwnd = std::max(w.cwnd, repairing_ ? w.mss : min_segments * w.mss);
    }
    if (mode_ == Mode::ProbeRtt) w.cwnd = std::min(w.cwnd, min_segments * w.mss);
  }
  constexpr void restore(CongestionWindow& w) {
    repairing_ = conserving_ = ended_ = false;
    w.cwnd = std::max(w.cwnd, prior_cwnd_);
  }
  constexpr void save_cwnd(const CongestionWindow& w) {
    prior_cwnd_ = repairing_ || mode_ == Mode::ProbeRtt ? std::max(prior_cwnd_, w.cwnd) : w.cwnd;
  }
  static constexpr uint32_t most = 1u << 30;

  uint32_t btl_bw_[2] = {0, 0};        // octets a second: the greatest of these rounds, and of those before
  uint32_t rt_prop_us_ = 0;            // 0: none was measured
  uint32_t rt_prop_at_ms_ = 0;         // on clocks that turn, as below
  uint32_t next_round_delivered_ = 0;  // octets
  uint32_t pacing_rate_ = 0;           // octets a second
  uint32_t full_bw_ = 0;               // octets a second
  uint32_t cycle_us_ = 0;              // when the phase began
  uint32_t prior_cwnd_ = 0;            // octets
  uint16_t probe_rtt_done_ms_ = 0;
  uint8_t rounds_ = 0, kept_since_ = 0;  // modulo 256
  uint8_t full_bw_count_ = 0;
  uint8_t cycle_index_ = 0;
  Mode mode_ = Mode::Startup;
  bool round_start_ : 1 = false;
  bool filled_ : 1 = false;      // for good
  bool repairing_ : 1 = false;   // prior_cwnd_ is to come back
  bool conserving_ : 1 = false;  // packet conservation, for the first round of it
  bool ended_ : 1 = false;       // it is over, unless this acknowledgement tells of more
  bool idle_restart_ : 1 = false;
  bool probing_ : 1 = false;  // in ProbeRtt: what is in flight has come down
  bool probe_rtt_round_done_ : 1 = false;
};

}  // namespace sluice::tcp

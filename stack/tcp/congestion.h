// SPDX-License-Identifier: Apache-2.0
// How much may be in flight: a window, and one of the ways to move it. Knows octets, acknowledgements and
// moments; knows no segment.
#pragma once

#include <algorithm>
#include <cstdint>
#include <variant>

#include "tcp/cubic.h"
#include "tcp/options.h"
#include "tcp/reno.h"
#include "tcp/window.h"

namespace sluice::tcp {

class Congestion {
 public:
  void start(Algorithm how, uint32_t mss, uint32_t initial_segments) {
    w_ = {.mss = mss, .cwnd = mss * initial_segments};
    if (how == Algorithm::Reno)
      how_ = Reno{};
    else
      how_ = Cubic{};
  }
  uint32_t window() const { return w_.cwnd; }
  uint32_t threshold() const { return w_.ssthresh; }
  bool slow_start() const { return w_.cwnd < w_.ssthresh; }
  Algorithm algorithm() const {
    return std::holds_alternative<Reno>(how_) ? Algorithm::Reno : Algorithm::Cubic;
  }

  // New octets arrived while nothing is being recovered and the window was what held us back.
  void on_ack(const Acked& a) {
    if (w_.cwnd > most) return;
    std::visit(
        [&](auto& x) {
          if (w_.cwnd >= w_.ssthresh) return x.avoid(w_, a);
          if (x.slow_start(w_, a)) w_.ssthresh = w_.cwnd;
          if (w_.ssthresh != UINT32_MAX) w_.cwnd = std::min(w_.cwnd, std::max(w_.ssthresh, w_.mss));
        },
        how_);
  }
  // Loss, or ECN's word for it: ssthresh falls; the window follows as prr.h says.
  void reduce(uint32_t flight) {
    w_.ssthresh = std::visit([&](auto& x) { return x.reduced(w_, flight, false); }, how_);
  }
  // RFC 5681 §3.1 equation 4; `first`: the first time for this segment.
  void on_timeout(uint32_t flight, bool first) {
    if (first) w_.ssthresh = std::visit([&](auto& x) { return x.reduced(w_, flight, true); }, how_);
    w_.cwnd = w_.mss;
  }
  void set_window(uint32_t cwnd) { w_.cwnd = cwnd; }
  // The path takes smaller segments now.
  void set_mss(uint32_t mss) { w_.mss = mss; }
  // Nothing was sent for `idle`, longer than `rto`: the window loses half for each, down to the initial one,
  // but what it was is remembered as a threshold. RFC 2861 §3.1.
  void on_idle(Duration idle, Duration rto, uint32_t initial_segments) {
    w_.ssthresh = w_.ssthresh == UINT32_MAX ? UINT32_MAX : std::max(w_.ssthresh, w_.cwnd / 4 * 3);
    const uint32_t restart = std::min(w_.cwnd, w_.mss * initial_segments);
    for (Duration left = idle; left > rto && w_.cwnd > restart; left = left - rto) w_.cwnd /= 2;
    w_.cwnd = std::max(w_.cwnd, restart);
    std::visit([&](auto& x) { x.paused(idle); }, how_);
  }

 private:
  static constexpr uint32_t most = 1u << 30;

  CongestionWindow w_;
  std::variant<Cubic, Reno> how_;
};

}  // namespace sluice::tcp

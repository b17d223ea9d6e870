// SPDX-License-Identifier: Apache-2.0
// How much may be in flight: a window, and one of the ways to move it. Knows octets, acknowledgements and
// moments; knows no segment.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <variant>

#include "tcp/bbr.h"
#include "tcp/cubic.h"
#include "tcp/options.h"
#include "tcp/pacer.h"
#include "tcp/reno.h"
#include "tcp/window.h"

namespace sluice::tcp {

class Congestion {
 public:
  void start(Algorithm how, uint32_t mss, uint32_t initial_segments) {
    w_ = {.mss = mss, .cwnd = mss * initial_segments};
    switch (how) {
      case Algorithm::Cubic:
        how_ = Cubic{};
        break;
      case Algorithm::Reno:
        how_ = Reno{};
        break;
      case Algorithm::Bbr:
        how_ = Bbr{};
        break;
    }
  }
  uint32_t window() const { return w_.cwnd; }
  uint32_t threshold() const { return w_.ssthresh; }
  bool slow_start() const {
    const Bbr* b = std::get_if<Bbr>(&how_);
    return b != nullptr ? b->mode() == Bbr::Mode::Startup : w_.cwnd < w_.ssthresh;
  }
  Algorithm algorithm() const {
    if (std::holds_alternative<Bbr>(how_)) return Algorithm::Bbr;
    return std::holds_alternative<Reno>(how_) ? Algorithm::Reno : Algorithm::Cubic;
  }
  // Follows what the path delivers, told by on_delivery() instead of on_ack(), and needs no prr.h.
  bool models_path() const { return std::holds_alternative<Bbr>(how_); }
  // How fast text may leave.
  Pace pace(Duration srtt) const {
    const Bbr* b = std::get_if<Bbr>(&how_);
    if (b != nullptr && b->pacing_rate() != 0) return {b->pacing_rate(), 1_s};
    return {Pacer::spread(w_.cwnd, slow_start()), srtt};
  }

  // New octets arrived while nothing is being recovered and the window was what held us back.
  void on_ack(const Acked& a) {
    if (w_.cwnd > most) return;
    if_by_loss([&](auto& x) {
      if (w_.cwnd >= w_.ssthresh) return x.avoid(w_, a);
      if (x.slow_start(w_, a)) w_.ssthresh = w_.cwnd;
      if (w_.ssthresh != UINT32_MAX) w_.cwnd = std::min(w_.cwnd, std::max(w_.ssthresh, w_.mss));
    });
  }
  void on_delivery(const Delivered& d) {
    if (Bbr* b = std::get_if<Bbr>(&how_)) b->on_delivery(w_, d);
  }
  // RFC 3168 §6.1.2: a mark, before reduce() for it.
  void on_mark() {
    if (Bbr* b = std::get_if<Bbr>(&how_)) b->on_mark();
  }
  // Loss, or ECN's word for it: ssthresh falls; the window follows as prr.h says. `flight`: what the network
  // did not bear; `pipe`: what is in it; `delivered` so far.
  void reduce(uint32_t flight, uint32_t pipe, uint32_t delivered) {
    if (Bbr* b = std::get_if<Bbr>(&how_)) return b->on_loss(w_, pipe, delivered);
    if_by_loss([&](auto& x) { w_.ssthresh = x.reduced(w_, flight, false); });
  }
  // RFC 5681 §3.1 equation 4; `first`: the first time for this segment.
  void on_timeout(uint32_t flight, bool first) {
    if (Bbr* b = std::get_if<Bbr>(&how_)) {
      if (first) b->on_timeout(w_);
    } else if (first) {
      if_by_loss([&](auto& x) { w_.ssthresh = x.reduced(w_, flight, true); });
    }
    w_.cwnd = w_.mss;
  }
  // All is repaired. After a timeout the window grows by itself.
  void recovered(bool after_timeout) {
    if (Bbr* b = std::get_if<Bbr>(&how_)) return b->recovered();
    if (!after_timeout) w_.cwnd = w_.ssthresh;
  }
  // Nothing had been lost: all is as it was `before`, but what was learned since is kept.
  void undo(const Congestion& before, uint32_t mss) {
    const uint32_t cwnd = std::max(w_.cwnd, before.w_.cwnd);
    if (Bbr* b = std::get_if<Bbr>(&how_))
      b->undone(w_);
    else
      *this = before;
    w_.cwnd = cwnd;
    w_.mss = mss;
  }
  void set_window(uint32_t cwnd) { w_.cwnd = cwnd; }
  // The path takes smaller segments now.
  void set_mss(uint32_t mss) { w_.mss = mss; }
  // Nothing was sent for `idle`, longer than `rto`: the window loses half for each, down to the initial one,
  // but what it was is remembered as a threshold. RFC 2861 §3.1.
  void on_idle(Duration idle, Duration rto, uint32_t initial_segments) {
    if (Bbr* b = std::get_if<Bbr>(&how_)) return b->woken();
    w_.ssthresh = w_.ssthresh == UINT32_MAX ? UINT32_MAX : std::max(w_.ssthresh, w_.cwnd / 4 * 3);
    const uint32_t restart = std::min(w_.cwnd, w_.mss * initial_segments);
    for (Duration left = idle; left > rto && w_.cwnd > restart; left = left - rto) w_.cwnd /= 2;
    w_.cwnd = std::max(w_.cwnd, restart);
    if_by_loss([&](auto& x) { x.paused(idle); });
  }

 private:
  static constexpr uint32_t most = 1u << 30;

  // Calls f with the one that goes by loss; the other knows no threshold.
  template <class F>
  void if_by_loss(F&& f) {
    std::visit(
        [&](auto& x) {
          if constexpr (!std::is_same_v<std::remove_cvref_t<decltype(x)>, Bbr>) f(x);
        },
        how_);
  }

  CongestionWindow w_;
  std::variant<Cubic, Reno, Bbr> how_;
};

}  // namespace sluice::tcp

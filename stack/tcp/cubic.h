// SPDX-License-Identifier: Apache-2.0
// CUBIC: RFC 9438, with HyStart++ (hystart.h). All in integers: octets, milliseconds.
#pragma once

#include <algorithm>
#include <cstdint>

#include "tcp/hystart.h"
#include "tcp/window.h"

namespace sluice::tcp {

class Cubic {
 public:
  // §4.1 beta_cubic = 0.7, C = 0.4.
  static constexpr uint32_t beta_of_10 = 7, c_of_10 = 4;

  // True: ssthresh is to be where the window is now.
  constexpr bool slow_start(CongestionWindow& w, const Acked& a) {
    if (w.ssthresh != UINT32_MAX) {  // not the first: RFC 9406 §4.3 advises the ordinary one
      w.cwnd += std::min(a.octets, a.paced ? UINT32_MAX : 2 * w.mss);
      return false;
    }
    const bool over =
        hystart_.on_ack(a.una, a.nxt, static_cast<uint32_t>(std::min(a.rtt.us(), int64_t{UINT32_MAX})));
    w.cwnd += std::min(a.octets, a.paced ? UINT32_MAX : 8 * w.mss) / hystart_.divisor();
    return over;
  }

  // §4.2 to §4.5.
  constexpr void avoid(CongestionWindow& w, const Acked& a) {
    if (!begun_) begin(w, a.now);
    w_est_ += portion(static_cast<uint64_t>(w_est_ < w_prior_ ? alpha_of_1000 : 1'000) * w.mss, a.octets,
                      static_cast<uint64_t>(w.cwnd) * 1'000);
    const auto t = static_cast<int32_t>(ms(a.now) - epoch_ms_);
    const uint32_t here = w_cubic(w, t);
    if (here < w_est_) {  // §4.3, Reno-friendly region
      w.cwnd = std::max(w.cwnd, w_est_);
      return;
    }
    const uint32_t target = std::clamp(w_cubic(w, t + a.srtt.ms()), w.cwnd, w.cwnd + w.cwnd / 2);  // §4.2
    w.cwnd += portion(target - w.cwnd, a.octets, w.cwnd);  // §4.4, §4.5
  }

  // §4.6, §4.7 fast convergence, §4.8 timeouts. Returns ssthresh.
  constexpr uint32_t reduced(const CongestionWindow& w, uint32_t flight, bool timeout) {
    const uint32_t cwnd = w.cwnd;
    w_max_ = cwnd < w_max_ ? static_cast<uint32_t>(uint64_t{cwnd} * (10 + beta_of_10) / 20) : cwnd;
    w_prior_ = cwnd;
    begun_ = false;
    after_timeout_ = timeout;
    const uint32_t used = std::min(flight, cwnd);
    return std::max(static_cast<uint32_t>(uint64_t{used} * beta_of_10 / 10), 2 * w.mss);
  }
  // §5.8: time in which the window was not used does not count.
  constexpr void paused(Duration d) { epoch_ms_ += static_cast<uint32_t>(d.ms()); }
  constexpr const HyStart& hystart() const { return hystart_; }

 private:
  static constexpr uint32_t alpha_of_1000 = 3 * (10 - beta_of_10) * 1'000 / (10 + beta_of_10);  // §4.3

  static constexpr uint32_t ms(Instant t) { return static_cast<uint32_t>(t.ns / 1'000'000); }
  static constexpr uint32_t portion(uint64_t what, uint64_t part, uint64_t whole) {
    return static_cast<uint32_t>(what * part / whole);
  }
  // The stage of congestion avoidance begins.
  constexpr void begin(const CongestionWindow& w, Instant now) {
    begun_ = true;
    epoch_ms_ = ms(now);
    w_est_ = w.cwnd;
    if (after_timeout_ || w.cwnd >= w_max_) {
      w_max_ = w.cwnd;
      k_ms_ = 0;
    } else {  // K = cbrt((W_max - cwnd_epoch) / C), in seconds of segments
      k_ms_ = cube_root(static_cast<uint64_t>(w_max_ - w.cwnd) * 10 / c_of_10 * 1'000'000'000 / w.mss);
    }
    after_timeout_ = false;
  }
  // W_cubic(t) = C * (t - K)^3 + W_max, equation 1.
  constexpr uint32_t w_cubic(const CongestionWindow& w, int64_t t_ms) const {
    const int64_t d = std::clamp<int64_t>(t_ms - k_ms_, -100'000, 100'000);
    const int64_t octets = static_cast<int64_t>(c_of_10) * w.mss * (d * d * d / 1'000'000) / 10'000;
    return static_cast<uint32_t>(std::clamp<int64_t>(w_max_ + octets, w.mss, most));
  }
  static constexpr uint32_t cube_root(uint64_t v) {
    uint64_t r = 0;
    for (int bit = 20; bit >= 0; --bit) {
      const uint64_t next = r | (uint64_t{1} << bit);
      if (next * next * next <= v) r = next;
    }
    return static_cast<uint32_t>(r);
  }
  static constexpr int64_t most = int64_t{1} << 30;

  uint32_t epoch_ms_ = 0;                         // since when, on a clock that turns after 49 days
  uint32_t w_max_ = 0, w_prior_ = 0, w_est_ = 0;  // octets
  uint32_t k_ms_ = 0;
  bool begun_ = false;  // in congestion avoidance since the last loss
  bool after_timeout_ = false;
  HyStart hystart_;
};

}  // namespace sluice::tcp

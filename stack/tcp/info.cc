// SPDX-License-Identifier: Apache-2.0
#include "tcp/info.h"

#include "tcp/conn.h"

namespace sluice::tcp {

Info Conn::info() const {
  return {.state = state_,
          .congestion = congestion_.algorithm(),
          .recovering = recovering(),
          .slow_start = congestion_.slow_start(),
          .sack = sack_ok_,
          .timestamps = ts_on_,
          .ecn = ecn_ok_,
          .mss = mss_,
          .cwnd = congestion_.window(),
          .ssthresh = congestion_.threshold(),
          .in_flight = flight(),
          .pipe = pipe(),
          .snd_wnd = snd_.wnd,
          .rcv_wnd = rcv_wnd(),
          .unsent = unsent(),
          .unread = static_cast<uint32_t>(received_.size()),
          .retransmits = retransmits_,
          .srtt = rtt_.srtt(),
          .rttvar = rtt_.var(),
          .rto = rtt_.rto(shared_->options),
          .least_rtt = rtt_.least(),
          .acked = octets_acked_,
          .received = octets_received_,
          .delivery_rate = rate_,
          .rate_limited = rate_limited_,
          .pacing_rate = paces() ? congestion_.pace(rtt_.srtt()).per_second() : 0};
}

}  // namespace sluice::tcp

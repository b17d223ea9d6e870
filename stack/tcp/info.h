// SPDX-License-Identifier: Apache-2.0
// What can be seen of one connection, for people and dashboards.
#pragma once

#include <cstdint>

#include "base/instant.h"
#include "tcp/congestion.h"
#include "tcp/state.h"

namespace sluice::tcp {

struct Info {
  State state;
  Algorithm congestion;
  bool recovering, slow_start, sack, timestamps, ecn;
  uint32_t mss;
  uint32_t cwnd, ssthresh;     // octets; ssthresh UINT32_MAX: none yet
  uint32_t in_flight, pipe;    // sent and not acknowledged; of that, deemed to be in the network
  uint32_t snd_wnd, rcv_wnd;   // what the peer takes, what we take
  uint32_t unsent, unread;     // octets that wait for the network, for the service
  uint32_t retransmits;        // segments sent again
  Duration srtt, rttvar, rto;  // srtt 0: nothing measured yet
  Duration least_rtt;          // of the last minutes
  uint64_t acked, received;    // octets of text
  uint64_t delivery_rate;      // octets a second, as last sampled
  bool rate_limited;           // by the service, which had no more to send: the path may carry more
  uint64_t pacing_rate;        // octets a second; 0: not paced
};

}  // namespace sluice::tcp

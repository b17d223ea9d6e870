// SPDX-License-Identifier: Apache-2.0
// A segment as a value: what came, or what is to be sent. Its text is elsewhere.
#pragma once

#include <cstdint>

#include "wire/tcp.h"
#include "wire/tcp_options.h"

namespace sluice::tcp {

struct Segment {
  SeqNum seq, ack;
  uint8_t flags = 0;  // wire::tcp_flag bits
  RawWindow window;
  uint32_t text = 0;     // octets
  uint32_t text_at = 0;  // to send: where in `sending` the text begins
  uint16_t mss = 0;  // octets of text in each packet: to send, at most; received, of those that became this
                     // one, the last may have less; 0: it came alone
  uint8_t ecn = 0;   // of the IP header: RFC 3168 §5
  wire::TcpOptions options;

  // Packets that it came in.
  constexpr uint32_t pieces() const { return mss == 0 || text <= mss ? 1 : (text + mss - 1) / mss; }
  constexpr bool has(uint8_t flag) const { return (flags & flag) != 0; }
  // SEG.LEN: sequence numbers it takes.
  constexpr uint32_t length() const {
    return text + (has(wire::tcp_flag::syn) ? 1 : 0) + (has(wire::tcp_flag::fin) ? 1 : 0);
  }
};

// RFC 3168 §5.
namespace ecn {
constexpr uint8_t mask = 3, ect0 = 2, ce = 3;
}  // namespace ecn

// The reset that answers a segment for which there is no connection: RFC 9293 §3.10.7.1. `in` is no reset.
constexpr Segment reset_for(const Segment& in) {
  using namespace wire::tcp_flag;
  if (in.has(ack)) return {.seq = in.ack, .flags = rst};
  return {.seq = {}, .ack = in.seq + in.length(), .flags = rst | ack};
}

}  // namespace sluice::tcp

// SPDX-License-Identifier: Apache-2.0
// Lowering the maximum segment size in somebody else's SYN (RFC 9293 §3.7.1).
#pragma once

#include "wire/checksum.h"
#include "wire/tcp.h"
#include "wire/tcp_options.h"

namespace sluice::wire {

// Lowers what a SYN says to `most`, and never raises it; true: it did. `b` starts at the TCP header and has
// all of it; of the text it need not have all. Left as it is:
// - a SYN that names no size. Its receiver then sends 536 octets at most, over IPv6 1220, and every link that
//   carries datagrams of 576, or IPv6 at all, carries these; an option put in would move the text.
// - options with something wrong in them: their receiver shall judge what was sent, not what we made of it.
// The checksum is corrected by the difference (RFC 1624): one that was wrong stays wrong for its receiver.
constexpr bool clamp_mss(MutBytes b, uint16_t most) {
  if (!Tcp::has_syn(b)) return false;
  const auto tcp = Tcp::parse(b);
  if (!tcp) return false;
  const Bytes options = tcp->options();
  const auto read = TcpOptions::parse(options);
  if (!read || !read->mss) return false;
  bool lowered = false;
  // Of several the last counts here, and perhaps the first elsewhere.
  TcpOptions::for_each_mss(options, [&](size_t value_at) {
    uint8_t* const value = b.data() + Tcp::header_len + value_at;
    const auto was = load_be<uint16_t>(value);
    if (was <= most) return;
    store_be<uint16_t>(value, most);
    // RFC 1071 §2 (B): across two words of the sum its octets count the other way round.
    const auto summed = [&](uint16_t v) { return value_at % 2 == 0 ? v : __builtin_bswap16(v); };
    uint8_t* const checksum = b.data() + Tcp::checksum_at;
    store_be<uint16_t>(checksum, update(load_be<uint16_t>(checksum), summed(was), summed(most)));
    lowered = true;
  });
  return lowered;
}

}  // namespace sluice::wire

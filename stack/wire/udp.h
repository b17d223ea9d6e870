// SPDX-License-Identifier: Apache-2.0
// The UDP header: RFC 768.
#pragma once

#include "base/result.h"
#include "wire/field.h"
#include "wire/port.h"

namespace sluice::wire {

class Udp {
  static constexpr Field<Port> f_src{0}, f_dst{2};
  static constexpr Field<uint16_t> f_length{4}, f_checksum{6};

 public:
  static constexpr size_t header_len = 8;
  static constexpr size_t checksum_at = f_checksum.at;
  static_assert(f_checksum.end() == header_len);

  // `b`: the payload of the IP datagram, which may be longer than the UDP datagram in it.
  static constexpr Result<Udp> parse(Bytes b) {
    if (b.size() < header_len) return Counter::udp_truncated;
    const size_t length = f_length.get(b.data());
    if (length < header_len || length > b.size()) return Counter::udp_length;
    return Udp{b.first(length)};
  }
  constexpr Port src() const { return f_src.get(b_.data()); }
  constexpr Port dst() const { return f_dst.get(b_.data()); }
  constexpr uint16_t checksum() const { return f_checksum.get(b_.data()); }  // 0: the sender made none
  constexpr Bytes whole() const { return b_; }                               // header and payload
  constexpr Bytes payload() const { return b_.subspan(header_len); }

  // Writes a header to `out`; the checksum field is left 0. `length`: header and payload, 8 to 65535.
  static constexpr void emit(uint8_t* out, Port src, Port dst, uint16_t length) {
    // As one word: summing it reads words, and reading back smaller pieces would wait for the stores.
    store_be<uint64_t>(out, uint64_t{src.v} << 48 | uint64_t{dst.v} << 32 | uint64_t{length} << 16);
  }

 private:
  constexpr explicit Udp(Bytes b) : b_{b} {}
  Bytes b_;
};

}  // namespace sluice::wire

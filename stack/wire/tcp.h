// SPDX-License-Identifier: Apache-2.0
// The TCP header: RFC 9293 §3.1. Options are read by tcp_options.h.
#pragma once

#include "base/result.h"
#include "wire/field.h"
#include "wire/port.h"
#include "wire/seq_num.h"
#include "wire/window.h"

namespace sluice::wire {

namespace tcp_flag {
constexpr uint8_t fin = 1, syn = 2, rst = 4, psh = 8, ack = 16, urg = 32, ece = 64, cwr = 128;
}  // namespace tcp_flag

class Tcp {
  static constexpr Field<Port> f_src{0}, f_dst{2};
  static constexpr Field<SeqNum> f_seq{4}, f_ack{8};
  static constexpr Field<uint8_t> f_offset{12}, f_flags{13};
  static constexpr Field<RawWindow> f_window{14};
  static constexpr Field<uint16_t> f_checksum{16}, f_urgent{18};

 public:
  static constexpr size_t header_len = 20;  // without options
  static constexpr size_t options_most = 40;
  static_assert(f_urgent.end() == header_len);

  // `b`: the whole segment, header, options and text.
  static constexpr Result<Tcp> parse(Bytes b) {
    if (b.size() < header_len) return Counter::tcp_truncated;
    const size_t len = static_cast<size_t>(f_offset.get(b.data()) >> 4) * 4;
    if (len < header_len || len > b.size()) return Counter::tcp_bad_offset;
    return Tcp{b, static_cast<uint8_t>(len)};
  }
  // Of octets that may be too few for a header.
  static constexpr bool has_syn(Bytes b) {
    return b.size() > f_flags.at && (f_flags.get(b.data()) & tcp_flag::syn) != 0;
  }
  constexpr Port src() const { return f_src.get(b_.data()); }
  constexpr Port dst() const { return f_dst.get(b_.data()); }
  constexpr SeqNum seq() const { return f_seq.get(b_.data()); }
  constexpr SeqNum ack() const { return f_ack.get(b_.data()); }
  constexpr uint8_t flags() const { return f_flags.get(b_.data()); }
  constexpr RawWindow window() const { return f_window.get(b_.data()); }
  constexpr size_t length() const { return len_; }  // octets of header and options
  constexpr Bytes options() const { return b_.subspan(header_len, len_ - header_len); }
  constexpr Bytes text() const { return b_.subspan(len_); }

  struct Value {
    Port src, dst;
    SeqNum seq, ack;
    uint8_t flags = 0;
    RawWindow window;
    uint8_t options = 0;  // octets of options that follow, a multiple of 4, at most options_most
  };
  // Writes header_len octets to `out`; checksum and urgent pointer are zero.
  static constexpr void emit(uint8_t* out, const Value& v) {
    // In whole words, which is how they are summed: see Udp::emit.
    const uint64_t data_offset = (header_len + v.options) / 4;
    store_be<uint64_t>(out, uint64_t{v.src.v} << 48 | uint64_t{v.dst.v} << 32 | v.seq.v);
    store_be<uint64_t>(out + f_ack.at,
                       uint64_t{v.ack.v} << 32 | data_offset << 28 | uint64_t{v.flags} << 16 | v.window.v);
    store_be<uint32_t>(out + f_checksum.at, 0);
  }
  // Where the checksum stands, for whoever fills it in or corrects it.
  static constexpr size_t checksum_at = f_checksum.at;

 private:
  constexpr Tcp(Bytes b, uint8_t len) : b_{b}, len_{len} {}
  Bytes b_;
  uint8_t len_;
};

}  // namespace sluice::wire

// SPDX-License-Identifier: Apache-2.0
// TCP options as a value: maximum segment size (RFC 9293 §3.7.1), window scale and timestamps (RFC 7323).
#pragma once

#include <optional>

#include "base/result.h"
#include "wire/window.h"

namespace sluice::wire {

struct TcpTimestamps {
  uint32_t val = 0, ecr = 0;
  friend constexpr bool operator==(TcpTimestamps, TcpTimestamps) = default;
};

struct TcpOptions {
  std::optional<uint16_t> mss;
  std::optional<WindowShift> shift;
  std::optional<TcpTimestamps> timestamps;

  friend constexpr bool operator==(const TcpOptions&, const TcpOptions&) = default;

  // Unknown options are skipped; of a repeated one the last counts. A length that is too small for its kind,
  // or that leads past the end, condemns the segment: there is no telling what else is wrong with it. The
  // cursor moves forward by at least one octet each turn.
  static constexpr Result<TcpOptions> parse(Bytes b) {
    TcpOptions o;
    while (!b.empty()) {
      const uint8_t kind = b[0];
      if (kind == end_of_list) break;
      if (kind == no_operation) {
        b = b.subspan(1);
        continue;
      }
      if (b.size() < 2 || b[1] < 2 || b[1] > b.size()) return Counter::tcp_bad_option;
      if (!o.take(kind, b.subspan(2, b[1] - 2u))) return Counter::tcp_bad_option;
      b = b.subspan(b[1]);
    }
    return o;
  }

  // Octets emit() writes: a multiple of 4, at most 20.
  constexpr uint8_t size() const {
    return static_cast<uint8_t>((mss ? 4 : 0) + (shift ? 4 : 0) + (timestamps ? timestamps_size : 0));
  }
  // Writes size() octets, padded in front to 32-bit borders so that timestamps stand where RFC 7323 App. A
  // wants them.
  constexpr void emit(uint8_t* out) const {
    if (mss) {
      *out++ = kind_mss;
      *out++ = 4;
      store_be<uint16_t>(out, *mss);
      out += 2;
    }
    if (shift) {
      *out++ = no_operation;
      *out++ = kind_shift;
      *out++ = 3;
      *out++ = shift->v;
    }
    if (timestamps) {
      *out++ = no_operation;
      *out++ = no_operation;
      *out++ = kind_timestamps;
      *out++ = 10;
      store_be<uint32_t>(out, timestamps->val);
      store_be<uint32_t>(out + 4, timestamps->ecr);
    }
  }
  static constexpr uint8_t timestamps_size = 12;  // with their padding

 private:
  static constexpr uint8_t end_of_list = 0, no_operation = 1, kind_mss = 2, kind_shift = 3,
                           kind_timestamps = 8;

  constexpr bool take(uint8_t kind, Bytes value) {
    switch (kind) {
      case kind_mss:
        if (value.size() != 2) return false;
        mss = load_be<uint16_t>(value.data());
        return true;
      case kind_shift:
        if (value.size() != 1) return false;
        shift = WindowShift{std::min(value[0], WindowShift::most)};
        return true;
      case kind_timestamps:
        if (value.size() != 8) return false;
        timestamps = TcpTimestamps{load_be<uint32_t>(value.data()), load_be<uint32_t>(value.data() + 4)};
        return true;
      default:
        return true;
    }
  }
};

}  // namespace sluice::wire

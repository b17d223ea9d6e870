// SPDX-License-Identifier: Apache-2.0
// TCP options as a value: maximum segment size (RFC 9293 §3.7.1), window scale and timestamps (RFC 7323),
// selective acknowledgement (RFC 2018).
#pragma once

#include <algorithm>
#include <array>
#include <optional>

#include "base/result.h"
#include "wire/seq_num.h"
#include "wire/window.h"

namespace sluice::wire {

struct TcpTimestamps {
  uint32_t val = 0, ecr = 0;
  friend constexpr bool operator==(TcpTimestamps, TcpTimestamps) = default;
};

// Octets [first, end) that lie beyond the cumulative acknowledgement, or came twice (RFC 2883).
struct SackBlock {
  SeqNum first, end;
  friend constexpr bool operator==(SackBlock, SackBlock) = default;
};

// What fits into 40 octets of options: 4 blocks, 3 beside timestamps.
class SackBlocks {
 public:
  static constexpr uint8_t most = 4;
  constexpr uint8_t size() const { return n_; }
  constexpr bool empty() const { return n_ == 0; }
  constexpr void push(SackBlock b) {
    if (n_ < most) blocks_[n_++] = b;
  }
  constexpr SackBlock operator[](size_t i) const { return blocks_[i]; }
  constexpr const SackBlock* begin() const { return blocks_.data(); }
  constexpr const SackBlock* end() const { return blocks_.data() + n_; }
  friend constexpr bool operator==(const SackBlocks& a, const SackBlocks& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  std::array<SackBlock, most> blocks_{};
  uint8_t n_ = 0;
};

struct TcpOptions {
  std::optional<uint16_t> mss;
  std::optional<WindowShift> shift;
  std::optional<TcpTimestamps> timestamps;
  bool sack_permitted = false;
  SackBlocks sacks;

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

  // Calls f(where its value is, in octets from the start of `b`) for each maximum segment size of a list that
  // parse() took.
  template <class F>
  static constexpr void for_each_mss(Bytes b, F&& f) {
    for (size_t at = 0; at < b.size() && b[at] != end_of_list;) {
      if (b[at] == kind_mss) f(at + 2);
      at += b[at] == no_operation ? 1u : b[at + 1];
    }
  }

  // Octets emit() writes: a multiple of 4, at most 40 when a SYN names no blocks and others at most
  // sacks_beside().
  constexpr uint8_t size() const {
    return static_cast<uint8_t>((mss ? 4 : 0) + (shift ? 4 : 0) + (timestamps ? timestamps_size : 0) +
                                (sack_permitted && !timestamps ? 4 : 0) +
                                (sacks.empty() ? 0 : 4 + 8 * sacks.size()));
  }
  // How many blocks find room in a segment that has no SYN.
  static constexpr uint8_t sacks_beside(bool timestamps) {
    return timestamps ? SackBlocks::most - 1 : SackBlocks::most;
  }
  // Writes size() octets, padded in front to 32-bit borders so that timestamps stand where RFC 7323 App. A
  // wants them; SACK-permitted takes the place of their padding.
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
    if (timestamps || sack_permitted) {
      *out++ = sack_permitted ? kind_sack_permitted : no_operation;
      *out++ = sack_permitted ? 2 : no_operation;
    }
    if (sack_permitted && !timestamps) {
      *out++ = no_operation;
      *out++ = no_operation;
    }
    if (timestamps) {
      *out++ = kind_timestamps;
      *out++ = 10;
      store_be<uint32_t>(out, timestamps->val);
      store_be<uint32_t>(out + 4, timestamps->ecr);
      out += 8;
    }
    if (sacks.empty()) return;
    *out++ = no_operation;
    *out++ = no_operation;
    *out++ = kind_sack;
    *out++ = static_cast<uint8_t>(2 + 8 * sacks.size());
    for (const SackBlock b : sacks) {
      b.first.store(out);
      b.end.store(out + 4);
      out += 8;
    }
  }
  static constexpr uint8_t timestamps_size = 12;  // with their padding

 private:
  static constexpr uint8_t end_of_list = 0, no_operation = 1, kind_mss = 2, kind_shift = 3,
                           kind_sack_permitted = 4, kind_sack = 5, kind_timestamps = 8;

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
      case kind_sack_permitted:
        if (!value.empty()) return false;
        sack_permitted = true;
        return true;
      case kind_sack:
        if (value.empty() || value.size() % 8 != 0) return false;
        sacks = {};
        for (; !value.empty(); value = value.subspan(8))
          sacks.push({SeqNum::load(value.data()), SeqNum::load(value.data() + 4)});
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

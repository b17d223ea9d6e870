// SPDX-License-Identifier: Apache-2.0
// Received text that came before its turn: RFC 9293 §3.10.7.4. Bounded: text that would need one range too
// many is refused, and the peer sends it again.
#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include "buf/byte_queue.h"
#include "wire/seq_num.h"

namespace sluice::tcp {

class Reassembly {
 public:
  static constexpr size_t most = 4;  // ranges, that is, holes
  enum class Taken : uint8_t { Yes, Duplicate, NoRoom };

  explicit Reassembly(buf::LinkPool& links)
      : ranges_{Range{links}, Range{links}, Range{links}, Range{links}} {}

  bool empty() const { return used_ == 0; }
  uint32_t slices() const;  // pieces held

  // Takes text that begins at `seq`, past rcv.nxt. What is here already is cut off; of text that reaches over
  // a range only the part before it is kept.
  Taken add(SeqNum seq, buf::Slice&& text);
  // Moves what follows `nxt` without a hole to the end of `to`; returns how many octets that were.
  uint32_t take(SeqNum nxt, buf::ByteQueue& to);
  void clear();

 private:
  struct Range {
    explicit Range(buf::LinkPool& links) : text{links} {}
    SeqNum first;
    buf::ByteQueue text;
    SeqNum end() const { return first + static_cast<uint32_t>(text.size()); }
  };
  void remove(size_t i);

  uint8_t used_ = 0;
  std::array<Range, most> ranges_;  // the first used_, by sequence, none touching the next
};

}  // namespace sluice::tcp

// SPDX-License-Identifier: Apache-2.0
// Received text that came before its turn: RFC 9293 §3.10.7.4. Bounded: text that would need one range too
// many is refused, and the peer sends it again.
#pragma once

#include <cstdint>
#include <utility>

#include "base/static_vec.h"
#include "buf/byte_queue.h"
#include "wire/tcp_options.h"

namespace sluice::tcp {

class Reassembly {
 public:
  // Ranges, that is, holes. A line of 100 Mbit/s and 100 ms that loses one packet in fifty has 20; a queue
  // that overflows while the window doubles leaves hundreds at once, and what finds no range here is sent
  // twice.
  static constexpr size_t most = 512;
  // Every second packet of a burst may be missing (buf::burst_size).
  static constexpr size_t most_recent = 32;
  enum class Taken : uint8_t { Yes, Duplicate, NoRoom };

  explicit Reassembly(buf::LinkPool& links) : links_{&links} {}

  bool empty() const { return ranges_.empty(); }
  uint32_t slices() const { return slices_; }                       // pieces held
  uint32_t octets() const { return octets_; }                       // in them
  SeqNum end() const { return ranges_[ranges_.size() - 1].end(); }  // of all; not while empty()

  // Takes text that begins at `seq`, past rcv.nxt. What is here already is cut off; of text that reaches over
  // a range only the part before it is kept.
  Taken add(SeqNum seq, buf::Slice&& text);
  // Moves what follows `nxt` without a hole to the end of `to`; returns how many octets that were.
  uint32_t take(SeqNum nxt, buf::ByteQueue& to);
  // Ranges touched and not told since, at most `most_recent`.
  uint32_t news() const { return news_; }
  // Appends ranges, those touched last first, until `to` holds `until` blocks: RFC 2018 §4. So many
  // acknowledgements `follow` at once, each beginning one range later: each range is told as often as if its
  // packet had been acknowledged alone.
  void tell(wire::SackBlocks& to, uint8_t until, uint32_t follow);

 private:
  struct Range {
    explicit Range(buf::LinkPool& links) : text{links} {}
    SeqNum first;
    buf::ByteQueue text;
    SeqNum end() const { return first + static_cast<uint32_t>(text.size()); }
  };
  size_t after(SeqNum) const;
  const Range* holding(SeqNum) const;
  void touch(SeqNum);
  void remove(size_t i);

  buf::LinkPool* links_;
  uint32_t slices_ = 0, octets_ = 0;
  StaticVec<SeqNum, most_recent> recent_;  // octets of what was touched last, the latest first
  uint32_t news_ = 0;                      // so many of them were not told
  StaticVec<Range, most> ranges_;          // by sequence, none touching the next
};

}  // namespace sluice::tcp

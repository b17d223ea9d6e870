// SPDX-License-Identifier: Apache-2.0
// Where the content of an HTTP/1.1 message lies among the octets behind its head, RFC 9112 §6, §7.1: by
// length, in chunks, or up to the connection's end. Keeps no octets.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "http/message.h"

namespace sluice::http {

class Body {
 public:
  // What stands at the start of the octets that were shown: first octets of framing, then octets of content.
  struct Step {
    size_t framing = 0, content = 0;
  };

  // No content: done() at once.
  Body() = default;
  // `length` matters with Framing::Length only; `most`: octets of content a chunked body may have.
  Body(Framing framing, uint64_t length, uint64_t most);

  // Takes a look at the next octets and passes over those it names; the next call must show the ones behind.
  // Both 0: nothing more to be told from `in` (it is empty, or the body is done).
  Result<Step> take(Bytes in);
  bool done() const { return state_ == State::Done; }
  // The connection ended here: true when that is a proper end.
  bool on_close() const { return done() || state_ == State::UntilClose; }

 private:
  enum class State : uint8_t {
    Done,
    Fixed,
    UntilClose,
    SizeFirst,  // first digit of a chunk's size
    Size,
    Extension,
    SizeEnd,  // LF behind a chunk's size
    Data,
    DataEnd,  // CR behind a chunk
    DataLineEnd,
    TrailerFirst,  // first octet of a trailer line
    TrailerName,
    TrailerValue,
    TrailerLineEnd,
    LastEnd  // LF of the last, empty line
  };
  Result<Step> take_chunked(Bytes in);
  Result<bool> on_octet(uint8_t c);
  Result<bool> on_size(uint8_t c);
  Result<bool> on_trailer(uint8_t c);

  State state_ = State::Done;
  uint32_t overhead_ = 0;  // octets of extensions and trailers so far
  uint64_t left_ = 0;      // octets of this chunk, or of all content
  uint64_t most_ = 0;      // octets of content still allowed
};

}  // namespace sluice::http

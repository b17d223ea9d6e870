// SPDX-License-Identifier: Apache-2.0
// The first octets of every answer: status line, Date and Connection. They are the same for all answers of
// one second, so they are written once a second and cloned: an answer writes nothing, and costs one reference
// more than its content. (Writing them per answer would take a chunk for each; with the connection's state
// they would need a copy each.)
#pragma once

#include <array>
#include <cstdint>

#include "buf/pool.h"
#include "http/status.h"

namespace sluice::serve {

// What the head says of the connection. RFC 9112 §9.3, §9.6.
enum class Ending : uint8_t {
  Persist,
  Persist10,
  Close
};  // Persist10: to a client of HTTP/1.0, which must be told

class AnswerHeads {
 public:
  // Takes one chunk for each Ending; the pool has them, and outlives this object.
  explicit AnswerHeads(buf::ChunkPool&);

  // Answers from now on say this date (Unix seconds). Takes new chunks while old answers still use the old
  // ones; false when there are none: the date stays as it was, until the next call.
  bool refresh(int64_t unix_seconds);

  // From the status line up to where the fields of a Resource follow. `go_on`: "100 Continue" in front (RFC
  // 9110 §15.2.1).
  buf::Slice head(uint16_t status, Ending, bool go_on) const;

 private:
  struct Part {
    uint32_t at = 0, length = 0;  // the status line and what follows; "100 Continue" lies right in front
  };
  using Parts = std::array<Part, http::status_lines.size()>;
  void write(buf::Chunk&, Ending, int64_t unix_seconds, Parts&);

  static constexpr size_t endings = 3;
  buf::ChunkPool& pool_;
  std::array<buf::Slice, endings> whole_;
  std::array<Parts, endings> parts_;
  int64_t second_ = 0;
};

}  // namespace sluice::serve

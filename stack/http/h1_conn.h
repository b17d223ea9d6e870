// SPDX-License-Identifier: Apache-2.0
// The server's end of an HTTP/1.1 connection, RFC 9112 §9: octets in, in any split; requests out, one at a
// time and in order. Knows no answer, no time and no transport; the octets stay in the queue they came in
// until consumed.
#pragma once

#include <cstdint>

#include "base/counters.h"
#include "buf/byte_queue.h"
#include "http/h1_body.h"
#include "http/message.h"
#include "http/options.h"

namespace sluice::http {

class H1Conn {
 public:
  enum class Next : uint8_t {
    Wait,     // more octets are needed
    Request,  // a request to answer
    Refused,  // to be answered with status_of(why()), then closed
    Broken,   // the content of a request already answered is malformed: close without a word
  };

  // What the octets in `in` say next; consumes what needs no answer: the last request's head, its content,
  // and all there is once the connection is over. With Next::Request, `request` views octets of `in` or of
  // `scratch`, until the next call or until either changes. `scratch`: at least head_max octets, the caller's
  // between calls.
  Next next(buf::ByteQueue& in, MutBytes scratch, const Options&, Request& request);

  // With Refused or Broken: the reason.
  Counter why() const { return why_; }
  // Nothing follows the answer to the last request: it must be sent as the last one (RFC 9112 §9.6).
  bool last() const { return last_; }
  // No further request will be given; further octets are dropped.
  void end() { last_ = true, over_ = true; }
  // Octets of request content dropped by the last next().
  uint64_t skipped() const { return skipped_; }
  // Whether a request was ever given, or refused.
  bool started() const { return requests_ != 0 || over_; }
  // Content of an answered request is still to come.
  bool in_body() const { return !body_.done(); }

 private:
  Next skip_body(buf::ByteQueue& in);
  Next read_head(buf::ByteQueue& in, MutBytes scratch, const Options&, Request& request);
  size_t readable(const buf::ByteQueue& in, size_t head_max);

  Body body_;  // of the last request
  uint64_t skipped_ = 0;
  uint32_t head_ = 0;      // octets of the last request's head, still in the queue
  uint32_t searched_ = 0;  // octets of the next head known to hold no line end behind `lines_`
  uint32_t lines_ = 0;     // octets of the next head up to its last LF
  uint32_t requests_ = 0;
  Counter why_{};
  bool last_ = false, over_ = false;
};

}  // namespace sluice::http

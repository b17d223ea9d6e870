// SPDX-License-Identifier: Apache-2.0
// The client's end of an HTTP/1.1 connection, RFC 9112 §9: octets in, in any split; out come the head, the
// content in pieces and the end of each response, in the order the requests were sent. Knows no request but
// its method, no time and no transport; the octets stay in the queue they came in until consumed.
#pragma once

#include <array>
#include <cstdint>

#include "base/counters.h"
#include "buf/byte_queue.h"
#include "http/h1_body.h"
#include "http/message.h"
#include "http/options.h"

namespace sluice::http {

// A response head that was read before. A server says nearly the same head again and again, and the verdict
// on equal octets is the same: comparing costs a tenth of reading. One may serve any number of connections
// that ask with the same method.
class KnownHead {
 public:
  // The octets of the known head when `in` starts with it, else 0; `out` is then what it says.
  size_t find(Bytes in, Response& out) const {
    if (size_ == 0 || in.size() < size_ || std::memcmp(in.data(), octets_.data(), size_) != 0) return 0;
    out = response_;
    return size_;
  }
  // Long heads are not remembered.
  void learn(Bytes head, const Response& r) {
    if (head.size() > octets_.size()) return;
    size_ = head.size();
    std::memcpy(octets_.data(), head.data(), size_);
    response_ = r;
    response_.reason = response_.field_lines = {};
  }

 private:
  size_t size_ = 0;
  Response response_;
  std::array<uint8_t, 1024> octets_;
};

class H1Client {
 public:
  enum class Next : uint8_t {
    Wait,     // more octets are needed, or nothing was asked
    Head,     // response() is the next response's; interim ones (1xx) are passed over
    Content,  // content() is its next piece
    Done,     // the response is over
    Broken    // what came is no response: why() says the reason, nothing more will be understood
  };

  // A request was sent. Its method is that of all requests not yet answered.
  void asked() { ++open_; }
  uint32_t open() const { return open_; }  // requests not yet answered

  // What the octets in `in` say next; consumes what the last call told. Octets that answer no request break
  // the connection. `scratch`: at least head_max octets, the caller's between calls.
  Next next(buf::ByteQueue& in, MutBytes scratch, Method method, const Options&, KnownHead&);
  // The server sends no more, and `in` was read to its end: Done when that ends the response properly, Broken
  // when it cuts one off, Wait when none was being read.
  Next on_close();

  // Until the next call. With a known head its reason and field lines are empty.
  const Response& response() const { return response_; }
  Bytes content() const { return content_; }
  Counter why() const { return why_; }
  // No response follows the last one (RFC 9112 §9.3): requests behind it go unanswered.
  bool last() const { return last_; }

 private:
  enum class State : uint8_t { Head, Body, Broken };
  Next read_head(buf::ByteQueue& in, MutBytes scratch, Method, const Options&, KnownHead&);
  Next read_body(buf::ByteQueue& in);
  Next done();
  Next broken(Counter why);

  Response response_;
  Body body_;
  Bytes content_;
  uint32_t passed_ = 0;  // octets told by the last call, still in the queue
  uint32_t parsed_ = 0;  // octets of an unfinished head that were looked at
  uint32_t open_ = 0;
  Counter why_{};
  State state_ = State::Head;
  bool last_ = false;
};

}  // namespace sluice::http

// SPDX-License-Identifier: Apache-2.0
#include "http/h1_conn.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "http/h1_lines.h"
#include "http/h1_parse.h"

namespace sluice::http {

H1Conn::Next H1Conn::next(buf::ByteQueue& in, MutBytes scratch, const Options& o, Request& request) {
  in.consume(std::exchange(head_, 0));
  skipped_ = 0;
  if (over_) {
    in.clear();
    return Next::Wait;
  }
  if (!body_.done())
    if (const Next n = skip_body(in); n != Next::Request) return n;
  if (last_) {
    over_ = true;
    in.clear();
    return Next::Wait;
  }
  return read_head(in, scratch, o, request);
}

// Next::Request: the body is over.
H1Conn::Next H1Conn::skip_body(buf::ByteQueue& in) {
  while (!body_.done()) {
    if (in.empty()) return Next::Wait;
    const Result<Body::Step> s = body_.take(in.front());
    if (!s) {
      why_ = s.why();
      end();
      return Next::Broken;
    }
    skipped_ += s->content;
    in.consume(s->framing + s->content);
  }
  return Next::Request;
}

// How many octets are worth parsing: those up to the last line end, so that a head that drips in is read once
// per line and not once per octet; all, when head_max is reached or the first octet cannot begin a request.
size_t H1Conn::readable(const buf::ByteQueue& in, size_t head_max) {
  const size_t most = std::min(in.size(), head_max);
  size_t at = searched_;
  in.for_range(searched_, most - searched_, [&](const buf::Slice& s, uint32_t from, uint32_t n) {
    const auto* p = s.bytes().data() + from;
    if (const void* lf = memrchr(p, '\n', n))
      lines_ = static_cast<uint32_t>(at + static_cast<size_t>(static_cast<const uint8_t*>(lf) - p) + 1);
    at += n;
  });
  searched_ = static_cast<uint32_t>(most);
  if (most == head_max) return most;
  if (lines_ == 0 && most != 0 && in.front()[0] != '\r' && !h1::token_octets[in.front()[0]]) return most;
  return lines_;
}

H1Conn::Next H1Conn::read_head(buf::ByteQueue& in, MutBytes scratch, const Options& o, Request& request) {
  const uint32_t seen = lines_;
  const size_t n = readable(in, o.head_max);
  if (n == 0 || (n == seen && n < o.head_max)) return Next::Wait;  // no new line since the last look
  // In place when the head lies together. What the front says, the whole would say too (parse_request's
  // contract), so a second look is needed only when the front is not enough.
  Bytes head = in.front().first(std::min(n, in.front().size()));
  Result<size_t> r = parse_request(head, o, request);
  if (r && *r == 0 && head.size() < n) {
    head = Bytes{scratch.data(), in.copy(0, scratch.first(n))};
    r = parse_request(head, o, request);
  }
  if (r && *r == 0) return Next::Wait;
  searched_ = lines_ = 0;
  if (!r) {
    why_ = r.why();
    end();
    return Next::Refused;
  }
  head_ = static_cast<uint32_t>(*r);
  body_ = Body{request.framing, request.content_length, o.body_max};
  ++requests_;
  last_ = !o.keepalive || !request.persistent || request.method == Method::Connect ||
          (o.requests_per_connection_max != 0 && requests_ >= o.requests_per_connection_max);
  request.persistent = !last_;
  return Next::Request;
}

}  // namespace sluice::http

// SPDX-License-Identifier: Apache-2.0
#include "http/h1_client.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "http/h1_response.h"

namespace sluice::http {
namespace {

// Whether a line ends among the octets [from, to) of `in`.
bool line_ends(const buf::ByteQueue& in, size_t from, size_t to) {
  bool found = false;
  in.for_range(from, to - from, [&](const buf::Slice& s, uint32_t at, uint32_t n) {
    found = found || std::memchr(s.bytes().data() + at, '\n', n) != nullptr;
  });
  return found;
}

}  // namespace

H1Client::Next H1Client::next(buf::ByteQueue& in, MutBytes scratch, Method method, const Options& o,
                              KnownHead& known) {
  in.consume(std::exchange(passed_, 0));
  switch (state_) {
    case State::Head:
      return read_head(in, scratch, method, o, known);
    case State::Body:
      return read_body(in);
    default:
      in.clear();
      return Next::Wait;
  }
}

H1Client::Next H1Client::read_head(buf::ByteQueue& in, MutBytes scratch, Method method, const Options& o,
                                   KnownHead& known) {
  for (;;) {
    if (in.empty()) return Next::Wait;
    if (open_ == 0 || last_) return broken(Counter::http_bad_status_line);  // nobody asked
    size_t head = known.find(in.front(), response_);
    if (head == 0) {
      // A head that drips in is read once per line, not once per octet.
      const size_t size = std::min<size_t>(in.size(), o.head_max);
      if (size < o.head_max && !line_ends(in, parsed_, size)) {
        parsed_ = static_cast<uint32_t>(size);
        return Next::Wait;
      }
      Bytes octets = in.front().first(std::min(size, in.front().size()));
      Result<size_t> r = parse_response(octets, method, o, response_);
      if (r && *r == 0 && octets.size() < size) {
        octets = Bytes{scratch.data(), in.copy(0, scratch.first(size))};
        r = parse_response(octets, method, o, response_);
      }
      if (!r) return broken(r.why());
      parsed_ = static_cast<uint32_t>(size);
      if (*r == 0) return Next::Wait;
      head = *r;
      if (response_.status >= 200) known.learn(octets.first(head), response_);
    }
    parsed_ = 0;
    if (response_.status < 200) {  // RFC 9110 §15.2: interim, the response proper follows
      if (response_.status == 101)
        return broken(Counter::http_bad_status_line);  // nobody asked for an upgrade
      in.consume(head);
      continue;
    }
    passed_ = static_cast<uint32_t>(head);
    body_ = body_of(response_, UINT64_MAX / 2);
    state_ = State::Body;
    return Next::Head;
  }
}

H1Client::Next H1Client::read_body(buf::ByteQueue& in) {
  while (!body_.done()) {
    if (in.empty()) return Next::Wait;
    const Bytes front = in.front();
    const Result<Body::Step> s = body_.take(front);
    if (!s) return broken(s.why());
    if (s->content == 0) {
      in.consume(s->framing);
      continue;
    }
    content_ = front.subspan(s->framing, s->content);
    passed_ = static_cast<uint32_t>(s->framing + s->content);
    return Next::Content;
  }
  return done();
}

H1Client::Next H1Client::on_close() {
  if (state_ == State::Head) return parsed_ != 0 ? broken(Counter::http_bad_status_line) : Next::Wait;
  if (state_ == State::Broken) return Next::Wait;
  return body_.on_close() ? done() : broken(Counter::http_bad_chunk);
}

H1Client::Next H1Client::done() {
  state_ = State::Head;
  last_ = !response_.persistent;
  --open_;
  return Next::Done;
}

H1Client::Next H1Client::broken(Counter why) {
  why_ = why;
  state_ = State::Broken;
  return Next::Broken;
}

}  // namespace sluice::http

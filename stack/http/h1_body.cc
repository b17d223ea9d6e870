// SPDX-License-Identifier: Apache-2.0
#include "http/h1_body.h"

#include <algorithm>

#include "http/h1_lines.h"
#include "http/scan.h"

namespace sluice::http {
namespace {

// Extensions and trailers mean nothing to us; what a body may waste on them all together, in octets. Without
// it a peer could send for ever without ever sending content.
constexpr uint32_t overhead_max = 16384;

int hex(uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

Body::Body(Framing framing, uint64_t length, uint64_t most) : left_{length}, most_{most} {
  switch (framing) {
    case Framing::None:
      break;
    case Framing::Length:
      state_ = length == 0 ? State::Done : State::Fixed;
      break;
    case Framing::Chunked:
      state_ = State::SizeFirst, left_ = 0;
      break;
    case Framing::UntilClose:
      state_ = State::UntilClose;
      break;
  }
}

Result<Body::Step> Body::take(Bytes in) {
  switch (state_) {
    case State::Done:
      return Step{};
    case State::UntilClose:
      return Step{0, in.size()};
    case State::Fixed: {
      const size_t n = std::min<uint64_t>(left_, in.size());
      left_ -= n;
      if (left_ == 0) state_ = State::Done;
      return Step{0, n};
    }
    default:
      return take_chunked(in);
  }
}

Result<Body::Step> Body::take_chunked(Bytes in) {
  size_t at = 0;
  while (at < in.size() && state_ != State::Data && state_ != State::Done) {
    const Result<bool> fine = on_octet(in[at]);
    if (!fine) return fine.why();
    ++at;
  }
  if (state_ != State::Data) return Step{at, 0};
  const size_t n = std::min<uint64_t>(left_, in.size() - at);
  left_ -= n;
  if (left_ == 0) state_ = State::DataEnd;
  return Step{at, n};
}

Result<bool> Body::on_octet(uint8_t c) {
  switch (state_) {
    case State::SizeFirst:
      if (hex(c) < 0) return Counter::http_bad_chunk;
      left_ = 0;
      state_ = State::Size;
      return on_size(c);
    case State::Size:
      return on_size(c);
    case State::Extension:
      if (c == '\r') {
        state_ = State::SizeEnd;
        return true;
      }
      if (!is_field_text(c) || ++overhead_ > overhead_max) return Counter::http_bad_chunk;
      return true;
    case State::SizeEnd:
      if (c != '\n') return Counter::http_bad_chunk;
      state_ = left_ == 0 ? State::TrailerFirst : State::Data;
      return true;
    case State::DataEnd:
      if (c != '\r') return Counter::http_bad_chunk;
      state_ = State::DataLineEnd;
      return true;
    case State::DataLineEnd:
      if (c != '\n') return Counter::http_bad_chunk;
      state_ = State::SizeFirst;
      return true;
    default:
      return on_trailer(c);
  }
}

// §7.1: 1*HEXDIG, then an extension or the line's end. Blanks before ';' (BWS) are refused: readers differ
// there.
Result<bool> Body::on_size(uint8_t c) {
  if (const int digit = hex(c); digit >= 0) {
    if (++overhead_ > overhead_max) return Counter::http_bad_chunk;  // leading zeros without end
    left_ = left_ * 16 + static_cast<uint64_t>(digit);
    if (left_ > most_) return Counter::http_body_too_large;
    return true;
  }
  if (c != '\r' && c != ';') return Counter::http_bad_chunk;
  most_ -= left_;
  state_ = c == '\r' ? State::SizeEnd : State::Extension;
  return true;
}

// §7.1.2; the fields are checked for shape and forgotten.
Result<bool> Body::on_trailer(uint8_t c) {
  if (++overhead_ > overhead_max) return Counter::http_bad_trailer;
  switch (state_) {
    case State::TrailerFirst:
      if (c != '\r' && !h1::token_octets[c]) return Counter::http_bad_trailer;
      state_ = c == '\r' ? State::LastEnd : State::TrailerName;
      return true;
    case State::TrailerName:
      if (c != ':' && !h1::token_octets[c]) return Counter::http_bad_trailer;
      if (c == ':') state_ = State::TrailerValue;
      return true;
    case State::TrailerValue:
      if (c != '\r' && !is_field_text(c)) return Counter::http_bad_trailer;
      if (c == '\r') state_ = State::TrailerLineEnd;
      return true;
    default:  // TrailerLineEnd, LastEnd
      if (c != '\n') return Counter::http_bad_trailer;
      state_ = state_ == State::LastEnd ? State::Done : State::TrailerFirst;
      return true;
  }
}

}  // namespace sluice::http

// SPDX-License-Identifier: Apache-2.0
// All services of one worker: which protocol sits on a stream, and when one of them wants to be asked again.
// Knows no transport; what it may hold is taken at start.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/counters.h"
#include "buf/stream.h"
#include "http/options.h"
#include "serve/http_server.h"

namespace sluice::serve {

class Services {
 public:
  // `connections`: StreamId::index is below it. `pool` gives three chunks at start and a few more while
  // answers of past seconds are on their way; it and `count` outlive this object.
  Services(uint32_t connections, buf::ChunkPool& pool, Counters& count) : http_{connections, pool, count} {}

  // At start: a service whose streams carry this number in Stream::service.
  uint16_t add_http(std::shared_ptr<const Sites> sites, const http::Options& o) {
    return static_cast<uint16_t>(http_.add(std::move(sites), o));
  }
  // The wall clock, in Unix seconds; about once a second.
  void date(int64_t unix_seconds) { http_.date(unix_seconds); }

  // A stream has events, or was named by expire().
  void on_stream(buf::Stream& s, Instant now) { http_.on_stream(s.service, s, now); }

  // When expire() is wanted next.
  Instant deadline() const { return http_.deadline(); }
  // Names streams whose time is over; each must come to on_stream() soon, though nothing happened to it (the
  // transport wakes them). When `due` is filled there may be more.
  size_t expire(Instant now, std::span<buf::StreamId> due) { return http_.expire(now, due); }

 private:
  HttpServer http_;
};

}  // namespace sluice::serve

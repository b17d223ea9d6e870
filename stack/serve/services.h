// SPDX-License-Identifier: Apache-2.0
// All services of one worker: which protocol sits on a stream, and when one of them wants to be asked again.
// Knows no transport; what it may hold is taken at start.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/counters.h"
#include "base/lines.h"
#include "buf/stream.h"
#include "http/options.h"
#include "serve/http_server.h"
#include "serve/inetd.h"

namespace sluice::serve {

class alignas(cache_line) Services {
 public:
  // `connections`: StreamId::index is below it. `pool` gives three chunks at start and a few more while
  // answers of past seconds are on their way; it and `count` outlive this object.
  Services(uint32_t connections, buf::ChunkPool& pool, Counters& count)
      : connections_{connections}, count_{count}, http_{connections, pool, count} {}

  // At start: a service whose streams carry this number in Stream::service.
  uint16_t add_http(std::shared_ptr<const Sites> sites, const http::Options& o) {
    return add(Kind::Http, http_.add(std::move(sites), o));
  }
  uint16_t add_inetd(InetdKind kind, const InetdOptions& o) {
    if (!inetd_) inetd_.emplace(connections_, count_);
    return add(Kind::Inetd, inetd_->add(kind, o));
  }
  // The wall clock, in Unix seconds; about once a second.
  void date(int64_t unix_seconds) { http_.date(unix_seconds); }

  // A stream has events, or was named by expire().
  void on_stream(buf::Stream& s, Instant now) {
    const Service& v = services_[s.service];
    if (v.kind == Kind::Http) return http_.on_stream(v.number, s, now);
    inetd_->on_stream(v.number, s, now);
  }

  // When expire() is wanted next.
  Instant deadline() const {
    return inetd_ ? std::min(http_.deadline(), inetd_->deadline()) : http_.deadline();
  }
  // Names streams whose time is over; each must come to on_stream() soon, though nothing happened to it (the
  // transport wakes them). When `due` is filled there may be more.
  size_t expire(Instant now, std::span<buf::StreamId> due) {
    const size_t n = http_.expire(now, due);
    return inetd_ ? n + inetd_->expire(now, due.subspan(n)) : n;
  }

 private:
  enum class Kind : uint8_t { Http, Inetd };
  struct Service {
    Kind kind;
    uint32_t number;  // as its server counts
  };
  uint16_t add(Kind kind, uint32_t number) {
    services_.push_back({kind, number});
    return static_cast<uint16_t>(services_.size() - 1);
  }

  const uint32_t connections_;
  Counters& count_;
  HttpServer http_;
  std::optional<Inetd> inetd_;  // its tables are taken when somebody wants it
  std::vector<Service> services_;
};
static_assert(owns_its_lines<Services>);

}  // namespace sluice::serve

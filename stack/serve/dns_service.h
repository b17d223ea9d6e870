// SPDX-License-Identifier: Apache-2.0
// The DNS server on UDP: which zones each listener answers from. Immutable zones, shared by all workers.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "dns/answer.h"

namespace sluice::serve {

class DnsService {
 public:
  // `services[i]` is what datagrams of service i are answered from.
  explicit DnsService(std::vector<std::shared_ptr<const dns::Zones>> services) : services_{std::move(services)} {}

  // Turns the query in the first `length` octets of `room` into its answer, in place; see dns::answer.
  Result<size_t> answer(uint16_t service, MutBytes room, size_t length, Counters& count) const {
    return dns::answer(*services_[service], room, length, {.kind = dns::Transport::Kind::Udp}, count);
  }

 private:
  std::vector<std::shared_ptr<const dns::Zones>> services_;
};

}  // namespace sluice::serve

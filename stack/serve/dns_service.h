// SPDX-License-Identifier: Apache-2.0
// The DNS server on UDP: which zones each listener answers from. Immutable zones, shared by all workers.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/counters.h"
#include "dns/answer.h"

namespace sluice::serve {

class DnsService {
 public:
  // `services[i]` is what datagrams of service i are answered from.
  explicit DnsService(std::vector<std::shared_ptr<const dns::Zones>> services)
      : services_{std::move(services)} {}

  // Answers a burst of queries to one service, each in place; what gets no answer is counted.
  void answer(uint16_t service, std::span<dns::Exchange> burst, Counters& count) const {
    dns::answer(*services_[service], burst, count);
    for (const dns::Exchange& x : burst)
      if (!x.answered) count.add(x.why);
  }

 private:
  std::vector<std::shared_ptr<const dns::Zones>> services_;
};

}  // namespace sluice::serve

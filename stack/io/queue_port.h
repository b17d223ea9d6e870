// SPDX-License-Identifier: Apache-2.0
// One queue pair of a device, as a worker's port. Knows no protocol; used by one worker only.
#pragma once

#include <cstdint>

#include "base/counters.h"
#include "buf/port.h"
#include "io/device.h"

namespace sluice::io {

class QueuePort final : public buf::NetPort {
 public:
  // `index`: the stack's number of the port, which received packets carry. `queue` is below the device's
  // rx_queues. Device and counters outlive the port.
  QueuePort(const Device& device, uint16_t queue, uint16_t index, Counters& count);

  void rx(buf::Batch& in) override;
  void tx(buf::Batch& out) override;
  void offer(buf::Batch& out) override;

 private:
  uint16_t device_, queue_, index_;
  uint16_t rx_burst_;
  uint32_t frame_most_;  // octets
  bool chains_;
  bool lacp_;
  Counters& count_;
};

}  // namespace sluice::io

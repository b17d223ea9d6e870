// SPDX-License-Identifier: Apache-2.0
// Finished frames on their way to the ports: one batch per port, handed over when full and at the end of a
// turn. Nothing is ever lost here.
#pragma once

#include <cstdint>

#include "base/lines.h"
#include "buf/packet.h"

namespace sluice::link {

class TxOut {
 public:
  // Sends all of the batch and leaves it empty; called at most once per burst_size frames.
  using Send = void (*)(void* context, uint16_t port, buf::Batch& frames);

  TxOut(size_t ports, Send how, void* context) : batches_(ports), send_{how}, context_{context} {}

  // There are more ports now.
  void ports(size_t n) { batches_.resize(n); }

  // `port` is below the number of ports.
  void push(uint16_t port, buf::Packet&& frame) {
    buf::Batch& b = batches_[port];
    b.push(std::move(frame));
    if (b.full()) send(port);
  }
  void flush() {
    for (size_t port = 0; port < batches_.size(); ++port)
      if (!batches_[port].empty()) send(static_cast<uint16_t>(port));
  }

 private:
  void send(uint16_t port) {
    send_(context_, port, batches_[port]);
    batches_[port].clear();
  }

  LineVector<buf::Batch> batches_;
  Send send_;
  void* context_;
};

}  // namespace sluice::link

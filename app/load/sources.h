// SPDX-License-Identifier: Apache-2.0
// The addresses and ports we call from, one after the other: each address in turn, each port of it once in a
// round. The next is nearly always free because it was used longest ago, so finding one costs the same with a
// million connections as with one.
#pragma once

#include <cstdint>

#include "wire/ip_addr.h"
#include "wire/port.h"

namespace sluice::load {

class Sources {
 public:
  static constexpr uint32_t first_port = 1024, ports = 65536 - first_port;

  Sources(Ip4Addr first, uint32_t count) : first_{first}, count_{count} {}

  struct Place {
    Ip4Addr addr;
    Port port;
  };
  Place next() {
    const Place p{{first_.v + at_}, {static_cast<uint16_t>(first_port + port_)}};
    if (++at_ == count_) {
      at_ = 0;
      port_ = (port_ + 1) % ports;
    }
    return p;
  }
  uint64_t places() const { return uint64_t{count_} * ports; }
  uint32_t count() const { return count_; }
  Ip4Addr address(uint32_t i) const { return {first_.v + i % count_}; }
  bool has(Ip4Addr a) const { return a.v - first_.v < count_; }

 private:
  Ip4Addr first_;
  uint32_t count_;
  uint32_t at_ = 0, port_ = 0;
};

}  // namespace sluice::load

// SPDX-License-Identifier: Apache-2.0
// The addresses and ports we call from, one after the other: each address in turn, each port of it once in a
// round. The next is nearly always free because it was used longest ago, so finding one costs the same with a
// million connections as with one.
#pragma once

#include <cstdint>

#include "app/load/numbers.h"
#include "wire/ip_addr.h"
#include "wire/port.h"

namespace sluice::load {

class Sources {
 public:
  static constexpr uint32_t first_port = 1024, ports = 65536 - first_port;

  Sources(const IpAddr& first, uint32_t count) : first_{number_of(first)}, count_{count} {}

  struct Place {
    IpAddr addr;
    Port port;
  };
  Place next() {
    const Place p{address_of(first_ + at_), {static_cast<uint16_t>(first_port + port_)}};
    if (++at_ == count_) {
      at_ = 0;
      port_ = (port_ + 1) % ports;
    }
    return p;
  }
  uint64_t places() const { return uint64_t{count_} * ports; }
  uint32_t count() const { return count_; }
  IpAddr address(uint32_t i) const { return address_of(first_ + i % count_); }
  bool has(const IpAddr& a) const { return number_of(a) - first_ < count_; }

 private:
  Number first_;
  uint32_t count_;
  uint32_t at_ = 0, port_ = 0;
};

}  // namespace sluice::load

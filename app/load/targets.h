// SPDX-License-Identifier: Apache-2.0
// Where packets go: addresses spread evenly over a prefix, so many in a row from one on, or a list.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "app/load/numbers.h"
#include "wire/ip_addr.h"

namespace sluice::load {

class Targets {
 public:
  Targets() : Targets{{Ip4Addr{}, 32}, 1, false} {}
  // In a row from `prefix.addr` on, or spread over the prefix.
  Targets(const Prefix& prefix, uint32_t count, bool spread)
      : first_{number_of(prefix.addr)}, count_{count}, point_{host_bits(prefix) <= 64 ? 31u : 0u} {
    step_ = Number{1} << point_;
    if (!spread) return;
    const Number hosts = hosts_of(prefix);
    first_ &= ~hosts;
    step_ = point_ != 0 ? ((hosts + 1) << point_) / count : hosts / count;
    if (step_ >= Number{2} << point_) ++first_;  // not the network itself
  }
  // `list` is not empty and of one family.
  explicit Targets(std::shared_ptr<const std::vector<IpAddr>> list)
      : list_{std::move(list)}, count_{static_cast<uint32_t>(list_->size())} {}

  uint32_t count() const { return count_; }
  IpAddr at(uint32_t i) const {
    if (list_ != nullptr) return (*list_)[i % count_];
    return address_of(first_ + (i % count_ * step_ >> point_));
  }

 private:
  std::shared_ptr<const std::vector<IpAddr>> list_;
  Number first_ = 0, step_ = 0;
  uint32_t count_;
  unsigned point_ = 0;  // places of step_ behind the point
};

}  // namespace sluice::load

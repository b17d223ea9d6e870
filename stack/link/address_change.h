// SPDX-License-Identifier: Apache-2.0
// What becomes true or false of our IPv6 links while we run: addresses proved free, learned or expired,
// networks and routers that router advertisements name. From the one worker that hears it to all IP rooms.
#pragma once

#include <cstdint>

#include "base/static_vec.h"
#include "wire/ip_addr.h"

namespace sluice::link {

struct AddressChange {
  enum class Kind : uint8_t {
    Use,        // `addr` is ours on `port`, its network `length` bits long
    Drop,       // no longer
    OnLink,     // destinations in addr/length are neighbours on `port`
    NotOnLink,  // no longer
    Router,     // `addr` on `port` is a default router
    NoRouter,   // no longer
  };
  Kind kind = Kind::Use;
  uint8_t length = 64;
  uint16_t port = 0;
  Ip6Addr addr;  // no zone
  friend bool operator==(const AddressChange&, const AddressChange&) = default;
};
using AddressChanges = StaticVec<AddressChange, 64>;

}  // namespace sluice::link

// SPDX-License-Identifier: Apache-2.0
// What workers tell each other of neighbours. ARP has one writer; the others keep copies that change only by
// these messages. A lost message heals itself: whoever needs the answer asks again.
#pragma once

#include <cstdint>
#include <type_traits>

#include "base/static_vec.h"
#include "link/address_change.h"
#include "wire/ip_addr.h"
#include "wire/mac.h"

namespace sluice::link {

struct Message {
  enum class Kind : uint8_t {
    Wanted,   // to the writer: this address is in use here and not, or no longer, known
    Known,    // to all but the writer: the neighbour has this MAC
    Gone,     // to all but the writer: the neighbour does not answer
    Address,  // to all but the writer: an AddressChange
  };
  Kind kind = Kind::Wanted;
  bool solicited = false;  // Known: it answered our own request
  uint16_t port = 0;
  Mac mac;
  AddressChange::Kind what = AddressChange::Kind::Use;  // Address
  uint8_t length = 0;                                   // Address
  IpAddr addr;

  static Message of(const AddressChange& c) {
    return {.kind = Kind::Address, .port = c.port, .what = c.kind, .length = c.length, .addr = c.addr};
  }
  AddressChange change() const { return {what, length, port, addr.v6()}; }

  bool to_writer() const { return kind == Kind::Wanted; }
};
static_assert(std::is_trivially_copyable_v<Message> && sizeof(Message) == 32);

using Messages = StaticVec<Message, 64>;

}  // namespace sluice::link

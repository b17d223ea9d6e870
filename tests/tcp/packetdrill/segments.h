// SPDX-License-Identifier: Apache-2.0
// Segments of a script to octets and back. Options are written and read here, not by wire/: a second opinion.
#pragma once

#include <vector>

#include "base/bytes.h"
#include "tcp/packetdrill/script.h"
#include "wire/port.h"

namespace sluice::test::pkt {

// Header, options and text; the checksum is left to ip4_packet().
std::vector<uint8_t> emit(const Packet&, Port src, Port dst, Bytes text);

struct Parsed {
  Packet packet;
  Port local, remote;
  Bytes text;
};
// Of a segment that the room made. Throws Fault when it is none.
Parsed read(Bytes);

// The same options whatever their order and padding.
bool same_options(const std::vector<Option>&, const std::vector<Option>&);

}  // namespace sluice::test::pkt

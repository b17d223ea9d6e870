// SPDX-License-Identifier: Apache-2.0
// The transport's checksum of a packet we send, by us or by the device: RFC 9293 §3.1, RFC 768, RFC 4443
// §2.3.
#pragma once

#include "buf/port.h"
#include "buf/transmit.h"

namespace sluice::ip {

// `t.packet` starts at its transport header, whose checksum field is 0; src and dst are final.
// `segmentation`: the device cuts and sums it.
void seal_transport(buf::Transmit& t, const buf::PortCaps& caps, bool segmentation);

}  // namespace sluice::ip

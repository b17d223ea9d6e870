// SPDX-License-Identifier: Apache-2.0
// Request heads of HTTP/1.x, RFC 9112 §2-§6, read strictly: whatever two readers could understand differently
// is refused. Knows no connection.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "http/message.h"
#include "http/options.h"

namespace sluice::http {

// Reads one head at the start of `in` into `out`, whose texts then point into `in`. The octets of the head,
// its last CRLF included; 0 when the head is not complete (more octets are needed, and may be given); or the
// reason why no head can start like this. A head is at most `head_max` octets; octets behind it are not
// looked at. The verdict on a prefix that is not 0 is the verdict on the whole.
Result<size_t> parse_request(Bytes in, const Options&, Request& out);

}  // namespace sluice::http

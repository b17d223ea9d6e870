// SPDX-License-Identifier: Apache-2.0
// Response heads of HTTP/1.x as a client reads them, RFC 9112 §4-§6. Knows no connection.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "http/h1_body.h"
#include "http/message.h"
#include "http/options.h"

namespace sluice::http {

// Reads one head at the start of `in`; the contract of parse_request(), with head_max and fields_max as its
// limits. `asked` is the method of the request it answers: framing depends on it (§6.3). A 1xx response has
// no content and another head follows it.
Result<size_t> parse_response(Bytes in, Method asked, const Options&, Response& out);

// The content behind that head; at most `most` octets when chunked.
inline Body body_of(const Response& r, uint64_t most) { return {r.framing, r.content_length, most}; }

}  // namespace sluice::http

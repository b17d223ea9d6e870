// SPDX-License-Identifier: Apache-2.0
// Responses as a client reads them: head, then content, never past the input and always onwards.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "http/h1_response.h"

using namespace sluice;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const auto asked = static_cast<http::Method>(data[0] % 10);
  const size_t step = data[1] % 16u + 1;
  Bytes in{data + 2, size - 2};
  const http::Options o{.head_max = 1024, .fields_max = 8};
  while (!in.empty()) {
    http::Response r;
    const auto head = http::parse_response(in, asked, o, r);
    if (!head || *head == 0) return 0;
    check(*head <= in.size() && r.status >= 100 && r.status <= 999, "a head lies in its input");
    in = in.subspan(*head);
    http::Body body = http::body_of(r, 4096);
    uint64_t content = 0;
    while (!body.done() && !in.empty()) {
      const Bytes shown = in.first(step < in.size() ? step : in.size());
      const auto s = body.take(shown);
      if (!s) return 0;
      check(s->framing + s->content <= shown.size() && s->framing + s->content != 0,
            "a body moves on inside its input");
      content += s->content;
      in = in.subspan(s->framing + s->content);
    }
    if (r.framing == http::Framing::Length) check(content <= r.content_length, "no more content than said");
    if (r.framing == http::Framing::Chunked) check(content <= 4096, "no more content than allowed");
  }
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// The client's end of an HTTP connection: what it tells does not depend on how the octets were cut, and a
// head that is known says what it said when it was read.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "buf/byte_queue.h"
#include "http/h1_client.h"

using namespace sluice;

namespace {

std::string told(Bytes octets, size_t step, uint32_t asked) {
  using Next = http::H1Client::Next;
  static const http::Options options{.head_max = 1024, .fields_max = 8};
  std::vector<uint8_t> copy(octets.begin(), octets.end()), scratch(options.head_max);
  buf::Chunk chunk{.data = copy.data(), .size = static_cast<uint32_t>(copy.size())};
  buf::LinkPool links{4096};
  buf::ByteQueue in{links};
  http::H1Client client;
  http::KnownHead known;
  for (uint32_t i = 0; i < asked; ++i) client.asked();
  std::string all;
  for (size_t at = 0; at < copy.size();) {
    const auto n = static_cast<uint32_t>(std::min<size_t>(step, copy.size() - at));
    check(in.push(buf::Slice{chunk, static_cast<uint32_t>(at), n}), "a link for every piece");
    at += n;
    for (bool more = true; more;) {
      const size_t before = in.size();
      switch (client.next(in, scratch, http::Method::Get, options, known)) {
        case Next::Wait:
          more = false;
          break;
        case Next::Head:
          all += '<' + std::to_string(client.response().status) + ':';
          break;
        case Next::Content:
          check(!client.content().empty() && client.content().size() <= before, "content lies in the queue");
          all += as_text(client.content());
          break;
        case Next::Done:
          check(client.open() < asked, "who was answered waits no more");
          all += '>';
          break;
        case Next::Broken:
          return all + '!';
      }
    }
  }
  const auto end = client.on_close();
  return all + (end == Next::Done ? ">" : end == Next::Broken ? "!" : ".");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2 || size > 4096) return 0;
  const Bytes in{data + 2, size - 2};
  const uint32_t asked = data[0] % 4;
  check(told(in, SIZE_MAX, asked) == told(in, data[1] % 16u + 1, asked), "cutting changes nothing");
  return 0;
}

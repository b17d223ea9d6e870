// SPDX-License-Identifier: Apache-2.0
// A server's connection: whatever the split of the octets, it says the same, and no octet is taken twice or
// lost.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/rng.h"
#include "http/h1_conn.h"

using namespace sluice;

namespace {

constexpr http::Options options{.head_max = 1024, .target_max = 256, .fields_max = 8, .body_max = 512};

std::string said_by(Bytes in, Rng* split) {
  std::vector<uint8_t> copy{in.begin(), in.end()}, scratch(options.head_max);
  buf::Chunk chunk{.data = copy.data(), .size = static_cast<uint32_t>(copy.size())};
  std::string said;
  {
    buf::LinkPool links{chunk.size + 1};
    buf::ByteQueue queue{links};
    http::H1Conn conn;
    for (uint32_t at = 0; at < chunk.size;) {
      const uint32_t left = chunk.size - at;
      uint32_t n = left;
      if (split != nullptr) n = 1 + static_cast<uint32_t>(split->below(split->chance(0.5) ? 4 : left));
      if (n > left) n = left;
      check(queue.push(buf::Slice{chunk, at, n}), "there are links");
      at += n;
      for (bool wait = false; !wait;) {
        http::Request r;
        const size_t before = queue.size();
        const auto next = conn.next(queue, scratch, options, r);
        check(queue.size() <= before, "a connection consumes only what it was given");
        if (next == http::H1Conn::Next::Request) {
          said += std::string{r.method_name} + ' ' + std::string{r.target} + ' ' + std::string{r.authority} +
                  (conn.last() ? " last\n" : "\n");
        } else if (next != http::H1Conn::Next::Wait) {
          check(conn.last(), "nothing follows a refusal");
          said += (next == http::H1Conn::Next::Broken ? "broken " : "refused ") +
                  std::to_string(static_cast<int>(conn.why())) + '\n';
        }
        wait = next == http::H1Conn::Next::Wait;
      }
      check(queue.size() <= options.head_max, "no more is kept than a head");
    }
  }
  check(chunk.refs == 0, "every slice was given back");
  return said;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2 || size > 4000) return 0;
  Rng rng{data[0]};
  const Bytes in{data + 1, size - 1};
  check(said_by(in, nullptr) == said_by(in, &rng), "the split of the octets says nothing");
  return 0;
}

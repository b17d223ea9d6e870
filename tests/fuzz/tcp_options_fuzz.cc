// SPDX-License-Identifier: Apache-2.0
// Any bytes as TCP options, and as a whole segment: what was understood is written and read again.
#include <vector>

#include "base/check.h"
#include "wire/tcp.h"
#include "wire/tcp_options.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* d, size_t n) {
  using namespace sluice;
  if (const auto h = wire::Tcp::parse({d, n}))
    check(h->length() + h->text().size() == n && h->options().size() <= wire::Tcp::options_most,
          "parts add up");
  const auto o = wire::TcpOptions::parse({d, n});
  if (!o) return 0;
  std::vector<uint8_t> out(o->size());  // what no segment of ours has together may be longer than 40
  check(out.size() % 4 == 0 && out.size() <= 20 + 36, "options end on a word");
  o->emit(out.data());
  const auto again = wire::TcpOptions::parse(out);
  check(static_cast<bool>(again) && *again == *o, "what is written is what was read");
  return 0;
}

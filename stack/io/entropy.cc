// SPDX-License-Identifier: Apache-2.0
#include "io/entropy.h"

#include <sys/random.h>

#include <cerrno>
#include <span>

#include "base/check.h"

namespace sluice::io {
namespace {

template <class T>
T random_value() {
  T v{};
  random_bytes(MutBytes{reinterpret_cast<uint8_t*>(&v), sizeof v});
  return v;
}

// A run of 24 equal bits would make eight neighbouring input bits nearly useless.
bool spreads(const RssKey& key) {
  int run = 0, last = -1;
  for (size_t i = 0; i < key.size() * 8; ++i) {
    const int bit = (key[i / 8] >> (7 - i % 8)) & 1;
    run = bit == last ? run + 1 : 1;
    last = bit;
    if (run == 24) return false;
  }
  return true;
}

}  // namespace

void random_bytes(MutBytes out) {
  while (!out.empty()) {
    const ssize_t n = getrandom(out.data(), out.size(), 0);
    if (n < 0) {
      check(errno == EINTR, "the kernel gives random bytes");
      continue;
    }
    out = out.subspan(static_cast<size_t>(n));
  }
}

uint64_t random_seed() { return random_value<uint64_t>(); }

SipKey random_sip_key() { return {random_seed(), random_seed()}; }

RssKey random_rss_key() {
  for (;;) {
    const auto key = random_value<RssKey>();
    if (spreads(key)) return key;
  }
}

}  // namespace sluice::io

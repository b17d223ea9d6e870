// SPDX-License-Identifier: Apache-2.0
// One resource record as a zone is built from it, and where it was written. Control plane. All are of class
// IN.
#pragma once

#include <cstdint>
#include <string>

#include "dns/types.h"

namespace sluice::dns {

struct Place {
  uint32_t file = 0;  // index into the list of files read
  uint32_t line = 0;
  uint32_t column = 0;
};

struct Record {
  std::string owner;  // uncompressed wire name, lower-cased: answers show the letters of the question
  Type type{};
  uint32_t ttl = 0;   // seconds, at most 2^31 - 1 (RFC 2181 §8)
  std::string rdata;  // wire format, names uncompressed and in the letters they were written in
  Place place;
};

}  // namespace sluice::dns

// SPDX-License-Identifier: Apache-2.0
// The DNS queries of a run, written once: RFC 1035 §4.1, one question, recursion desired as stub resolvers
// have it, id 0. They lie behind one another in the order they are asked.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "app/load/pattern.h"
#include "base/bytes.h"
#include "base/rng.h"
#include "dns/types.h"

namespace sluice::load {

class Queries {
 public:
  // A name and a type a line, as dnsperf's files have it; blank lines and those that begin with ';' or '#'
  // are passed over. False: `wrong` says where and what.
  bool read(std::istream& in, const std::string& file, std::string& wrong);
  // All names of the pattern, in random order.
  bool make(const Pattern&, std::string_view type, Rng& rng, std::string& wrong);

  uint32_t size() const { return static_cast<uint32_t>(ends_.size()); }
  Bytes message(uint32_t i) const {
    const uint32_t from = i == 0 ? 0 : ends_[i - 1];
    return {octets_.data() + from, ends_[i] - from};
  }
  // The sum of the message's words (RFC 1071), folded.
  uint16_t sum(uint32_t i) const { return sums_[i]; }

 private:
  bool add(std::string_view name, std::string_view type, std::string& wrong);

  std::vector<uint8_t> octets_;
  std::vector<uint32_t> ends_;
  std::vector<uint16_t> sums_;
};

}  // namespace sluice::load

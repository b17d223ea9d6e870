// SPDX-License-Identifier: Apache-2.0
#include "app/load/queries.h"

#include <algorithm>
#include <istream>
#include <numeric>

#include "dns/message.h"
#include "dns/rdata.h"
#include "wire/checksum.h"

namespace sluice::load {
namespace {

constexpr uint64_t most_octets = UINT32_MAX;

std::string_view word(std::string_view& line) {
  constexpr std::string_view blank = " \t\r";
  line.remove_prefix(std::min(line.find_first_not_of(blank), line.size()));
  const std::string_view w = line.substr(0, line.find_first_of(blank));
  line.remove_prefix(w.size());
  return w;
}

std::optional<dns::Type> type_of(std::string_view text) {
  if (text == "ANY" || text == "any") return dns::Type::Any;
  return dns::type_named(text);
}

}  // namespace

bool Queries::add(std::string_view name, std::string_view type, std::string& wrong) {
  dns::Name parsed;
  if (const char* fault = dns::Name::parse(name, dns::Name{}, parsed)) {
    wrong = std::string{name} + " is no name: " + fault;
    return false;
  }
  const auto t = type_of(type);
  if (!t) {
    wrong = std::string{type} + " is no type; give one like A, AAAA or TYPE65";
    return false;
  }
  const Bytes wire = parsed.wire();
  const size_t at = octets_.size(), size = dns::header_len + wire.size() + 4;
  if (at + size > most_octets) {
    wrong = "more than 4 GB of queries";
    return false;
  }
  octets_.resize(at + size);
  uint8_t* p = octets_.data() + at;
  p[2] = 1;                      // RD
  store_be<uint16_t>(p + 4, 1);  // QDCOUNT
  std::copy(wire.begin(), wire.end(), p + dns::header_len);
  store_be(p + dns::header_len + wire.size(), static_cast<uint16_t>(*t));
  store_be(p + dns::header_len + wire.size() + 2, static_cast<uint16_t>(dns::Class::In));
  ends_.push_back(static_cast<uint32_t>(octets_.size()));
  sums_.push_back(wire::Sum{}.add(Bytes{p, size}).folded());
  return true;
}

bool Queries::read(std::istream& in, const std::string& file, std::string& wrong) {
  std::string line;
  for (size_t number = 1; std::getline(in, line); ++number) {
    std::string_view rest = line;
    const auto name = word(rest);
    if (name.empty() || name[0] == ';' || name[0] == '#') continue;
    const auto type = word(rest);
    const auto more = word(rest);
    if (type.empty() || (!more.empty() && more[0] != ';' && more[0] != '#')) {
      wrong = file + ":" + std::to_string(number) + ": write a name and a type, like  www.example.test A";
      return false;
    }
    if (add(name, type, wrong)) continue;
    wrong = file + ":" + std::to_string(number) + ": " + wrong;
    return false;
  }
  if (size() == 0) wrong = file + ": there is no query in it";
  return size() != 0;
}

bool Queries::make(const Pattern& pattern, std::string_view type, Rng& rng, std::string& wrong) {
  constexpr uint64_t most = 50'000'000;
  if (pattern.size() > most) {
    wrong = "a pattern may stand for at most 50 million names";
    return false;
  }
  std::vector<uint32_t> order(pattern.size());
  std::iota(order.begin(), order.end(), 0u);
  std::shuffle(order.begin(), order.end(), rng);
  return std::ranges::all_of(order, [&](uint32_t i) { return add(pattern.name(i), type, wrong); });
}

}  // namespace sluice::load

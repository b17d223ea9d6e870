// SPDX-License-Identifier: Apache-2.0
// A packetdrill script as values: what happens when. Knows the language, not TCP.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/instant.h"

namespace sluice::test::pkt {

// What is wrong with a script, or with what happened.
struct Fault {
  int line = 0;
  std::string what;
  bool lacking = false;  // nothing is wrong: the script asks for what the reader or sluice does not have
};

// An argument or result of a socket call.
struct Value {
  enum class Kind : uint8_t { Ellipsis, Number, Word, Text, List, Struct };
  Kind kind = Kind::Ellipsis;
  int64_t number = 0;
  std::string text;          // Word: names joined with |
  std::vector<Value> items;  // List: its items; Struct: its fields' values
  std::vector<std::string> names;

  bool is(Kind k) const { return kind == k; }
  const Value* field(std::string_view name) const;
};

struct Option {
  enum class Kind : uint8_t { Nop, End, Mss, Scale, SackPermitted, Sack, Timestamps, Other };
  Kind kind = Kind::Nop;
  std::vector<uint32_t> numbers;  // as they stand in the option: one, two, or pairs of a block's ends
  friend bool operator==(const Option&, const Option&) = default;
};

struct Packet {
  bool inbound = false;
  uint8_t flags = 0;  // wire::tcp_flag bits
  uint32_t seq = 0, text = 0, ack = 0;
  std::optional<uint16_t> window, urgent;
  std::optional<uint8_t> ecn;  // the two bits; ect_any: either ECT
  bool any_options = false;    // <...>
  std::vector<Option> options;
  std::optional<std::pair<uint16_t, uint16_t>> ports;
  static constexpr uint8_t ect_any = 4;
};
// In packetdrill's notation.
std::string print(const Packet&);

struct Icmp {
  bool inbound = true;
  std::string type, code;
  std::optional<uint32_t> mtu;
  std::optional<uint32_t> quoted_seq;
};

struct Call {
  std::string name;
  std::vector<Value> arguments;
  Value result;
  std::string error;                // errno's name; empty: none
  std::optional<Duration> returns;  // when a call that blocks comes back, as `at` of its event
};
struct Command {
  std::string text;  // of a shell
};
struct Code {
  std::string text;  // between %{ and }%
};

enum class When : uint8_t { Absolute, Relative, Any, AbsoluteRange, RelativeRange };

struct Event {
  int line = 0;
  When when = When::Absolute;
  Duration at, until;
  std::variant<Packet, Icmp, Call, Command, Code> what;
};

struct Script {
  std::vector<std::pair<std::string, std::string>> flags;  // --name=value lines
  std::vector<Event> events;
};

// Throws Fault.
Script parse(std::string_view text);

}  // namespace sluice::test::pkt

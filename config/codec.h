// SPDX-License-Identifier: Apache-2.0
// Values as a configuration writes them: times with a unit, sizes, addresses, endpoints, choices, kinds of
// text, devices. For each: its text, the value back, the words for "what would be right" and a pattern for
// the schema. Knows no key.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/instant.h"
#include "config/config.h"

namespace sluice::config {

// --- numbers. Unsigned integers are decimal; uint64_t may end in k, M, G (thousands) or Ki, Mi, Gi (1024s);
// a Duration needs its unit: ns, us, ms, s, m, h; a bool is true or false.
template <class T>
concept Number = std::same_as<T, bool> || std::same_as<T, uint16_t> || std::same_as<T, uint32_t> ||
                 std::same_as<T, uint64_t> || std::same_as<T, double> || std::same_as<T, Duration>;

template <Number T>
std::optional<T> parse_number(std::string_view text);
template <Number T>
std::string number_text(T v);  // a Duration in the largest unit that divides it

// "a whole number from 64 to 65536"
template <Number T>
std::string number_right(T least, T most);

inline constexpr const char* duration_pattern = "^[0-9]+(ns|us|ms|s|m|h)$";
inline constexpr const char* size_pattern = "^[0-9]+([kMG]|[KMG]i)?$";

// --- choices: the names of an enumeration's values
template <class E>
using Choices = std::span<const std::pair<const char*, E>>;
template <class E>
Choices<E> choices();  // for Mode, Hugepages, RouteKind, ReversePath, OuterTag, tcp::Algorithm
template <class E>
concept Choice = std::same_as<E, Mode> || std::same_as<E, Hugepages> || std::same_as<E, RouteKind> ||
                 std::same_as<E, ReversePath> || std::same_as<E, OuterTag> || std::same_as<E, tcp::Algorithm>;

// --- values with a form of their own
template <class T>
struct Codec;

template <>
struct Codec<IpAddr> {
  static constexpr const char* right = "an address like 198.18.0.1";
  static constexpr const char* pattern = "^[0-9a-fA-F.:]+$";
  static std::optional<IpAddr> parse(std::string_view t) { return parse_ip(t); }
  static std::string text(const IpAddr& a) { return to_text(a); }
};
template <>
struct Codec<Prefix> {
  static constexpr const char* right = "an address and a prefix length like 198.18.0.1/24";
  static constexpr const char* pattern = "^[0-9a-fA-F.:]+/[0-9]+$";
  static std::optional<Prefix> parse(std::string_view t) { return parse_prefix(t); }
  static std::string text(const Prefix& p) { return to_text(p); }
};
template <>
struct Codec<Endpoint> {
  static constexpr const char* right =
      "an address and a port from 1 to 65535 like 198.18.0.1:53 or [2001:2::1]:53";
  static constexpr const char* pattern = "^([0-9.]+|\\[[0-9a-fA-F.:]+\\]):[0-9]+$";
  static std::optional<Endpoint> parse(std::string_view text);
  static std::string text(const Endpoint& e);
};
template <>
struct Codec<Mac> {
  static constexpr const char* right = "the MAC address of one station like 02:00:00:00:00:01";
  static constexpr const char* pattern = "^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$";
  static std::optional<Mac> parse(std::string_view text);  // no group address, not all zero
  static std::string text(const Mac& m);
};
template <>
struct Codec<MssClamp> {
  static constexpr const char* right = "off, mtu or a whole number from 536 to 8960";
  static constexpr const char* pattern = "^(off|mtu|[0-9]+)$";
  static std::optional<MssClamp> parse(std::string_view text);
  static std::string text(const MssClamp& c);
};

// --- kinds of text. `pattern` is what `fits` demands or less: the schema cannot say all.
struct TextKind {
  const char* right;
  const char* pattern;
  bool (*fits)(std::string_view);
};
extern const TextKind port_name, vrf_name, domain_name, host_name, file_path;

// --- devices: the key of each kind in the YAML and what stands behind it
struct DeviceForm {
  const char* name;
  io::DeviceKind kind;
  const char* help;
  TextKind target;
};
std::span<const DeviceForm> device_forms();
const DeviceForm& form_of(io::DeviceKind kind);
extern const TextKind device_args;

}  // namespace sluice::config

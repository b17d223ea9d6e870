// SPDX-License-Identifier: Apache-2.0
#include "wire/ip_addr.h"

#include <arpa/inet.h>

#include <charconv>

namespace sluice {

std::optional<IpAddr> parse_ip(std::string_view text) {
  const std::string z{text};
  std::array<uint8_t, 16> raw{};
  if (inet_pton(AF_INET, z.c_str(), raw.data()) == 1) return Ip4Addr::load(raw.data());
  if (inet_pton(AF_INET6, z.c_str(), raw.data()) == 1) return Ip6Addr::load(raw.data());
  return std::nullopt;
}

std::optional<Prefix> parse_prefix(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto addr = parse_ip(text.substr(0, slash));
  if (!addr) return std::nullopt;
  const std::string_view digits = text.substr(slash + 1);
  unsigned length = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  if (length > (addr->is_v4() ? 32u : 128u)) return std::nullopt;
  return Prefix{*addr, static_cast<uint8_t>(length)};
}

std::string to_text(const IpAddr& a) {
  char text[INET6_ADDRSTRLEN];
  if (a.is_v4())
    inet_ntop(AF_INET, a.bytes().data() + 12, text, sizeof text);
  else
    inet_ntop(AF_INET6, a.bytes().data(), text, sizeof text);
  return text;
}

std::string to_text(const Prefix& p) { return to_text(p.addr) + "/" + std::to_string(p.length); }

}  // namespace sluice

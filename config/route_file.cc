// SPDX-License-Identifier: Apache-2.0
#include "config/route_file.h"

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "config/codec.h"
#include "config/nearest.h"

namespace sluice::config {
namespace {

constexpr const char* line_right = "'PREFIX via GATEWAY', 'PREFIX dev PORT' or 'blackhole PREFIX'";

constexpr size_t ways_most = 64;  // ip::Spread's

constexpr bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string shown(std::string_view text) {
  std::string all{text.substr(0, 80)};
  std::ranges::replace_if(all, [](char c) { return c < ' ' || c == 127; }, '?');
  return "'" + all + (text.size() > 80 ? "...'" : "'");
}

// Dotted quad and length, the form of nearly every line; nothing when it is anything else.
std::optional<Prefix> plain_prefix(std::string_view text) {
  const char *at = text.data(), *const end = at + text.size();
  uint32_t v = 0;
  for (int i = 0; i < 5; ++i) {
    unsigned part = 0;
    const char* const start = at;
    while (at != end && *at >= '0' && *at <= '9' && at - start < 3)
      part = part * 10 + static_cast<unsigned>(*at++ - '0');
    if (at == start || (at - start > 1 && *start == '0')) return std::nullopt;
    if (i == 4) {
      if (at != end || part > 32) return std::nullopt;
      return Prefix{Ip4Addr{v}, static_cast<uint8_t>(part)};
    }
    if (part > 255 || at == end || *at != (i < 3 ? '.' : '/')) return std::nullopt;
    v = v << 8 | part;
    ++at;
  }
  return std::nullopt;
}

// Also a bare address, which is a host, and "default".
std::optional<Prefix> any_prefix(std::string_view text) {
  if (const auto p = plain_prefix(text)) return p;
  if (text == "default") return Prefix{Ip4Addr{}, 0};
  if (text.size() > 64) return std::nullopt;
  if (const auto p = parse_prefix(text)) return p;
  if (const auto a = parse_ip(text)) return Prefix{*a, static_cast<uint8_t>(a->is_v4() ? 32 : 128)};
  return std::nullopt;
}

Prefix without_host_bits(const Prefix& p) {
  if (p.addr.is_v4()) return {Ip4Addr{p.addr.v4().v & Ip4Addr::mask(p.length).v}, p.length};
  Ip6Addr a = p.addr.v6();
  for (size_t i = 0; i < a.b.size(); ++i) {
    const int kept = std::clamp(p.length - static_cast<int>(8 * i), 0, 8);
    a.b[i] = static_cast<uint8_t>(a.b[i] & 0xff << (8 - kept));
  }
  return {a, p.length};
}

class Parser {
 public:
  Parser(std::string_view text, RouteFile& out, std::vector<Complaint>& complaints)
      : text_{text}, out_{out}, complaints_{complaints} {}

  void run() {
    out_.routes.reserve(static_cast<size_t>(std::ranges::count(text_, '\n')) + 1);
    for (size_t at = 0; at < text_.size();) {
      const size_t end = std::min(text_.find('\n', at), text_.size());
      ++line_number_;
      line_ = text_.substr(at, end - at);
      line_ = line_.substr(0, line_.find('#'));
      rest_ = line_;
      if (const std::string_view first = word(); !first.empty()) route(first);
      if (complaints_.size() >= route_file_complaints_max) {
        complaints_.push_back({line_number_ + 1, 1, "the rest was not read", "a file with fewer errors"});
        return;
      }
      at = end + 1;
    }
  }

 private:
  void add(std::string_view at, std::string wrong, std::string right) {
    complaints_.push_back(
        {line_number_, static_cast<int>(at.data() - line_.data()) + 1, std::move(wrong), std::move(right)});
  }
  // The next word of the line, empty (at its end) when there is none.
  std::string_view word() {
    while (!rest_.empty() && is_space(rest_.front())) rest_.remove_prefix(1);
    size_t n = 0;
    while (n < rest_.size() && !is_space(rest_[n])) ++n;
    const std::string_view w = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return w;
  }

  void route(std::string_view first) {
    for (const auto& [name, kind] : choices<RouteKind>()) {
      if (kind == RouteKind::Forward || first != name) continue;
      const std::string_view to = word();
      if (to.empty()) return add(to, "the line ends behind " + shown(first), "a prefix");
      const auto prefix = destination(to);
      if (const auto more = word(); !more.empty())
        return add(more, "a route that refuses ends with its prefix, and not with " + shown(more), "nothing");
      if (prefix) put(*prefix, way(first, [&](RouteWay& w) { return w.kind = kind, true; }));
      return;
    }
    const auto prefix = destination(first);
    if (!prefix) return;
    while (!rest_.empty() && is_space(rest_.front())) rest_.remove_prefix(1);
    while (!rest_.empty() && is_space(rest_.back())) rest_.remove_suffix(1);
    const auto by = way(rest_, [&](RouteWay& w) { return read_way(w); });
    // `ip -6 route` writes "default" too: of which family it is, its gateway says.
    const bool six =
        first == "default" && by && out_.ways[*by].hops[0].via && !out_.ways[*by].hops[0].via->is_v4();
    put(six ? Prefix{Ip6Addr{}, 0} : *prefix, by);
  }

  std::optional<Prefix> destination(std::string_view text) {
    const auto prefix = any_prefix(text);
    if (!prefix) {
      const std::string close =
          nearest(std::string{text.substr(0, 32)}, {"default", "blackhole", "unreachable", "prohibit"});
      add(text, shown(text) + " is no prefix", close.empty() ? Codec<Prefix>::right : "'" + close + "'");
      return std::nullopt;
    }
    const Prefix net = without_host_bits(*prefix);
    if (net == *prefix) return prefix;
    add(text, to_text(*prefix) + " has bits beyond its prefix", to_text(net));
    return std::nullopt;
  }

  // What is said behind the prefix, read once however often it is repeated; the first line answers for it.
  template <class F>
  std::optional<uint32_t> way(std::string_view text, F&& read) {
    const auto [known, fresh] = ways_.try_emplace(text, std::nullopt);
    if (!fresh) return known->second;
    RouteWay w{.line = line_number_, .column = static_cast<int>(text.data() - line_.data()) + 1};
    if (!read(w)) return std::nullopt;
    known->second = static_cast<uint32_t>(out_.ways.size());
    out_.ways.push_back(std::move(w));
    return ways_[text];
  }

  // via GATEWAY [dev PORT], once or several times, or dev PORT; then src ADDRESS, if at all.
  bool read_way(RouteWay& w) {
    const std::string_view whole = rest_;
    if (whole.empty()) return add(whole, "the route leads nowhere", line_right), false;
    for (std::string_view key = word(); !key.empty(); key = word()) {
      if (key != "via" && key != "dev" && key != "src") {
        const std::string close = nearest(std::string{key.substr(0, 32)}, {"via", "dev", "src"});
        return add(key, "unknown word " + shown(key), close.empty() ? line_right : "'" + close + "'"), false;
      }
      const std::string_view value = word();
      const char* const right = key == "dev" ? port_name.right : Codec<IpAddr>::right;
      if (value.empty()) return add(value, "the line ends behind " + shown(key), right), false;
      if (key == "dev" ? !port(w, key, value) : !address(w, key, value)) return false;
    }
    if (w.hops.empty()) return add(whole, "the route leads nowhere", line_right), false;
    return true;
  }
  bool port(RouteWay& w, std::string_view key, std::string_view value) {
    if (!port_name.fits(value))
      return add(value, shown(value) + " is no name of a port", port_name.right), false;
    if (w.hops.empty()) w.hops.emplace_back();
    if (w.hops.back().port) return add(key, "a second " + shown(key), "one for each 'via'"), false;
    w.hops.back().port = std::string{value};
    return true;
  }
  bool address(RouteWay& w, std::string_view key, std::string_view value) {
    const auto a = value.size() <= 64 ? parse_ip(value) : std::nullopt;
    if (!a) return add(value, shown(value) + " is no address", Codec<IpAddr>::right), false;
    if (key == "src") {
      if (w.source) return add(key, "a second " + shown(key), "one"), false;
      w.source = a;
      return true;
    }
    if (!w.hops.empty() && !w.hops.back().via)
      return add(key, "'via' stands behind 'dev'", "'via GATEWAY dev PORT'"), false;
    if (w.hops.size() == ways_most)
      return add(key, "more ways than " + std::to_string(ways_most), "fewer"), false;
    w.hops.push_back({.via = a});
    return true;
  }

  void put(const Prefix& to, std::optional<uint32_t> way) {
    if (way) out_.routes.push_back({to, *way, static_cast<uint32_t>(line_number_)});
  }

  std::string_view text_, line_, rest_;
  int line_number_ = 0;
  RouteFile& out_;
  std::vector<Complaint>& complaints_;
  std::unordered_map<std::string_view, std::optional<uint32_t>> ways_;
};

}  // namespace

RouteFile parse_route_file(std::string_view text, std::string name, std::vector<Complaint>& out) {
  RouteFile file{.name = std::move(name)};
  Parser{text, file, out}.run();
  return file;
}

}  // namespace sluice::config

// SPDX-License-Identifier: Apache-2.0
#include "http/h1_parse.h"

#include <algorithm>

#include "http/h1_lines.h"

namespace sluice::http {
namespace {

using h1::Cursor;
using h1::Step;

Method method_of(std::string_view name) {
  switch (name.size()) {
    case 3:
      return name == "GET" ? Method::Get : name == "PUT" ? Method::Put : Method::Other;
    case 4:
      return name == "HEAD" ? Method::Head : name == "POST" ? Method::Post : Method::Other;
    case 5:
      return name == "PATCH" ? Method::Patch : name == "TRACE" ? Method::Trace : Method::Other;
    case 6:
      return name == "DELETE" ? Method::Delete : Method::Other;
    case 7:
      return name == "OPTIONS" ? Method::Options : name == "CONNECT" ? Method::Connect : Method::Other;
    default:
      return Method::Other;
  }
}

// Visible ASCII but '#': a fragment is never sent (RFC 9112 §3.2). Octets that RFC 3986 wants encoded
// ("<>^`{|}\) are let through here, as browsers send them; the path decoder has its own opinion.
constexpr bool is_target_octet(uint8_t c) { return c > 0x20 && c < 0x7f && c != '#'; }

// RFC 3986 §3.2.2: what a reg-name is made of.
constexpr std::array<bool, 256> host_octets = [] {
  std::array<bool, 256> t = h1::token_octets;
  for (const char c : std::string_view{"(),;="}) t[static_cast<uint8_t>(c)] = true;
  for (const char c : std::string_view{"#^`|"}) t[static_cast<uint8_t>(c)] = false;
  return t;
}();

// uri-host [":" port], RFC 3986 §3.2.2. Loose about what a reg-name means, strict about its octets: none that
// could end the host for another reader.
bool is_authority(std::string_view a) {
  size_t host = 0;
  if (!a.empty() && a[0] == '[') {
    const size_t close = a.find(']');
    if (close == std::string_view::npos || close < 3) return false;
    for (const char c : a.substr(1, close - 1))
      if (std::string_view{"0123456789abcdefABCDEF:."}.find(c) == std::string_view::npos) return false;
    host = close + 1;
  } else {
    while (host < a.size() && a[host] != ':') {
      if (!host_octets[static_cast<uint8_t>(a[host])]) return false;
      ++host;
    }
  }
  if (host == 0) return false;
  if (host == a.size()) return true;
  return a[host] == ':' && a.size() - host <= 6 &&
         std::all_of(a.begin() + static_cast<long>(host) + 1, a.end(),
                     [](char c) { return c >= '0' && c <= '9'; });
}

// "HTTP/" DIGIT "." DIGIT, RFC 9112 §2.3.
Step version(Cursor& c, uint8_t& minor) {
  static constexpr std::string_view shape = "HTTP/";
  for (size_t i = 0; i < 8; ++i) {
    if (i == c.left()) return Step::More;
    const uint8_t o = c.p[i];
    const bool fits = i < 5 ? o == static_cast<uint8_t>(shape[i]) : i == 6 ? o == '.' : o >= '0' && o <= '9';
    if (!fits) return c.bad(o == '\n' ? Counter::http_bad_line_end : Counter::http_bad_request_line);
  }
  if (c.p[5] != '1') return c.bad(Counter::http_version_unsupported);
  minor = c.p[7] == '0' ? 0 : 1;  // a higher minor version is answered as the highest we know
  c.p += 8;
  return Step::Done;
}

void split_query(std::string_view path, Request& r) {
  const size_t mark = path.find('?');
  r.path = path.substr(0, mark);
  r.query = mark == std::string_view::npos ? std::string_view{} : path.substr(mark + 1);
}

// RFC 9112 §3.2.
Step target_form(Cursor& c, Request& r) {
  if (r.method == Method::Connect)  // §3.2.3
    return is_authority(r.authority = r.target) ? Step::Done : c.bad(Counter::http_bad_target);
  if (r.target[0] == '/') {  // §3.2.1
    split_query(r.target, r);
    return Step::Done;
  }
  if (r.target == "*") {  // §3.2.4
    r.path = r.target;
    return r.method == Method::Options ? Step::Done : c.bad(Counter::http_bad_target);
  }
  // §3.2.2
  if (r.target.size() <= 7 || !equals_ignoring_case(r.target.substr(0, 7), "http://"))
    return c.bad(Counter::http_bad_target);
  const std::string_view rest = r.target.substr(7);
  const size_t end = std::min(rest.find_first_of("/?"), rest.size());
  r.authority = rest.substr(0, end);
  split_query(rest.substr(end), r);
  if (r.path.empty()) r.path = r.method == Method::Options && r.query.empty() ? "*" : "/";
  return is_authority(r.authority) ? Step::Done : c.bad(Counter::http_bad_target);
}

Step request_line(Cursor& c, const Options& o, Request& r) {
  // One empty line is forgiven: old clients send it behind a body (§2.2).
  if (c.left() > 0 && *c.p == '\r')
    if (const Step s = h1::line_end(c, Counter::http_bad_line_end); s != Step::Done) return s;
  const uint8_t* start = c.p;
  while (c.p != c.end && h1::token_octets[*c.p]) ++c.p;
  if (c.p == c.end) return Step::More;
  if (*c.p != ' ' || c.p == start)
    return c.bad(*c.p == '\n' ? Counter::http_bad_line_end : Counter::http_bad_request_line);
  r.method_name = h1::text(start, c.p++);
  r.method = method_of(r.method_name);

  start = c.p;
  while (c.p != c.end && is_target_octet(*c.p)) {
    ++c.p;
    if (static_cast<size_t>(c.p - start) > o.target_max) return c.bad(Counter::http_target_too_long);
  }
  if (c.p == c.end) return Step::More;
  if (*c.p == '\n' || *c.p == '\r') return c.bad(Counter::http_bad_request_line);  // HTTP/0.9 among others
  if (*c.p != ' ') return c.bad(Counter::http_bad_target);
  if (c.p == start) return c.bad(Counter::http_bad_request_line);
  r.target = h1::text(start, c.p++);

  if (const Step s = version(c, r.minor); s != Step::Done) return s;
  if (const Step s = h1::line_end(c, Counter::http_bad_request_line); s != Step::Done) return s;
  return target_form(c, r);
}

// A request under its fields: what was seen of those that mean something to us.
struct Seen {
  h1::FramingFields framing;
  std::string_view host;
  uint8_t hosts = 0, none_matches = 0, modified_sinces = 0;
  bool expect = false;
};

Step on_field(Cursor& c, Seen& seen, Request& r, std::string_view name, std::string_view value) {
  switch (name.size()) {
    case 4:
      if (!equals_ignoring_case(name, "host")) break;
      if (++seen.hosts > 1) return c.bad(Counter::http_bad_host);
      seen.host = value;
      break;
    case 6:
      if (!equals_ignoring_case(name, "expect")) break;
      if (!equals_ignoring_case(value, "100-continue")) return c.bad(Counter::http_expectation_unknown);
      seen.expect = true;
      break;
    case 13:
      if (!equals_ignoring_case(name, "if-none-match")) break;
      r.if_none_match = seen.none_matches++ == 0 ? value : std::string_view{};
      if (seen.none_matches > 1) seen.none_matches = 2;
      break;
    case 17:
      if (!equals_ignoring_case(name, "if-modified-since")) return seen.framing.take(c, name, value);
      r.if_modified_since = seen.modified_sinces++ == 0 ? value : std::string_view{};
      if (seen.modified_sinces > 1) seen.modified_sinces = 2;
      break;
    default:
      return seen.framing.take(c, name, value);
  }
  return Step::Done;
}

// What only the whole head tells.
Step check_request(Cursor& c, const Options& o, const Seen& seen, Request& r) {
  // §3.2: exactly one Host in 1.1, and a host in it even when the target's authority overrules it.
  if (seen.hosts == 0 && r.minor != 0) return c.bad(Counter::http_bad_host);
  if (seen.hosts == 1 && !is_authority(seen.host)) return c.bad(Counter::http_bad_host);
  if (r.authority.empty()) r.authority = seen.host;

  const h1::FramingFields& f = seen.framing;
  if (f.has_coding) {
    if (r.minor == 0) return c.bad(Counter::http_bad_transfer_coding);  // §6.1
    if (const Step s = f.check_coding(c); s != Step::Done) return s;
    r.framing = Framing::Chunked;
  } else if (f.length != 0) {
    if (f.length > o.body_max) return c.bad(Counter::http_body_too_large);
    r.framing = Framing::Length;
    r.content_length = f.length;
  }
  r.persistent = !f.close && (r.minor != 0 || f.keep_alive);  // §9.3
  r.expect_continue = seen.expect && r.minor != 0 && r.framing != Framing::None;
  return Step::Done;
}

}  // namespace

Result<size_t> parse_request(Bytes in, const Options& o, Request& r) {
  const bool full = in.size() >= o.head_max;
  if (full) in = in.first(o.head_max);
  Cursor c{in.data(), in.data() + in.size()};
  r = {};
  Seen seen;
  Step s = request_line(c, o, r);
  if (s == Step::Done)
    s = h1::field_lines(c, o.fields_max, r.field_lines, [&](std::string_view name, std::string_view value) {
      return on_field(c, seen, r, name, value);
    });
  if (s == Step::Done) s = check_request(c, o, seen, r);
  if (s == Step::Done) return static_cast<size_t>(c.p - in.data());
  if (s == Step::Bad) return c.why;
  if (full) return Counter::http_head_too_large;
  return size_t{0};
}

}  // namespace sluice::http

// SPDX-License-Identifier: Apache-2.0
#include "http/h1_response.h"

#include "http/h1_lines.h"

namespace sluice::http {
namespace {

using h1::Cursor;
using h1::Step;

// HTTP-version SP 3DIGIT SP [reason] CRLF, §4. The blank before an empty reason may be missing: many servers
// forget it, and no reader is misled.
Step status_line(Cursor& c, Response& r) {
  static constexpr std::string_view shape = "HTTP/0.0 000";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i == c.left()) return Step::More;
    const uint8_t o = c.p[i];
    if (shape[i] == '0' ? o < '0' || o > '9' : o != static_cast<uint8_t>(shape[i]))
      return c.bad(Counter::http_bad_status_line);
  }
  if (c.p[5] != '1') return c.bad(Counter::http_version_unsupported);
  r.minor = c.p[7] == '0' ? 0 : 1;
  r.status = static_cast<uint16_t>((c.p[9] - '0') * 100 + (c.p[10] - '0') * 10 + (c.p[11] - '0'));
  if (r.status < 100) return c.bad(Counter::http_bad_status_line);
  c.p += shape.size();
  if (c.p == c.end) return Step::More;
  if (*c.p == ' ') {
    const uint8_t* const from = ++c.p;
    c.p += scan_field_text(c.p, c.left());
    r.reason = h1::text(from, c.p);
  }
  return h1::line_end(c, Counter::http_bad_status_line);
}

// §6.3, in its order.
Step framing(Cursor& c, const h1::FramingFields& f, Method asked, Response& r) {
  const bool bare = asked == Method::Head || r.status < 200 || r.status == 204 || r.status == 304 ||
                    (asked == Method::Connect && r.status < 300);
  r.persistent = !f.close && (r.minor != 0 || f.keep_alive);
  if (bare) return Step::Done;
  if (f.has_coding) {
    if (r.minor == 0) return c.bad(Counter::http_bad_transfer_coding);
    if (const Step s = f.check_coding(c); s != Step::Done) return s;
    r.framing = Framing::Chunked;
    return Step::Done;
  }
  if (f.has_length) {
    r.framing = f.length == 0 ? Framing::None : Framing::Length;
    r.content_length = f.length;
    return Step::Done;
  }
  r.framing = Framing::UntilClose;
  r.persistent = false;
  return Step::Done;
}

}  // namespace

Result<size_t> parse_response(Bytes in, Method asked, const Options& o, Response& r) {
  const bool full = in.size() >= o.head_max;
  if (full) in = in.first(o.head_max);
  Cursor c{in.data(), in.data() + in.size()};
  r = {};
  h1::FramingFields fields;
  Step s = status_line(c, r);
  if (s == Step::Done)
    s = h1::field_lines(c, o.fields_max, r.field_lines, [&](std::string_view name, std::string_view value) {
      return fields.take(c, name, value);
    });
  if (s == Step::Done) s = framing(c, fields, asked, r);
  if (s == Step::Done) return static_cast<size_t>(c.p - in.data());
  if (s == Step::Bad) return c.why;
  if (full) return Counter::http_head_too_large;
  return size_t{0};
}

}  // namespace sluice::http

// SPDX-License-Identifier: Apache-2.0
// Request heads: what is parsed lies inside the input, and a prefix is never judged otherwise than the whole.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "http/h1_parse.h"
#include "http/path.h"
#include "http/status.h"

using namespace sluice;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const Bytes in{data + 1, size - 1};
  const http::Options o{.head_max = 1024, .target_max = 256, .fields_max = 8};
  http::Request r;
  const auto whole = http::parse_request(in, o, r);
  if (whole) {
    check(*whole <= in.size() && *whole <= o.head_max, "a head lies in its input");
    if (*whole != 0) {
      size_t octets = 0;
      http::for_each_field(r.field_lines,
                           [&](auto name, auto value) { octets += name.size() + value.size(); });
      check(octets <= r.field_lines.size() && r.target.size() <= o.target_max, "fields lie in their lines");
      if (r.path.starts_with('/')) {
        std::vector<uint8_t> scratch(r.path.size());
        if (const auto path = http::normal_path(r.path, scratch)) {
          check(path->starts_with('/') && path->size() <= r.path.size(),
                "a path starts at the root and never grows");
          check((std::string{*path} + "/").find("/../") == std::string::npos &&
                    path->find('\0') == std::string::npos,
                "no path climbs");
        }
      }
    }
  } else {
    check(http::status_of(whole.why()) >= 400, "every refusal has an answer");
  }
  http::Request part;
  const auto prefix = http::parse_request(in.first(in.size() * data[0] / 255), o, part);
  if (!prefix) check(!whole && whole.why() == prefix.why(), "the whole is refused like its prefix");
  if (prefix && *prefix != 0) check(whole && *whole == *prefix, "the whole begins with the same head");
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "http/path.h"

namespace sluice::http {
namespace {

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const int lower = c | 0x20;
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The octet at `at` of `path`, decoded, `at` moved behind it; negative when it is forbidden.
int next_octet(std::string_view path, size_t& at) {
  const char c = path[at++];
  if (c == '\\') return -1;
  if (c != '%') return static_cast<uint8_t>(c);
  if (path.size() - at < 2) return -1;
  const int high = hex(path[at]), low = hex(path[at + 1]);
  if (high < 0 || low < 0) return -1;
  at += 2;
  const int octet = high * 16 + low;
  return octet < 0x20 || octet == 0x7f || octet == '/' || octet == '\\' ? -1 : octet;
}

// Nothing in it to decode, to refuse or to leave out.
bool is_normal(std::string_view path) {
  char before = 0;
  for (const char c : path) {
    if (c == '%' || c == '\\' || (c == '.' && before == '/')) return false;
    before = c;
  }
  return true;
}

}  // namespace

Result<std::string_view> normal_path(std::string_view path, MutBytes scratch) {
  if (is_normal(path)) return path;
  char* const out = reinterpret_cast<char*>(scratch.data());
  size_t n = 0, segment = 0;  // `segment`: where the last '/' of out stands
  size_t at = 0;
  // One turn more than octets: the end closes the last segment like a '/' that is not written.
  for (;;) {
    const bool ended = at == path.size();
    if (ended || path[at] == '/') {
      const std::string_view name{out + segment, n - segment};  // with its '/'
      if (name == "/." || name == "/..") {
        n = segment;
        if (name == "/..") {
          if (n == 0) return Counter::http_bad_path;
          while (out[--n] != '/') continue;
        }
        if (ended) out[n++] = '/';  // "/a/.." names the folder "/"
      }
      if (ended) return std::string_view{out, n};
      segment = n;
      out[n++] = '/';
      ++at;
      continue;
    }
    const int octet = next_octet(path, at);
    if (octet < 0) return Counter::http_bad_path;
    out[n++] = static_cast<char>(octet);
  }
}

}  // namespace sluice::http

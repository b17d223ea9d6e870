// SPDX-License-Identifier: Apache-2.0
#include "http/h1_parse.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "http/scan.h"
#include "http/status.h"

namespace sluice::http {
namespace {

using C = Counter;

struct Bad {
  const char* claim;
  std::string head;
  Counter why;
};

std::string get(const std::string& fields) { return "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n"; }

const std::vector<Bad>& bad_heads() {
  static const std::vector<Bad> table{
      {"no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n", C::http_bad_request_line},
      {"HTTP/0.9", "GET /\r\n\r\n", C::http_bad_request_line},
      {"two blanks", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", C::http_bad_request_line},
      {"blank in target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", C::http_bad_request_line},
      {"blank behind version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", C::http_bad_request_line},
      {"method is no token", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n", C::http_bad_request_line},
      {"leading blank", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", C::http_bad_request_line},
      {"tab for blank", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", C::http_bad_request_line},
      {"lower-case version name", "GET / http/1.1\r\nHost: a\r\n\r\n", C::http_bad_request_line},
      {"long version", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", C::http_bad_request_line},
      {"TLS hello", std::string("\x16\x03\x01\x02\x00\x01\n", 7), C::http_bad_request_line},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", C::http_version_unsupported},
      {"HTTP/3.0", "GET / HTTP/3.0\r\nHost: a\r\n\r\n", C::http_version_unsupported},
      {"bare LF behind request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", C::http_bad_line_end},
      {"bare CR behind request line", "GET / HTTP/1.1\rHost: a\r\n\r\n", C::http_bad_line_end},
      {"bare LF behind field", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", C::http_bad_line_end},
      {"bare CR in field", get("X: a\rb\r\n"), C::http_bad_line_end},
      {"LF ends the head", "GET / HTTP/1.1\r\nHost: a\r\n\n", C::http_bad_line_end},
      {"two empty lines in front", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", C::http_bad_request_line},
      {"target not a path", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", C::http_bad_target},
      {"asterisk without OPTIONS", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", C::http_bad_target},
      {"fragment", "GET /#a HTTP/1.1\r\nHost: a\r\n\r\n", C::http_bad_target},
      {"octet above 127 in target", "GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n", C::http_bad_target},
      {"NUL in target", std::string("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 29), C::http_bad_target},
      {"another scheme", "GET https://a/ HTTP/1.1\r\nHost: a\r\n\r\n", C::http_bad_target},
      {"user in authority", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", C::http_bad_target},
      {"no authority", "GET http:/// HTTP/1.1\r\nHost: a\r\n\r\n", C::http_bad_target},
      {"CONNECT to a path", "CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n", C::http_bad_target},
      {"folded field", get("X: a\r\n b\r\n"), C::http_folded_field},
      {"blank before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", C::http_folded_field},
      {"blank before colon", get("X : a\r\n"), C::http_bad_field_name},
      {"Content-Length with blank before colon", get("Content-Length : 3\r\n"), C::http_bad_field_name},
      {"no colon", get("X\r\n"), C::http_bad_field_name},
      {"empty name", get(": a\r\n"), C::http_bad_field_name},
      {"octet above 127 in name", get("X\xff: a\r\n"), C::http_bad_field_name},
      {"NUL in value", get(std::string("X: a\0b\r\n", 8)), C::http_bad_field_value},
      {"DEL in value", get("X: a\x7f\r\n"), C::http_bad_field_value},
      {"vertical tab before chunked",
       get("Transfer-Encoding: \x0b"
           "chunked\r\n"),
       C::http_bad_field_value},
      {"no Host", "GET / HTTP/1.1\r\n\r\n", C::http_bad_host},
      {"two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", C::http_bad_host},
      {"two Hosts in 1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", C::http_bad_host},
      {"empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", C::http_bad_host},
      {"Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", C::http_bad_host},
      {"Host with a user", "GET / HTTP/1.1\r\nHost: b@a\r\n\r\n", C::http_bad_host},
      {"Host with a blank", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", C::http_bad_host},
      {"Host with a bad port", "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", C::http_bad_host},
      {"a bad Host beside an absolute target", "GET http://a/ HTTP/1.1\r\nHost: x/y\r\n\r\n",
       C::http_bad_host},
      {"Content-Length twice", get("Content-Length: 3\r\nContent-Length: 3\r\n"), C::http_bad_content_length},
      {"Content-Lengths differ", get("Content-Length: 3\r\ncontent-length: 4\r\n"),
       C::http_bad_content_length},
      {"list of lengths", get("Content-Length: 3, 3\r\n"), C::http_bad_content_length},
      {"signed length", get("Content-Length: +3\r\n"), C::http_bad_content_length},
      {"negative length", get("Content-Length: -3\r\n"), C::http_bad_content_length},
      {"hexadecimal length", get("Content-Length: 0x3\r\n"), C::http_bad_content_length},
      {"empty length", get("Content-Length:\r\n"), C::http_bad_content_length},
      {"length past 2^64", get("Content-Length: 18446744073709551617\r\n"), C::http_bad_content_length},
      {"length and chunks", get("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"),
       C::http_length_and_chunked},
      {"chunks and length", get("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"),
       C::http_length_and_chunked},
      {"chunked in 1.0", "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", C::http_bad_transfer_coding},
      {"coding twice", get("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
       C::http_bad_transfer_coding},
      {"chunked is not last", get("Transfer-Encoding: chunked, identity\r\n"), C::http_bad_transfer_coding},
      {"nearly chunked", get("Transfer-Encoding: xchunked\r\n"), C::http_bad_transfer_coding},
      {"gzip, then chunked", get("Transfer-Encoding: gzip, chunked\r\n"), C::http_transfer_coding_unknown},
      {"chunked, then chunked", get("Transfer-Encoding: chunked, chunked\r\n"),
       C::http_transfer_coding_unknown},
      {"content over body_max", get("Content-Length: 1048577\r\n"), C::http_body_too_large},
      {"another expectation", get("Expect: 200-ok\r\n"), C::http_expectation_unknown},
  };
  return table;
}

Result<size_t> parse(std::string_view head, Request& r, const Options& o = {}) {
  return parse_request(as_bytes(head), o, r);
}

TEST(H1Parse, whatever_two_readers_could_understand_differently_is_refused_with_its_reason) {
  for (const Bad& b : bad_heads()) {
    Request r;
    const auto n = parse(b.head, r);
    ASSERT_FALSE(n) << b.claim;
    EXPECT_EQ(n.why(), b.why) << b.claim << ": " << static_cast<int>(n.why());
  }
}

TEST(H1Parse, a_prefix_is_never_judged_otherwise_than_the_whole) {
  for (const Bad& b : bad_heads())
    for (size_t n = 0; n < b.head.size(); ++n) {
      Request r;
      const auto v = parse(std::string_view{b.head}.substr(0, n), r);
      if (v)
        EXPECT_EQ(*v, 0u) << b.claim << " after " << n;
      else
        EXPECT_EQ(v.why(), b.why) << b.claim << " after " << n;
    }
}

TEST(H1Parse, a_browsers_request_is_understood_whole) {
  const std::string head =
      "GET /a/b%20c?x=1&y HTTP/1.1\r\nHost: www.example.test:8080\r\nUser-Agent: Mozilla/5.0 (X11; \xe4)\r\n"
      "Accept: text/html,application/xhtml+xml\r\nIf-None-Match: \"abc\", W/\"d\"\r\n"
      "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\nX-Empty:\r\nConnection: Keep-Alive, x\r\n\r\n";
  Request r;
  const std::string in = head + "GET /next";
  const auto n = parse(in, r);
  ASSERT_TRUE(n);
  EXPECT_EQ(*n, head.size());
  EXPECT_EQ(r.method, Method::Get);
  EXPECT_EQ(r.path, "/a/b%20c");
  EXPECT_EQ(r.query, "x=1&y");
  EXPECT_EQ(r.authority, "www.example.test:8080");
  EXPECT_EQ(r.if_none_match, "\"abc\", W/\"d\"");
  EXPECT_EQ(r.if_modified_since, "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_TRUE(r.persistent);
  EXPECT_EQ(r.framing, Framing::None);
  std::vector<std::pair<std::string, std::string>> fields;
  for_each_field(r.field_lines, [&](auto name, auto value) { fields.emplace_back(name, value); });
  ASSERT_EQ(fields.size(), 7u);
  EXPECT_EQ(fields[0].first, "Host");
  EXPECT_EQ(fields[5], (std::pair<std::string, std::string>{"X-Empty", ""}));
  EXPECT_EQ(fields[6].second, "Keep-Alive, x");
}

TEST(H1Parse, target_forms_name_host_and_path) {
  struct Case {
    const char *method, *target, *authority, *path;
  };
  const Case cases[] = {{"GET", "/", "h", "/"},
                        {"GET", "http://Other.test:81/p?q", "Other.test:81", "/p"},
                        {"GET", "HTTP://other.test", "other.test", "/"},
                        {"GET", "http://other.test?q", "other.test", "/"},
                        {"GET", "http://[2001:2::1]:80/", "[2001:2::1]:80", "/"},
                        {"OPTIONS", "*", "h", "*"},
                        {"OPTIONS", "http://other.test", "other.test", "*"},
                        {"CONNECT", "other.test:443", "other.test:443", ""}};
  for (const Case& c : cases) {
    const std::string head = std::string{c.method} + " " + c.target + " HTTP/1.1\r\nHost: h\r\n\r\n";
    Request r;
    const auto n = parse(head, r);
    ASSERT_TRUE(n) << c.target;
    EXPECT_EQ(*n, head.size());
    EXPECT_EQ(r.authority, c.authority) << c.target;
    EXPECT_EQ(r.path, c.path) << c.target;
  }
}

TEST(H1Parse, persistence_follows_version_and_connection_options) {
  struct Case {
    const char *version, *field;
    bool persistent;
  };
  const Case cases[] = {{"1.1", "", true},
                        {"1.1", "Connection: close\r\n", false},
                        {"1.1", "Connection: x, CLOSE\r\n", false},
                        {"1.1", "Connection: x\r\nConnection: close\r\n", false},
                        {"1.0", "", false},
                        {"1.0", "Connection: keep-alive\r\n", true},
                        {"1.0", "Connection: keep-alive, close\r\n", false},
                        {"1.9", "", true}};
  for (const Case& c : cases) {
    Request r;
    ASSERT_TRUE(parse(std::string{"GET / HTTP/"} + c.version + "\r\nHost: a\r\n" + c.field + "\r\n", r));
    EXPECT_EQ(r.persistent, c.persistent) << c.version << c.field;
  }
  Request r;
  EXPECT_TRUE(parse("GET / HTTP/1.0\r\n\r\n", r)) << "1.0 needs no Host";
}

TEST(H1Parse, bodies_are_framed_by_length_or_chunks) {
  Request r;
  ASSERT_TRUE(parse("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0042\r\nExpect: 100-Continue\r\n\r\n", r));
  EXPECT_EQ(r.framing, Framing::Length);
  EXPECT_EQ(r.content_length, 42u);
  EXPECT_TRUE(r.expect_continue);
  ASSERT_TRUE(parse("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", r));
  EXPECT_EQ(r.framing, Framing::Chunked);
  ASSERT_TRUE(parse(get("Expect: 100-continue\r\n"), r));
  EXPECT_FALSE(r.expect_continue) << "there is no content to wait for";
}

TEST(H1Parse, a_condition_said_twice_is_no_condition) {
  Request r;
  ASSERT_TRUE(parse(get("If-None-Match: \"a\"\r\nIf-None-Match: \"b\"\r\nIf-None-Match: \"c\"\r\n"), r));
  EXPECT_EQ(r.if_none_match, "");
}

TEST(H1Parse, limits_hold_to_the_octet) {
  const Options o{.head_max = 64, .target_max = 16, .fields_max = 2};
  Request r;
  const auto verdict = [&](const std::string& s) {
    const auto v = parse(s, r, o);
    return v ? std::to_string(*v) : std::to_string(status_of(v.why()));
  };
  const std::string short_head = "GET /23456789012345 HTTP/1.1\r\nHost: a\r\n";  // a target of 16, 39 octets
  EXPECT_EQ(verdict(short_head + "\r\n"), std::to_string(short_head.size() + 2));
  EXPECT_EQ(verdict("GET /234567890123456"), "0");
  EXPECT_EQ(verdict("GET /2345678901234567"), "414");
  EXPECT_EQ(verdict("GET / HTTP/1.1\r\nHost: a\r\nB: c\r\n\r\n"), "33");
  EXPECT_EQ(verdict("GET / HTTP/1.1\r\nHost: a\r\nB: c\r\nD:"), "431");
  const std::string filler = "GET / HTTP/1.1\r\nHost: a\r\nB: ";
  EXPECT_EQ(verdict(filler + std::string(64 - 4 - filler.size(), 'x') + "\r\n\r\n"), "64");
  EXPECT_EQ(verdict(filler + std::string(64 - 3 - filler.size(), 'x') + "\r\n\r\n"), "431");
  EXPECT_EQ(verdict(filler + std::string(63 - filler.size(), 'x')), "0");
  EXPECT_EQ(verdict(filler + std::string(64 - filler.size(), 'x')), "431");
}

TEST(Scan, finds_the_first_forbidden_octet_wherever_it_stands) {
  for (int c = 0; c < 256; ++c)
    for (size_t at : {0u, 1u, 15u, 16u, 17u, 31u, 33u}) {
      std::vector<uint8_t> v(40, 'a');
      v[at] = static_cast<uint8_t>(c);
      const bool bad = (c < 0x20 && c != '\t') || c == 0x7f;
      EXPECT_EQ(scan_field_text(v.data(), v.size()), bad ? at : v.size()) << c << " at " << at;
    }
}

}  // namespace
}  // namespace sluice::http

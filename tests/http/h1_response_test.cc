// SPDX-License-Identifier: Apache-2.0
#include "http/h1_response.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::http {
namespace {

using C = Counter;

TEST(H1Response, framing_follows_request_status_and_fields) {
  struct Case {
    const char* claim;
    Method asked;
    const char* head;
    Framing framing;
    uint64_t length;
    bool persistent;
  };
  const Case cases[] = {
      {"length", Method::Get, "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n", Framing::Length, 12, true},
      {"no content", Method::Get, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Framing::None, 0, true},
      {"chunks", Method::Get, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", Framing::Chunked, 0,
       true},
      {"up to the end", Method::Get, "HTTP/1.1 200 OK\r\n\r\n", Framing::UntilClose, 0, false},
      {"HEAD", Method::Head, "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n", Framing::None, 0, true},
      {"304", Method::Get, "HTTP/1.1 304 Not Modified\r\nContent-Length: 12\r\n\r\n", Framing::None, 0, true},
      {"204", Method::Get, "HTTP/1.1 204 No Content\r\n\r\n", Framing::None, 0, true},
      {"100", Method::Get, "HTTP/1.1 100 Continue\r\n\r\n", Framing::None, 0, true},
      {"CONNECT", Method::Connect, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Framing::None, 0,
       true},
      {"close", Method::Get, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\n",
       Framing::Length, 1, false},
      {"1.0", Method::Get, "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n", Framing::Length, 1, false},
      {"1.0 that goes on", Method::Get,
       "HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\n", Framing::Length, 1, true},
      {"no reason", Method::Get, "HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\n", Framing::Length, 1, true},
      {"no blank either", Method::Get, "HTTP/1.1 200\r\nContent-Length: 1\r\n\r\n", Framing::Length, 1, true},
  };
  for (const Case& c : cases) {
    const std::string head = c.head;
    Response r;
    const auto n = parse_response(as_bytes(head + "rest"), c.asked, {}, r);
    ASSERT_TRUE(n) << c.claim;
    EXPECT_EQ(*n, head.size()) << c.claim;
    EXPECT_EQ(r.framing, c.framing) << c.claim;
    EXPECT_EQ(r.content_length, c.length) << c.claim;
    EXPECT_EQ(r.persistent, c.persistent) << c.claim;
    for (size_t cut = 0; cut < head.size(); ++cut) {
      const auto part = parse_response(as_bytes(head.substr(0, cut)), c.asked, {}, r);
      ASSERT_TRUE(part) << c.claim << " after " << cut;
      EXPECT_EQ(*part, 0u) << c.claim << " after " << cut;
    }
  }
}

TEST(H1Response, malformed_heads_are_refused_with_their_reason) {
  struct Case {
    const char* head;
    Counter why;
  };
  const Case cases[] = {
      {"HTTP/1.1 20 OK\r\n\r\n", C::http_bad_status_line},
      {"HTTP/1.1 2000 OK\r\n\r\n", C::http_bad_status_line},
      {"HTTP/1.1 099 No\r\n\r\n", C::http_bad_status_line},
      {"HTTP/1.1  200 OK\r\n\r\n", C::http_bad_status_line},
      {"ICY 200 OK\r\n\r\n", C::http_bad_status_line},
      {"HTTP/2.0 200 OK\r\n\r\n", C::http_version_unsupported},
      {"HTTP/1.1 200 OK\n\r\n", C::http_bad_line_end},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", C::http_bad_content_length},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       C::http_length_and_chunked},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", C::http_bad_transfer_coding},
      {"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", C::http_bad_field_name},
      {"HTTP/1.1 200 OK\r\n A: b\r\n\r\n", C::http_folded_field},
  };
  for (const Case& c : cases) {
    Response r;
    const auto n = parse_response(as_bytes(c.head), Method::Get, {}, r);
    ASSERT_FALSE(n) << c.head;
    EXPECT_EQ(n.why(), c.why) << c.head;
  }
}

TEST(H1Response, a_client_reads_head_content_and_the_next_head) {
  const std::string in =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nHTTP/1.1 404 Not Found\r\n";
  Response r;
  const auto n = parse_response(as_bytes(in), Method::Get, {}, r);
  ASSERT_TRUE(n);
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(r.reason, "OK");
  Body body = body_of(r, 1000);
  std::string_view rest = std::string_view{in}.substr(*n);
  std::string content;
  while (!body.done()) {
    const auto s = body.take(as_bytes(rest));
    ASSERT_TRUE(s);
    content += rest.substr(s->framing, s->content);
    rest.remove_prefix(s->framing + s->content);
  }
  EXPECT_EQ(content, "abc");
  EXPECT_TRUE(rest.starts_with("HTTP/1.1 404"));
}

}  // namespace
}  // namespace sluice::http

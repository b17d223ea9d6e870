// SPDX-License-Identifier: Apache-2.0
#include "serve/site.h"

#include <algorithm>

#include "http/date.h"
#include "http/path.h"

namespace sluice::serve {
namespace {

using http::Method;

constexpr std::string_view allow = "Allow: GET, HEAD, OPTIONS\r\n";
constexpr size_t name_max = 255;  // octets of a host name, RFC 1035 §2.3.4

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// Host without port and without the root's dot.
std::string_view host_of(std::string_view authority) {
  if (!authority.starts_with('['))
    authority = authority.substr(0, authority.find(':'));
  else
    authority = authority.substr(0, authority.find(']') + 1);
  if (authority.ends_with('.')) authority.remove_suffix(1);
  return authority;
}

// RFC 9110 §13.1.2, weak comparison.
bool names_tag(std::string_view list, std::string_view tag) {
  if (list == "*") return true;
  bool found = false;
  http::for_each_element(list, [&](std::string_view e) {
    if (e.starts_with("W/")) e.remove_prefix(2);
    found |= e == tag;
  });
  return found;
}

// §13.2.2, as far as it concerns GET and HEAD of something that is there.
bool unchanged(const http::Request& q, const Resource& r) {
  if (!q.if_none_match.empty()) return names_tag(q.if_none_match, {r.etag.data(), r.etag.size()});
  if (q.if_modified_since.empty()) return false;
  const auto since = http::parse_date(q.if_modified_since);
  return since && r.modified <= *since;
}

Reply whole(uint32_t content, const Resource& r, bool without_content) {
  return {r.status, content, &r, 0, without_content ? r.head : r.size};
}

}  // namespace

Sites::Sites() {
  Content& pages = *contents_.emplace_back(std::make_unique<Content>());
  for (const auto& [code, reason, counter] : http::status_lines) {
    if (code < 400) continue;
    const std::string title = std::to_string(code) + " " + std::string{reason};
    const std::string text = "<!doctype html><title>" + title + "</title><h1>" + title + "</h1>\n";
    std::string fields = "Content-Type: text/html; charset=utf-8\r\n";
    if (code == 405) fields += allow;
    ok_ = ok_ && pages.add(std::to_string(code), code, fields, text);
  }
  ok_ = ok_ && pages.add("OPTIONS", 200, allow, "");
  if (!ok_) return;
  for (size_t i = 0; i < pages_.size(); ++i)
    pages_[i] = pages.find(std::to_string(http::status_lines[i].code));
  options_ = pages.find("OPTIONS");
}

void Sites::add(const std::vector<std::string>& names, std::unique_ptr<Content> content) {
  const auto index = static_cast<uint32_t>(contents_.size());
  contents_.push_back(std::move(content));
  for (const std::string& name : names) {
    std::string key{host_of(name)};
    std::ranges::transform(key, key.begin(), lower);
    by_name_.try_emplace(std::move(key), index);
  }
}

uint32_t Sites::site_of(std::string_view authority) const {
  if (contents_.size() == 2) return 1;  // the pages and one site, which has every name
  const std::string_view host = host_of(authority);
  std::array<char, name_max> key;
  if (host.size() > key.size()) return 1;
  std::ranges::transform(host, key.begin(), lower);
  const auto found = by_name_.find(std::string_view{key.data(), host.size()});
  return found == by_name_.end() ? 1 : found->second;
}

Reply Sites::refusal(uint16_t status, bool without_content) const {
  return whole(0, *pages_[http::status_index(status)], without_content);
}

Reply Sites::answer(const http::Request& q, MutBytes scratch, Counters& count) const {
  const bool head = q.method == Method::Head;
  if (q.method == Method::Other) return refusal(501);  // RFC 9110 §9.1
  if (q.method == Method::Options) return whole(0, *options_, false);
  if (!head && q.method != Method::Get) return refusal(405);

  const Result<std::string_view> path = http::normal_path(q.path, scratch);
  if (!path) {
    count.add(path.why());
    return refusal(400, head);
  }
  const uint32_t site = site_of(q.authority);
  const Resource* r = contents_[site]->find(*path);
  if (r == nullptr) return refusal(404, head);
  if (r->status == 200 && unchanged(q, *r)) return {304, site, r, r->validators, r->head - r->validators};
  return whole(site, *r, head);
}

}  // namespace sluice::serve

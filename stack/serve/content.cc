// SPDX-License-Identifier: Apache-2.0
#include "serve/content.h"

#include <utility>

#include "base/siphash.h"
#include "http/date.h"

namespace sluice::serve {
namespace {

// An ETag names content across restarts and machines, so its key is no secret and never changes.
constexpr SipKey etag_key{0x736c756963652065, 0x7461672031000000};

std::array<char, 18> etag_of(Bytes content) {
  static constexpr char hex[] = "0123456789abcdef";
  const uint64_t h = siphash13(etag_key, content);
  std::array<char, 18> tag;
  tag.front() = tag.back() = '"';
  for (size_t i = 0; i < 16; ++i) tag[i + 1] = hex[(h >> (60 - 4 * i)) & 15];
  return tag;
}

std::string length_field(size_t octets) { return "Content-Length: " + std::to_string(octets) + "\r\n"; }

}  // namespace

bool Content::add_file(std::string path, std::string_view media_type, Bytes content, int64_t modified) {
  Resource r{.modified = modified, .etag = etag_of(content)};
  std::string head = "Content-Type: " + std::string{media_type} + "\r\n" + length_field(content.size()) +
                     "X-Content-Type-Options: nosniff\r\n";
  r.validators = static_cast<uint32_t>(head.size());
  const http::DateText date = http::date_text(modified);
  head += "ETag: " + std::string{r.etag.data(), r.etag.size()} + "\r\n";
  head += "Last-Modified: " + std::string{date.data(), date.size()} + "\r\n\r\n";
  return store(std::move(path), r, head, content);
}

bool Content::add(std::string path, uint16_t status, std::string_view fields, std::string_view content) {
  const std::string head = std::string{fields} + length_field(content.size()) + "\r\n";
  const Resource r{.status = status, .validators = static_cast<uint32_t>(head.size())};
  return store(std::move(path), r, head, as_bytes(content));
}

bool Content::store(std::string path, Resource r, std::string_view head, Bytes content) {
  std::vector<uint8_t> all;
  all.reserve(head.size() + content.size());
  all.insert(all.end(), head.begin(), head.end());
  all.insert(all.end(), content.begin(), content.end());
  auto memory = std::make_unique<buf::ContentMemory>(all);
  if (!memory->ok()) return false;
  r.first_piece = pieces_;
  r.head = static_cast<uint32_t>(head.size());
  r.size = all.size();
  pieces_ += static_cast<uint32_t>((all.size() + buf::ContentMemory::piece - 1) / buf::ContentMemory::piece);
  by_path_.insert_or_assign(std::move(path), static_cast<uint32_t>(resources_.size()));
  resources_.push_back(r);
  memory_.push_back(std::move(memory));
  return true;
}

void Content::alias(std::string path, std::string_view of) {
  by_path_.insert_or_assign(std::move(path), by_path_.find(of)->second);
}

const Resource* Content::find(std::string_view path) const {
  const auto found = by_path_.find(path);
  return found == by_path_.end() ? nullptr : &resources_[found->second];
}

LineVector<buf::Chunk> Content::chunks() const {
  LineVector<buf::Chunk> all;
  all.reserve(pieces_);
  for (const auto& memory : memory_)
    for (const buf::Chunk& c : memory->chunks()) all.push_back(c);
  return all;
}

}  // namespace sluice::serve

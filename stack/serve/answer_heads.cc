// SPDX-License-Identifier: Apache-2.0
#include "serve/answer_heads.h"

#include <cstring>
#include <string_view>

#include "base/check.h"
#include "http/date.h"

namespace sluice::serve {
namespace {

constexpr std::string_view go_on_line = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr std::string_view connection_fields[] = {"", "Connection: keep-alive\r\n", "Connection: close\r\n"};

// Of one chunk, with the longest Connection field.
constexpr size_t octets_of_all() {
  size_t n = 0;
  for (const auto& s : http::status_lines)
    n += go_on_line.size() + 9 + 4 + s.reason.size() + 2 + 37 + connection_fields[1].size();
  return n;
}
static_assert(octets_of_all() <= buf::ChunkPool::chunk_size);

}  // namespace

AnswerHeads::AnswerHeads(buf::ChunkPool& pool) : pool_{pool} {
  for (size_t i = 0; i < endings; ++i) {
    buf::Chunk* chunk = pool.alloc();
    check(chunk != nullptr, "the pool has chunks at start");
    write(*chunk, Ending{static_cast<uint8_t>(i)}, second_, parts_[i]);
    whole_[i] = buf::Slice{*chunk, 0, chunk->size};
  }
}

bool AnswerHeads::refresh(int64_t unix_seconds) {
  if (unix_seconds == second_) return true;
  std::array<buf::Chunk*, endings> chunks{};
  for (size_t i = 0; i < endings; ++i) {
    buf::Chunk* const now = whole_[i].chunk();
    chunks[i] = now->refs == 1 ? now : pool_.alloc();  // nobody else reads it: write over it
    if (chunks[i] != nullptr) continue;
    for (size_t back = 0; back < i; ++back)
      if (chunks[back] != whole_[back].chunk()) buf::Slice{*chunks[back], 0, 0};  // dies: back to its pool
    return false;
  }
  for (size_t i = 0; i < endings; ++i) {
    write(*chunks[i], Ending{static_cast<uint8_t>(i)}, unix_seconds, parts_[i]);
    if (chunks[i] != whole_[i].chunk()) whole_[i] = buf::Slice{*chunks[i], 0, chunks[i]->size};
  }
  second_ = unix_seconds;
  return true;
}

void AnswerHeads::write(buf::Chunk& chunk, Ending ending, int64_t unix_seconds, Parts& parts) {
  uint32_t at = 0;
  const auto put = [&](std::string_view s) {
    std::memcpy(chunk.data + at, s.data(), s.size());
    at += static_cast<uint32_t>(s.size());
  };
  const http::DateText date = http::date_text(unix_seconds);
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto& s = http::status_lines[i];
    put(go_on_line);
    parts[i].at = at;
    const char code[] = {static_cast<char>('0' + s.code / 100), static_cast<char>('0' + s.code / 10 % 10),
                         static_cast<char>('0' + s.code % 10), ' '};
    put("HTTP/1.1 ");
    put({code, sizeof code});
    put(s.reason);
    put("\r\nDate: ");
    put({date.data(), date.size()});
    put("\r\n");
    put(connection_fields[static_cast<size_t>(ending)]);
    parts[i].length = at - parts[i].at;
  }
}

buf::Slice AnswerHeads::head(uint16_t status, Ending ending, bool go_on) const {
  const auto e = static_cast<size_t>(ending);
  const Part& p = parts_[e][http::status_index(status)];
  const auto before = go_on ? static_cast<uint32_t>(go_on_line.size()) : 0;
  return whole_[e].clone(p.at - before, p.length + before);
}

}  // namespace sluice::serve

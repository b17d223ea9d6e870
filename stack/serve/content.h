// SPDX-License-Identifier: Apache-2.0
// Answers held in memory: each resource is its header fields and its content in one piece of DMA-able memory,
// made before it is asked for, so that an answer is a few slices. Built by the control thread, then read by
// all workers.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/lines.h"
#include "buf/pool.h"

namespace sluice::serve {

// Where one answer lies. In its memory stand: fields [0, validators), the fields that a 304 repeats and the
// empty line [validators, head), the content [head, size).
struct Resource {
  uint16_t status = 200;
  uint32_t first_piece = 0;  // its first chunk among Content::chunks()
  uint32_t validators = 0;
  uint32_t head = 0;
  uint64_t size = 0;
  int64_t modified = 0;         // Unix seconds; what is served by status 200 only
  std::array<char, 18> etag{};  // with its quotes; strong, of the content's octets
};

class Content {
 public:
  // A file's answer at `path` (decoded, starting with '/'). False when memory is short.
  bool add_file(std::string path, std::string_view media_type, Bytes content, int64_t modified);
  // Any other answer: `fields` are whole lines, Content-Length is added.
  bool add(std::string path, uint16_t status, std::string_view fields, std::string_view content);

  // A second path to the answer that is at `of`.
  void alias(std::string path, std::string_view of);

  // Null when there is none. Allocates nothing.
  const Resource* find(std::string_view path) const;
  size_t size() const { return resources_.size(); }

  // The chunks of all resources in order, for one worker; valid as long as this object.
  LineVector<buf::Chunk> chunks() const;

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
  };
  bool store(std::string path, Resource, std::string_view head, Bytes content);

  std::vector<Resource> resources_;
  std::vector<std::unique_ptr<buf::ContentMemory>> memory_;  // of the resource with the same index
  uint32_t pieces_ = 0;
  std::unordered_map<std::string, uint32_t, Hash, std::equal_to<>> by_path_;
};

}  // namespace sluice::serve

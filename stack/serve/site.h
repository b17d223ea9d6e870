// SPDX-License-Identifier: Apache-2.0
// Which answer a request gets: sites by host name, GET, HEAD and OPTIONS on their content, conditions (RFC
// 9110 §13), and the pages that say no. A pure function of the request; shared by all workers, changed by
// none.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/counters.h"
#include "http/message.h"
#include "http/status.h"
#include "serve/content.h"

namespace sluice::serve {

// Octets [offset, offset + length) of a resource behind a head with `status`.
struct Reply {
  uint16_t status = 500;
  uint32_t content = 0;  // index among Sites::contents()
  const Resource* resource = nullptr;
  uint64_t offset = 0, length = 0;
};

class Sites {
 public:
  // The pages that say no.
  Sites();
  // False when memory was short for them.
  bool ok() const { return ok_; }
  // The first site also answers for names that no site has. Names are taken without case; one that a site has
  // already stays with that site.
  void add(const std::vector<std::string>& names, std::unique_ptr<Content>);

  // `scratch`: at least as long as the request's path. There is at least one site. Counts why a path was
  // refused.
  Reply answer(const http::Request&, MutBytes scratch, Counters&) const;
  // The page for a request that was not understood.
  Reply refusal(uint16_t status, bool without_content = false) const;

  // All contents: the pages, then the sites in the order they were added.
  const std::vector<std::unique_ptr<Content>>& contents() const { return contents_; }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
  };
  uint32_t site_of(std::string_view authority) const;

  std::vector<std::unique_ptr<Content>> contents_;
  std::unordered_map<std::string, uint32_t, Hash, std::equal_to<>> by_name_;  // lower case
  std::array<const Resource*, http::status_lines.size()> pages_{};            // by status_index
  const Resource* options_ = nullptr;
  bool ok_ = true;
};

}  // namespace sluice::serve

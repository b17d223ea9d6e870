// SPDX-License-Identifier: Apache-2.0
// YAML text as a tree of nodes that know their place. The only file that knows yaml-cpp; refuses what is too long, too
// deep, too often repeated by aliases, or ambiguous (a key twice). Knows no key's meaning.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::config {

struct Node {
  enum class Kind : uint8_t { Empty, Text, List, Map };
  Kind kind = Kind::Empty;
  bool quoted = false;  // Text that was written in quotes or as a block: not a number
  int line = 1, column = 1;
  std::string text;
  std::vector<const Node*> items;                            // List
  std::vector<std::pair<const Node*, const Node*>> entries;  // Map: key, a Text, and value
  uint64_t weight = 1;                                       // nodes in it, aliases followed
  bool open = false;                                         // its end has not been read yet
};

// `right` is what would be right, as a noun: "one of a, b".
struct Complaint {
  int line, column;
  std::string wrong, right;
};

struct Tree {
  static constexpr size_t octets_max = 8u << 20;
  static constexpr size_t depth_max = 16;
  static constexpr uint64_t weight_max = 2'000'000;

  std::deque<Node> nodes;
  const Node* root = nullptr;  // null when there are complaints that leave no tree
  std::vector<Complaint> complaints;
};

Tree parse_yaml(std::string_view text);

}  // namespace sluice::config

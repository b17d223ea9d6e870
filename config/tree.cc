// SPDX-License-Identifier: Apache-2.0
#include "config/tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <unordered_map>
#include <unordered_set>

namespace sluice::config {
namespace {

// Thrown through yaml-cpp to stop it; caught in parse_yaml.
struct Stop {
  Complaint why;
};

class Builder final : public YAML::EventHandler {
 public:
  explicit Builder(Tree& tree) : tree_{tree} {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    // A key may be called null: `device: { null: 0 }`.
    Node& node = add(mark, anchor, at_key() ? Node::Kind::Text : Node::Kind::Empty);
    if (at_key()) node.text = "null";
    place(node);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const Node& node = *anchors_.at(anchor);
    if (node.open) stop(mark, "an alias stands inside what it names", "an alias to something that ends before it");
    place(node, mark);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Node& node = add(mark, anchor, Node::Kind::Text);
    node.quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
    node.text = value;
    if (std::ranges::any_of(value, [](char c) { return (c >= 0 && c < ' ') || c == 127; }))
      complain(node, "a text with a control character or a line break", "one line of printable text");
    place(node);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    begin(mark, anchor, Node::Kind::List);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    begin(mark, anchor, Node::Kind::Map);
  }
  void OnMapEnd() override { end(); }

 private:
  struct Level {
    Node* node;
    const Node* key = nullptr;  // of the value that comes next
    std::unordered_set<std::string> keys;
  };

  [[noreturn]] static void stop(const YAML::Mark& mark, std::string wrong, std::string right) {
    throw Stop{{mark.line + 1, mark.column + 1, std::move(wrong), std::move(right)}};
  }
  void complain(const Node& at, std::string wrong, std::string right) {
    tree_.complaints.push_back({at.line, at.column, std::move(wrong), std::move(right)});
  }
  bool at_key() const {
    return !levels_.empty() && levels_.back().node->kind == Node::Kind::Map && !levels_.back().key;
  }

  Node& add(const YAML::Mark& mark, YAML::anchor_t anchor, Node::Kind kind) {
    Node& node = tree_.nodes.emplace_back();
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    // The parser's place for a value that is not there is that of whatever follows: its key's is more use.
    if (kind == Node::Kind::Empty && !levels_.empty() && levels_.back().key) {
      node.line = levels_.back().key->line;
      node.column = levels_.back().key->column;
    }
    if (anchor != YAML::NullAnchor) anchors_[anchor] = &node;
    return node;
  }
  void begin(const YAML::Mark& mark, YAML::anchor_t anchor, Node::Kind kind) {
    if (levels_.size() == Tree::depth_max)
      stop(mark, "lists and maps are nested more than " + std::to_string(Tree::depth_max) + " deep", "less nesting");
    Node& node = add(mark, anchor, kind);
    node.open = true;
    place(node);
    levels_.push_back({.node = &node});
  }
  void end() {
    Node& node = *levels_.back().node;
    node.open = false;
    levels_.pop_back();
    if (!levels_.empty()) grow(*levels_.back().node, node);
  }
  // Aliases make a tree of a few lines as large as one likes: what counts is its size with aliases followed.
  void grow(Node& parent, const Node& child) {
    parent.weight += child.weight;
    if (parent.weight > Tree::weight_max)
      throw Stop{{parent.line, parent.column,
                  "this is more than " + std::to_string(Tree::weight_max) + " values, aliases followed",
                  "a smaller configuration"}};
  }
  void place(const Node& node, const YAML::Mark& mark) {
    if (at_key() && node.kind != Node::Kind::Text) stop(mark, "a key is a list or a map", "a word");
    place(node);
  }
  void place(const Node& node) {
    if (levels_.empty()) {
      tree_.root = &node;
      return;
    }
    Level& level = levels_.back();
    if (!node.open) grow(*level.node, node);
    if (level.node->kind == Node::Kind::List) {
      level.node->items.push_back(&node);
      return;
    }
    if (level.key) {
      level.node->entries.emplace_back(level.key, &node);
      level.key = nullptr;
      return;
    }
    level.key = &node;
    if (node.kind != Node::Kind::Text) throw Stop{{node.line, node.column, "a key is a list or a map", "a word"}};
    if (!level.keys.insert(node.text).second) complain(node, "'" + node.text + "' stands here twice", "one of them");
  }

  Tree& tree_;
  std::vector<Level> levels_;
  std::unordered_map<YAML::anchor_t, const Node*> anchors_;
};

// yaml-cpp takes some control characters for the end of the file, and would load a part of it without a word.
const char* control_in(std::string_view text) {
  const auto c = std::ranges::find_if(text, [](char x) {
    return (x >= 0 && x < ' ' && x != '\n' && x != '\r' && x != '\t') || x == 127;
  });
  return c == text.end() ? nullptr : text.data() + (c - text.begin());
}

}  // namespace

Tree parse_yaml(std::string_view text) {
  Tree tree;
  if (text.size() > Tree::octets_max) {
    tree.complaints.push_back({1, 1, "the file is longer than " + std::to_string(Tree::octets_max >> 20) + " MiB",
                               "a shorter one"});
    return tree;
  }
  if (const char* c = control_in(text)) {
    const std::string_view before = text.substr(0, c - text.data());
    const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    tree.complaints.push_back({static_cast<int>(1 + std::ranges::count(before, '\n')),
                               static_cast<int>(1 + before.size() - line_start), "a control character",
                               "text in UTF-8"});
    return tree;
  }
  try {
    std::istringstream in{std::string{text}};
    YAML::Parser parser{in};
    Builder builder{tree};
    parser.HandleNextDocument(builder);
    const Node* first = tree.root;
    if (first && parser.HandleNextDocument(builder) && tree.root != first) {
      tree.complaints.push_back({tree.root->line, tree.root->column, "a second document starts", "one document per file"});
      tree.root = first;
    }
  } catch (const Stop& stop) {
    tree.root = nullptr;
    tree.complaints.push_back(stop.why);
  } catch (const YAML::Exception& e) {
    tree.root = nullptr;
    tree.complaints.push_back({std::max(e.mark.line, 0) + 1, std::max(e.mark.column, 0) + 1,
                               "this is not YAML: " + e.msg, "YAML like 'key: value' or '- entry'"});
  } catch (const std::exception& e) {
    // yaml-cpp also throws the standard library's, for instance from number conversions in directives.
    tree.root = nullptr;
    tree.complaints.push_back({1, 1, std::string{"this is not YAML: "} + e.what(), "YAML like 'key: value'"});
  }
  return tree;
}

}  // namespace sluice::config

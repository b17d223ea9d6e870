// SPDX-License-Identifier: Apache-2.0
#include "config/load.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "config/check.h"
#include "config/fields.h"
#include "config/nearest.h"
#include "config/route_file.h"
#include "config/tree.h"

namespace sluice::config {
namespace {

// As it was written, shortened to what fits in a line.
std::string shown(const std::string& text) {
  return "'" + (text.size() <= 80 ? text : text.substr(0, 77) + "...") + "'";
}
std::string listed(const std::vector<std::string>& words) {
  std::string all;
  for (const std::string& word : words) all += (all.empty() ? "" : ", ") + word;
  return all;
}
const char* kind_name(const Node& n) {
  switch (n.kind) {
    case Node::Kind::Empty:
      return "empty";
    case Node::Kind::Text:
      return "a text";
    case Node::Kind::List:
      return "a list";
    case Node::Kind::Map:
      return "a map";
  }
  return "";
}

struct Findings {
  Places places;
  std::vector<Complaint> complaints;

  void add(const Node& at, std::string wrong, std::string right) {
    complaints.push_back({at.line, at.column, std::move(wrong), std::move(right)});
  }
};

// The visitor that fills a struct from a map.
class Reader {
 public:
  // `what` names the map in messages: "ports[0]"; empty for the whole file.
  Reader(const Node& map, std::string what, Findings& findings)
      : map_{map}, what_{std::move(what)}, f_{findings} {}

  template <class T>
  static void read(const Node& node, const std::string& what, T& out, Findings& findings) {
    if (node.kind != Node::Kind::Map && node.kind != Node::Kind::Empty)
      return findings.add(node, (what.empty() ? "the file" : what) + " is " + kind_name(node),
                          "a map of 'key: value'");
    const size_t before = findings.complaints.size();
    Reader reader{node, what, findings};
    fields(reader, out);
    reader.finish();
    if (findings.complaints.size() == before) findings.places.put(out, {node.line, node.column});
  }

  template <Number T>
  void number(const Key& key, T& member, T least, T most) {
    if (const Node* node = find(key)) take_number(*node, name(key), member, least, most);
  }
  template <Number T>
  void number(const Key& key, std::optional<T>& member, T least, T most) {
    if (const Node* node = find(key)) take_number(*node, name(key), member.emplace(), least, most);
  }
  template <Number T>
  void numbers(const Key& key, std::vector<T>& member, T least, T most, Count count) {
    each(key, member, count, [&](const Node& node, const std::string& what, T& item) {
      take_number(node, what, item, least, most);
    });
  }
  template <class T>
  void value(const Key& key, T& member) {
    if (const Node* node = find(key)) take_value(*node, name(key), member);
  }
  template <class T>
  void value(const Key& key, std::optional<T>& member) {
    if (const Node* node = find(key)) take_value(*node, name(key), member.emplace());
  }
  template <class T>
  void list(const Key& key, std::vector<T>& member, Count count) {
    each(key, member, count,
         [&](const Node& node, const std::string& what, T& item) { take_value(node, what, item); });
  }
  void text(const Key& key, std::string& member, const TextKind& kind) {
    if (const Node* node = find(key)) take_text(*node, name(key), member, kind);
  }
  void text(const Key& key, std::optional<std::string>& member, const TextKind& kind) {
    if (const Node* node = find(key)) take_text(*node, name(key), member.emplace(), kind);
  }
  void texts(const Key& key, std::vector<std::string>& member, const TextKind& kind, Count count) {
    each(key, member, count, [&](const Node& node, const std::string& what, std::string& item) {
      take_text(node, what, item, kind);
    });
  }
  template <class T>
  void section(const Key& key, T& member) {
    if (const Node* node = find(key)) read(*node, name(key), member, f_);
  }
  template <class T>
  void sections(const Key& key, std::vector<T>& member, Count count) {
    each(key, member, count,
         [&](const Node& node, const std::string& what, T& item) { read(node, what, item, f_); });
  }
  void device(const Key& key, io::DeviceOptions& member) {
    if (const Node* node = find(key)) read_device(*node, name(key), member);
  }

 private:
  void read_device(const Node& node, const std::string& what, io::DeviceOptions& member) {
    if (node.kind != Node::Kind::Map)
      return f_.add(node, what + " is " + kind_name(node),
                    "a map of a kind and what it names, like { tap: sluice-lan }");
    const size_t before = f_.complaints.size();
    Reader reader{node, what, f_};
    size_t kinds = 0;
    for (const DeviceForm& form : device_forms()) {
      const Node* target = reader.find(Key{form.name, form.help});
      if (!target) continue;
      member.kind = form.kind;
      reader.take_text(*target, reader.name(Key{form.name, ""}), member.target, form.target);
      if (++kinds == 2) f_.add(*target, what + " has more than one kind", "one of them");
    }
    if (kinds == 0 && f_.complaints.size() == before)
      f_.add(node, what + " has no kind", "one of " + listed(reader.known_));
    reader.text(Key{"args", ""}, member.args, device_args);
    reader.each(Key{"members", ""}, member.members, Count{2, 8},
                [&](const Node& one, const std::string& called, io::DeviceOptions& part) {
                  reader.read_device(one, called, part);
                });
    reader.finish();
    if (f_.complaints.size() == before) f_.places.put(member, {node.line, node.column});
  }

  std::string name(const Key& key) const { return what_.empty() ? key.name : what_ + "." + key.name; }

  const Node* find(const Key& key) {
    known_.emplace_back(key.name);
    const auto found =
        std::ranges::find_if(map_.entries, [&](const auto& e) { return e.first->text == key.name; });
    if (found != map_.entries.end()) return found->second;
    if (key.required)
      f_.add(map_, name(key) + " is missing", std::string{"'"} + key.name + ":' with " + key.help);
    return nullptr;
  }

  // Unknown keys. Called after all known ones were asked for.
  void finish() {
    for (const auto& [key, value] : map_.entries) {
      if (std::ranges::find(known_, key->text) != known_.end()) continue;
      const std::string place = what_.empty() ? "" : " in " + what_;
      if (key->text == "<<") {
        f_.add(*key, "merge keys ('<<') are not known" + place, "an alias (*name) for a whole value");
        continue;
      }
      const std::string close = nearest(key->text, known_);
      f_.add(*key, "unknown key " + shown(key->text) + place,
             close.empty() ? "one of " + listed(known_) : "'" + close + "'");
    }
  }
  // False when the node is no text: that has been complained about.
  bool is_text(const Node& node, const std::string& what, const std::string& right) {
    if (node.kind == Node::Kind::Text) return true;
    f_.add(node, what + " is " + kind_name(node), right);
    return false;
  }
  template <class T>
  void fits(const Node& node, const T& member) {
    f_.places.put(member, {node.line, node.column});
  }

  template <Number T>
  void take_number(const Node& node, const std::string& what, T& member, T least, T most) {
    const std::string right = number_right(least, most);
    if (!is_text(node, what, right)) return;
    if (node.quoted && !std::same_as<T, Duration>)
      return f_.add(node, what + " is " + shown(node.text) + " in quotes", right + " without quotes");
    const auto v = parse_number<T>(node.text);
    if (!v || !(*v >= least && *v <= most)) return f_.add(node, what + " is " + shown(node.text), right);
    member = *v;
    fits(node, member);
  }
  template <class T>
  void take_value(const Node& node, const std::string& what, T& member) {
    if (!is_text(node, what, Codec<T>::right)) return;
    const auto v = Codec<T>::parse(node.text);
    if (!v) return f_.add(node, what + " is " + shown(node.text), Codec<T>::right);
    member = *v;
    fits(node, member);
  }
  template <Choice E>
  void take_value(const Node& node, const std::string& what, E& member) {
    std::vector<std::string> names;
    for (const auto& choice : choices<E>()) names.emplace_back(choice.first);
    if (!is_text(node, what, "one of " + listed(names))) return;
    for (const auto& choice : choices<E>()) {
      if (node.text != choice.first) continue;
      member = choice.second;
      return fits(node, member);
    }
    const std::string close = nearest(node.text, names);
    f_.add(node, what + " is " + shown(node.text),
           close.empty() ? "one of " + listed(names) : "'" + close + "'");
  }
  void take_text(const Node& node, const std::string& what, std::string& member, const TextKind& kind) {
    if (!is_text(node, what, kind.right)) return;
    if (!kind.fits(node.text)) return f_.add(node, what + " is " + shown(node.text), kind.right);
    member = node.text;
    fits(node, member);
  }

  template <class T, class F>
  void each(const Key& key, std::vector<T>& member, Count count, F&& take) {
    const Node* node = find(key);
    if (!node) return;
    const std::string what = name(key);
    if (node->kind != Node::Kind::List && node->kind != Node::Kind::Empty)
      return f_.add(*node, what + " is " + kind_name(*node), "a list of '- entry' or [entry, entry]");
    const size_t n = node->items.size();
    if (n < count.least || n > count.most) {
      f_.add(*node, what + " has " + std::to_string(n) + " entries",
             std::to_string(count.least) + " to " + std::to_string(count.most));
      if (n > count.most) return;
    }
    member.clear();
    member.resize(n);  // before any is filled: places_ holds their addresses
    const size_t before = f_.complaints.size();
    for (size_t i = 0; i < n; ++i) take(*node->items[i], what + "[" + std::to_string(i) + "]", member[i]);
    if (f_.complaints.size() == before && n >= count.least) fits(*node, member);
  }

  const Node& map_;
  std::string what_;
  Findings& f_;
  std::vector<std::string> known_;
};

// By place; at one place in the order they were found.
void add_errors(const std::vector<Complaint>& complaints, const std::string& file_name,
                std::vector<Error>& errors) {
  std::vector<std::pair<std::pair<int, int>, size_t>> order;
  order.reserve(complaints.size());
  for (const Complaint& c : complaints) order.push_back({{c.line, c.column}, order.size()});
  std::ranges::sort(order);
  for (const auto& [place, i] : order)
    errors.push_back(
        {file_name, place.first, place.second, complaints[i].wrong, complaints[i].right + " would be right"});
}

// What a port with a parent does not say, it has from the parent.
void inherit(Config& config, const Places& places) {
  for (Port& port : config.ports) {
    if (!port.parent || places.find(port.mtu)) continue;
    const auto parent = std::ranges::find(config.ports, *port.parent, &Port::name);
    if (parent != config.ports.end()) port.mtu = parent->mtu;
  }
}

// The files of routes, as far as there are: a list of complaints for each.
std::vector<std::vector<Complaint>> read_route_files(Config& config, const Environment& environment,
                                                     Findings& findings) {
  std::vector<std::vector<Complaint>> all;
  for (const std::string& name : config.route_files) {
    const Place* at = findings.places.find(name);
    if (!at || !environment.read_file) continue;
    const std::string path = config.path(name);
    const auto text = environment.read_file(path);
    if (text)
      config.file_routes.push_back(parse_route_file(*text, path, all.emplace_back()));
    else
      findings.complaints.push_back(
          {at->line, at->column, "the file '" + path + "' cannot be read", "the path of a list of routes"});
  }
  return all;
}

}  // namespace

std::string to_text(const Error& e) {
  return e.file + ":" + std::to_string(e.line) + ":" + std::to_string(e.column) + ": " + e.wrong + ", " +
         e.right;
}

Environment this_machine() {
  return {.cores = static_cast<unsigned>(std::max(1l, sysconf(_SC_NPROCESSORS_CONF))),
          .may_run_on =
              [](uint32_t core) {
                cpu_set_t set;
                CPU_ZERO(&set);
                return sched_getaffinity(0, sizeof set, &set) != 0 ||
                       (core < CPU_SETSIZE && CPU_ISSET(core, &set));
              },
          .file_exists =
              [](const std::string& path) {
                std::error_code ignored;
                return std::filesystem::is_regular_file(path, ignored);
              },
          .folder_exists =
              [](const std::string& path) {
                std::error_code ignored;
                return std::filesystem::is_directory(path, ignored);
              },
          .read_file = [](const std::string& path) -> std::optional<std::string> {
            std::error_code ignored;
            if (!std::filesystem::is_regular_file(path, ignored)) return std::nullopt;
            std::ifstream file{path, std::ios::binary};
            std::string text;
            text.resize_and_overwrite(std::filesystem::file_size(path, ignored), [&](char* to, size_t room) {
              file.read(to, static_cast<std::streamsize>(room));
              return static_cast<size_t>(file.gcount());
            });
            if (file.bad() || (!file && text.empty())) return std::nullopt;
            return text;
          }};
}

std::variant<Config, std::vector<Error>> load(std::string_view text, const std::string& file_name,
                                              const Environment& environment) {
  Tree tree = parse_yaml(text);
  if (tree.complaints.empty() && (!tree.root || tree.root->kind == Node::Kind::Empty))
    tree.complaints.push_back({1, 1, "the file is empty", "at least 'ports:'"});
  std::vector<Error> errors;
  if (!tree.root) return add_errors(tree.complaints, file_name, errors), errors;

  Config config;
  config.folder = file_name.substr(0, file_name.rfind('/') + 1);  // npos + 1 is 0
  Findings findings;
  findings.complaints = std::move(tree.complaints);
  if (tree.root->kind != Node::Kind::Empty) Reader::read(*tree.root, "", config, findings);
  const bool ports_fine = findings.places.find(config.ports) != nullptr;
  inherit(config, findings.places);
  auto in_files = read_route_files(config, environment, findings);
  check_whole(config, findings.places, environment, ports_fine, findings.complaints, in_files);
  add_errors(findings.complaints, file_name, errors);
  for (size_t i = 0; i < config.file_routes.size(); ++i)
    add_errors(in_files[i], config.file_routes[i].name, errors);
  if (!errors.empty()) return errors;
  return config;
}

}  // namespace sluice::config

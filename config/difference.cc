// SPDX-License-Identifier: Apache-2.0
#include "config/difference.h"

#include <map>

#include "config/fields.h"

namespace sluice::config {
namespace {

// The visitor that lists every key with its value as text.
class Lister {
 public:
  using All = std::map<std::string, std::string>;
  Lister(std::string place, All& out) : place_{std::move(place)}, out_{out} {}

  template <Number T>
  void number(const Key& key, T& member, T, T) {
    put(key, number_text(member));
  }
  template <Number T>
  void number(const Key& key, std::optional<T>& member, T, T) {
    put(key, member ? "=" + number_text(*member) : "");
  }
  template <Number T>
  void numbers(const Key& key, std::vector<T>& member, T, T, Count) {
    all(key, member, [](const T& v) { return number_text(v); });
  }
  template <class T>
  void value(const Key& key, T& member) {
    put(key, text_of(member));
  }
  template <class T>
  void value(const Key& key, std::optional<T>& member) {
    put(key, member ? "=" + text_of(*member) : "");
  }
  template <class T>
  void list(const Key& key, std::vector<T>& member, Count) {
    all(key, member, [](const T& v) { return text_of(v); });
  }
  void text(const Key& key, std::string& member, const TextKind&) { put(key, member); }
  void text(const Key& key, std::optional<std::string>& member, const TextKind&) {
    put(key, member ? "=" + *member : "");
  }
  void texts(const Key& key, std::vector<std::string>& member, const TextKind&, Count) {
    all(key, member, [](const std::string& v) { return v; });
  }
  template <class T>
  void section(const Key& key, T& member) {
    Lister inner{name(key) + ".", out_};
    fields(inner, member);
  }
  template <class T>
  void sections(const Key& key, std::vector<T>& member, Count) {
    for (size_t i = 0; i < member.size(); ++i) {
      const std::string item = name(key) + "[" + called(member[i], i) + "]";
      out_[item] = "there";
      Lister inner{item + ".", out_};
      fields(inner, member[i]);
    }
  }
  void device(const Key& key, io::DeviceOptions& d) { put(key, text_of(d)); }

 private:
  static std::string text_of(const io::DeviceOptions& d) {
    std::string s = std::string{form_of(d.kind).name} + ": " + d.target + ", " + d.args;
    for (const io::DeviceOptions& member : d.members) s.append(" [").append(text_of(member)).append("]");
    return s;
  }
  template <class T>
  static std::string text_of(const T& v) {
    return Codec<T>::text(v);
  }
  template <Choice E>
  static std::string text_of(const E& v) {
    for (const auto& choice : choices<E>())
      if (choice.second == v) return choice.first;
    return {};
  }
  // Ports are known by name, wherever in the list they stand.
  static std::string called(const Port& p, size_t) { return p.name; }
  template <class T>
  static std::string called(const T&, size_t i) {
    return std::to_string(i);
  }
  std::string name(const Key& key) const { return place_ + key.name; }
  void put(const Key& key, std::string value) { out_[name(key)] = std::move(value); }
  template <class T, class F>
  void all(const Key& key, const std::vector<T>& member, F&& text) {
    std::string whole;
    for (const T& v : member) whole += text(v) + '\n';
    put(key, std::move(whole));
  }

  std::string place_;
  All& out_;
};

Lister::All listed(const Config& c) {
  Config copy = c;  // visitors take members they may write to; this one does not
  Lister::All all;
  Lister lister{"", all};
  fields(lister, copy);
  return all;
}

}  // namespace

std::vector<std::string> differences(const Config& a, const Config& b) {
  const Lister::All one = listed(a), two = listed(b);
  Lister::All all = one;
  all.insert(two.begin(), two.end());
  std::vector<std::string> different;
  for (const auto& [key, ignored] : all) {
    // What is in an entry that only one has is told with the entry.
    if (!different.empty() && different.back().ends_with(']') && key.starts_with(different.back() + "."))
      continue;
    const auto x = one.find(key), y = two.find(key);
    if (x == one.end() || y == two.end() || x->second != y->second) different.push_back(key);
  }
  return different;
}

}  // namespace sluice::config

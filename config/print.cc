// SPDX-License-Identifier: Apache-2.0
#include "config/print.h"

#include <algorithm>

#include "config/fields.h"

namespace sluice::config {
namespace {

constexpr bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         c == '.' || c == '/';
}

// Plain where no reader of YAML could take it for anything but text; else in double quotes. Text that was
// loaded has no control character.
std::string quoted(const std::string& text) {
  static constexpr std::string_view words[] = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"};
  std::string lower = text;
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  const bool number_like =
      text.empty() || text.find_first_not_of("0123456789.+-eExXoO_") == std::string::npos;
  const bool plain = !number_like && text[0] != '-' && text[0] != '.' && std::ranges::all_of(text, is_word) &&
                     std::ranges::find(words, lower) == std::end(words);
  if (plain) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// The visitor that writes one map.
class Printer {
 public:
  Printer(std::string& out, size_t indent) : out_{out}, indent_{indent} {}

  template <Number T>
  void number(const Key& key, T& member, T, T) {
    line(key, number_text(member));
  }
  template <Number T>
  void number(const Key& key, std::optional<T>& member, T least, T most) {
    if (member) return number(key, *member, least, most);
    comment(key);
  }
  template <Number T>
  void numbers(const Key& key, std::vector<T>& member, T, T, Count) {
    flow(key, member, [](const T& v) { return number_text(v); });
  }
  template <class T>
  void value(const Key& key, T& member) {
    line(key, quoted(Codec<T>::text(member)));
  }
  template <class T>
  void value(const Key& key, std::optional<T>& member) {
    if (member) return value(key, *member);
    comment(key);
  }
  void value(const Key& key, MssClamp& member) { line(key, Codec<MssClamp>::text(member)); }
  template <Choice E>
  void value(const Key& key, E& member) {
    for (const auto& choice : choices<E>())
      if (choice.second == member) line(key, choice.first);
  }
  template <class T>
  void list(const Key& key, std::vector<T>& member, Count) {
    flow(key, member, [](const T& v) { return quoted(Codec<T>::text(v)); });
  }
  void text(const Key& key, std::string& member, const TextKind&) { line(key, quoted(member)); }
  void text(const Key& key, std::optional<std::string>& member, const TextKind& kind) {
    if (member) return text(key, *member, kind);
    comment(key);
  }
  void texts(const Key& key, std::vector<std::string>& member, const TextKind&, Count) {
    flow(key, member, quoted);
  }
  template <class T>
  void section(const Key& key, T& member) {
    const size_t before = out_.size();
    start(key) += '\n';
    const size_t body = out_.size();
    Printer inner{out_, indent_ + 2};
    fields(inner, member);
    if (out_.size() != body) return;
    out_.resize(before);  // a section without keys
    line(key, "{}");
  }
  template <class T>
  void sections(const Key& key, std::vector<T>& member, Count) {
    if (member.empty()) return line(key, "[]");
    start(key) += '\n';
    for (T& item : member) {
      const size_t at = out_.size() + indent_ + 2;
      Printer inner{out_, indent_ + 4};
      fields(inner, item);
      out_[at] = '-';
    }
  }
  void device(const Key& key, io::DeviceOptions& member) {
    if (member.target.empty()) return comment(key);
    line(key, text_of(member));
  }

 private:
  static std::string text_of(const io::DeviceOptions& d) {
    std::string s = std::string{"{ "} + form_of(d.kind).name + ": " + quoted(d.target);
    for (size_t i = 0; i < d.members.size(); ++i)
      s += (i == 0 ? ", members: [" : ", ") + text_of(d.members[i]);
    if (!d.members.empty()) s += ']';
    if (!d.args.empty()) s += ", args: " + quoted(d.args);
    return s + " }";
  }
  std::string& start(const Key& key) { return out_.append(indent_, ' ').append(key.name) += ':'; }
  void line(const Key& key, const std::string& value) { (start(key) += ' ').append(value) += '\n'; }
  void comment(const Key& key) {
    out_.append(indent_, ' ').append("# ").append(key.name).append(": not set\n");
  }
  template <class T, class F>
  void flow(const Key& key, std::vector<T>& member, F&& text_of) {
    std::string all;
    for (const T& v : member) all += (all.empty() ? "" : ", ") + text_of(v);
    line(key, "[" + all + "]");
  }

  std::string& out_;
  size_t indent_;
};

}  // namespace

std::string print(const Config& config) {
  std::string out;
  Config copy = config;  // visitors take members they may write to; this one does not
  Printer printer{out, 0};
  fields(printer, copy);
  return out;
}

}  // namespace sluice::config

// SPDX-License-Identifier: Apache-2.0
// The manual page: one table per section, in the order of fields.h.
#include "config/document.h"
#include "config/fields.h"

namespace sluice::config {
namespace {

// In a Markdown table a bar would end the cell.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

// The visitor that writes one table, and those of the sections in it behind it.
class Writer {
 public:
  Writer(std::string place, std::string help) : place_{std::move(place)}, help_{std::move(help)} {}

  template <Number T>
  void number(const Key& key, T& member, T least, T most) {
    row(key, number_text(member), number_right(least, most));
  }
  template <Number T>
  void number(const Key& key, std::optional<T>&, T least, T most) {
    row(key, "", number_right(least, most));
  }
  template <Number T>
  void numbers(const Key& key, std::vector<T>& member, T least, T most, Count count) {
    std::string all;
    for (const T& v : member) all += (all.empty() ? "" : ", ") + number_text(v);
    row(key, "[" + all + "]", entries(count) + number_right(least, most));
  }
  template <class T>
  void value(const Key& key, T&) {
    row(key, "", Codec<T>::right);
  }
  template <class T>
  void value(const Key& key, std::optional<T>&) {
    row(key, "", Codec<T>::right);
  }
  void value(const Key& key, MssClamp& member) {
    row(key, Codec<MssClamp>::text(member), Codec<MssClamp>::right);
  }
  template <Choice E>
  void value(const Key& key, std::optional<E>&) {
    std::string all;
    for (const auto& choice : choices<E>()) all += (all.empty() ? "" : ", ") + std::string{choice.first};
    row(key, "", all);
  }
  template <Choice E>
  void value(const Key& key, E& member) {
    std::string all, dflt;
    for (const auto& choice : choices<E>()) {
      all += (all.empty() ? "" : ", ") + std::string{choice.first};
      if (choice.second == member) dflt = choice.first;
    }
    row(key, dflt, all);
  }
  template <class T>
  void list(const Key& key, std::vector<T>&, Count count) {
    row(key, "", entries(count) + Codec<T>::right);
  }
  template <class T>
  void text(const Key& key, T&, const TextKind& kind) {
    row(key, "", kind.right);
  }
  void texts(const Key& key, std::vector<std::string>&, const TextKind& kind, Count count) {
    row(key, "", entries(count) + kind.right);
  }
  template <class T>
  void section(const Key& key, T&) {
    row(key, "", "a map, see below");
    inner<T>(key, "");
  }
  template <class T>
  void sections(const Key& key, std::vector<T>&, Count count) {
    row(key, "", entries(count) + "a map, see below");
    inner<T>(key, "[]");
  }
  void device(const Key& key, io::DeviceOptions&) {
    row(key, "", "a map, see below");
    Writer w{place_ + "." + key.name, key.help};
    for (const DeviceForm& form : device_forms()) w.row(Key{form.name, form.help}, "", form.target.right);
    w.row(Key{"args", "appended to the device arguments"}, "", device_args.right);
    w.row(Key{"members", "of a bond: its devices, of one kind: pci, tap or af_packet"}, "",
          entries(Count{2, 8}) + "a map like this one");
    rest_ += w.page();
  }

  std::string page() const {
    if (rows_.empty()) return "### `" + place_ + "`\n\n" + cell(help_) + ". No options yet.\n\n";
    return "### `" + place_ + "`\n\n" + help_ +
           ".\n\n| key | default | value | what it is |\n|---|---|---|---|\n" + rows_ + "\n" + rest_;
  }
  // Without a table of its own: the top is a list of its sections.
  std::string sections_only() const { return rest_; }

 private:
  static std::string entries(Count c) {
    return "list of " + std::to_string(c.least) + " to " + std::to_string(c.most) + ": ";
  }
  void row(const Key& key, const std::string& dflt, const std::string& value) {
    const std::string shown = key.required ? "**needed**" : dflt.empty() ? "" : "`" + dflt + "`";
    rows_ += "| `" + std::string{key.name} + "` | " + shown + " | " + cell(value) + " | " + cell(key.help) +
             " |\n";
  }
  template <class T>
  void inner(const Key& key, const char* suffix) {
    T example;
    Writer w{place_ + (place_.empty() ? "" : ".") + key.name + suffix, key.help};
    fields(w, example);
    rest_ += w.page();
  }

  std::string place_, help_, rows_, rest_;
};

}  // namespace

std::string manual() {
  Config example;
  Writer writer{"", ""};
  fields(writer, example);
  return writer.sections_only();
}

}  // namespace sluice::config

// SPDX-License-Identifier: Apache-2.0
// The JSON schema. It accepts all that the loader accepts, and refuses what one value can show to be wrong.
#include <nlohmann/json.hpp>

#include "config/document.h"
#include "config/fields.h"

namespace sluice::config {
namespace {

using Json = nlohmann::ordered_json;

// The visitor that describes one map.
class Describer {
 public:
  template <class T>
  static Json describe() {
    T example;
    Describer d;
    fields(d, example);
    return d.object();
  }

  template <Number T>
  void number(const Key& key, T& member, T least, T most) {
    put(key, number_schema(least, most))["default"] = json_of(member);
  }
  template <Number T>
  void number(const Key& key, std::optional<T>&, T least, T most) {
    put(key, number_schema(least, most));
  }
  template <Number T>
  void numbers(const Key& key, std::vector<T>& member, T least, T most, Count count) {
    put(key, array(number_schema(least, most), count))["default"] = member;
  }
  template <class T>
  void value(const Key& key, T&) {
    put(key, value_schema<T>());
  }
  template <class T>
  void value(const Key& key, std::optional<T>&) {
    put(key, value_schema<T>());
  }
  void value(const Key& key, MssClamp& member) {
    Json& entry = put(key, value_schema<MssClamp>());
    entry["type"] = {"string", "integer"};
    entry["minimum"] = MssClamp::least;
    entry["maximum"] = MssClamp::greatest;
    entry["default"] = Codec<MssClamp>::text(member);
  }
  template <Choice E>
  void value(const Key& key, std::optional<E>&) {
    Json& entry = put(key, {{"type", "string"}});
    for (const auto& choice : choices<E>()) entry["enum"].push_back(choice.first);
  }
  template <Choice E>
  void value(const Key& key, E& member) {
    Json& entry = put(key, {{"type", "string"}});
    for (const auto& choice : choices<E>()) {
      entry["enum"].push_back(choice.first);
      if (choice.second == member) entry["default"] = choice.first;
    }
  }
  template <class T>
  void list(const Key& key, std::vector<T>&, Count count) {
    put(key, array(value_schema<T>(), count));
  }
  template <class T>
  void text(const Key& key, T&, const TextKind& kind) {
    put(key, text_schema(kind));
  }
  void texts(const Key& key, std::vector<std::string>&, const TextKind& kind, Count count) {
    put(key, array(text_schema(kind), count));
  }
  template <class T>
  void section(const Key& key, T&) {
    Json entry = describe<T>();
    if (!entry.contains("required")) entry["type"] = {"object", "null"};
    put(key, entry);
  }
  template <class T>
  void sections(const Key& key, std::vector<T>&, Count count) {
    put(key, array(describe<T>(), count));
  }
  void device(const Key& key, io::DeviceOptions&) {
    Json entry{{"type", "object"}, {"additionalProperties", false}};
    for (const DeviceForm& form : device_forms()) {
      Json target = text_schema(form.target);
      if (form.kind == io::DeviceKind::null) target["type"] = {"string", "integer"};
      target["description"] = form.help;
      entry["properties"][form.name] = std::move(target);
      entry["oneOf"].push_back({{"required", {form.name}}});
    }
    entry["properties"]["args"] = text_schema(device_args);
    const Json part = entry;  // of a bond, which holds no bond
    entry["properties"]["members"] = array(part, Count{2, 8});
    put(key, entry);
  }

  Json object() const {
    Json o{{"type", "object"}, {"additionalProperties", false}, {"properties", properties_}};
    if (!required_.empty()) o["required"] = required_;
    return o;
  }

 private:
  Json& put(const Key& key, Json entry) {
    entry["description"] = key.help;
    if (key.required) required_.push_back(key.name);
    return properties_[key.name] = std::move(entry);
  }
  static Json array(Json items, Count count) {
    Json a{
        {"type", "array"}, {"items", std::move(items)}, {"minItems", count.least}, {"maxItems", count.most}};
    if (count.least == 0) a["type"] = {"array", "null"};
    return a;
  }
  template <class T>
  static Json json_of(const T& v) {
    if constexpr (std::same_as<T, Duration>)
      return number_text(v);
    else
      return v;
  }
  template <Number T>
  static Json number_schema(T least, T most) {
    if constexpr (std::same_as<T, bool>) return {{"type", "boolean"}};
    if constexpr (std::same_as<T, Duration>) return {{"type", "string"}, {"pattern", duration_pattern}};
    Json n;
    n["type"] = std::same_as<T, double> ? "number" : "integer";
    if constexpr (std::same_as<T, uint64_t>) {
      n["type"] = {"integer", "string"};
      n["pattern"] = size_pattern;
    }
    n["minimum"] = json_of(least);
    n["maximum"] = json_of(most);
    return n;
  }
  template <class T>
  static Json value_schema() {
    return {{"type", "string"}, {"pattern", Codec<T>::pattern}};
  }
  static Json text_schema(const TextKind& kind) { return {{"type", "string"}, {"pattern", kind.pattern}}; }

  Json properties_ = Json::object();
  Json required_ = Json::array();
};

}  // namespace

std::string schema() {
  Json root{{"$schema", "http://json-schema.org/draft-07/schema#"}, {"title", "sluice"}};
  root.update(Describer::describe<Config>());
  return root.dump(2) + "\n";
}

}  // namespace sluice::config

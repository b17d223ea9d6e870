// SPDX-License-Identifier: Apache-2.0
#include "app/link_news.h"

#include "base/check.h"

namespace sluice::app {

std::vector<std::string> link_news(const std::string& port, const LinkState& was, const LinkState& is) {
  check(was.members.size() == is.members.size(), "the members of a bond stay");
  const std::string whose = "port " + port + ": ";
  std::vector<std::string> news;
  for (size_t i = 0; i < is.members.size(); ++i) {
    const io::Device::Member &then = was.members[i], &now = is.members[i];
    const std::string member = whose + "member " + now.name;
    if (then.up != now.up) news.push_back(member + (now.up ? " has a link again" : " has lost its link"));
    if (then.active != now.active)
      news.push_back(member + (now.active ? " carries packets now" : " carries packets no more"));
  }
  if (was.up != is.up)
    news.push_back(whose + (is.up ? "the link is up" : "the link is down, and routes over it are withdrawn"));
  return news;
}

}  // namespace sluice::app

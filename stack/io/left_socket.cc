// SPDX-License-Identifier: Apache-2.0
#include "io/left_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sluice::io {

std::string make_way_for_socket(const std::string& path) {
  struct stat s{};
  sockaddr_un name{.sun_family = AF_UNIX, .sun_path = {}};
  if (path.size() >= sizeof name.sun_path)
    return "the path " + path + " is too long for a socket: at most " +
           std::to_string(sizeof name.sun_path - 1) + " octets";
  if (lstat(path.c_str(), &s) != 0) return {};  // nothing is there, or DPDK will say what is wrong
  if (!S_ISSOCK(s.st_mode)) return path + " is there already and is no socket: name another";
  std::memcpy(name.sun_path, path.data(), path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return {};
  // A listener of another socket type answers with another error.
  const bool left =
      connect(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 && errno == ECONNREFUSED;
  close(fd);
  if (!left)
    return "somebody serves the socket " + path +
           " already, another appliance perhaps: end that, or name another";
  unlink(path.c_str());
  return {};
}

}  // namespace sluice::io

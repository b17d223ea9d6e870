// SPDX-License-Identifier: Apache-2.0
#include "serve/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "serve/media_types.h"

namespace sluice::serve {
namespace {

constexpr uint32_t depth_max = 64;  // folders in folders: no honest site has more, and the walk recurses

std::string real_path(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real{::realpath(path.c_str(), nullptr), &std::free};
  return real ? std::string{real.get()} : std::string{};
}

// A path as a Location may carry it: what RFC 3986 does not let stand in a path is encoded.
std::string encoded(const std::string& path) {
  static constexpr char hex[] = "0123456789ABCDEF";
  static constexpr std::string_view plain = "-._~!$&'()*+,;=:@/";
  std::string out;
  for (const char c : path) {
    const auto o = static_cast<uint8_t>(c);
    if ((o >= '0' && o <= '9') || ((o | 0x20) >= 'a' && (o | 0x20) <= 'z') ||
        plain.find(c) != std::string_view::npos)
      out += c;
    else
      out += {'%', hex[o >> 4], hex[o & 15]};
  }
  return out;
}

class Loader {
 public:
  // `content` null: everything is judged, nothing is read into memory.
  Loader(std::string root, const http::Options& o, Content* content)
      : root_{std::move(root)}, options_{o}, content_{content} {}

  // `path` ends with '/'; it is the URL's and, below the root, the file system's.
  void folder(const std::string& path, uint32_t depth);
  std::vector<std::string> complaints;

 private:
  void entry(const std::string& path, const std::string& name, uint32_t depth);
  void file(const std::string& path, const std::string& name, const std::string& real);
  bool read(int fd, const std::string& where, std::vector<uint8_t>& into, int64_t& modified);
  void complain(const std::string& path, const std::string& what) {
    complaints.push_back(path + ": " + what);
  }
  void complain_errno(const std::string& path) { complain(path, std::strerror(errno)); }
  bool room(const std::string& where) {
    if (entries_++ < options_.files_max) return true;
    complain(where, "more files and folders than files_max, " + std::to_string(options_.files_max));
    return full_ = true, false;
  }

  std::string root_;  // real, without a last slash
  const http::Options& options_;
  Content* content_;
  uint32_t entries_ = 0;
  uint64_t octets_ = 0;
  bool full_ = false;  // a limit was hit: one complaint, then no more
};

void Loader::folder(const std::string& path, uint32_t depth) {
  const std::string where = root_ + path;
  if (depth > depth_max) return complain(where, "more than " + std::to_string(depth_max) + " folders deep");
  const auto close_folder = [](DIR* d) { ::closedir(d); };
  const std::unique_ptr<DIR, decltype(close_folder)> dir{::opendir(where.c_str()), close_folder};
  if (!dir) return complain_errno(where);
  std::vector<std::string> names;
  while (const dirent* e = ::readdir(dir.get())) {
    const std::string name = e->d_name;
    if (name[0] != '.' || (name == ".well-known" && path == "/")) names.push_back(name);
  }
  std::ranges::sort(names);  // the same folder gives the same complaints, whatever the file system
  for (const std::string& name : names) {
    if (full_) return;
    entry(path, name, depth);
  }
}

void Loader::entry(const std::string& path, const std::string& name, uint32_t depth) {
  const std::string where = root_ + path + name;
  struct stat st;
  if (::lstat(where.c_str(), &st) != 0) return complain_errno(where);
  if (S_ISDIR(st.st_mode)) {
    if (!room(where)) return;
    const std::string location = encoded(path + name + "/");
    if (content_ != nullptr && !content_->add(path + name, 301, "Location: " + location + "\r\n", ""))
      return complain(where, "no memory left for it");
    return folder(path + name + "/", depth + 1);
  }
  if (S_ISLNK(st.st_mode)) {
    const std::string real = real_path(where);
    if (real.empty()) return complain_errno(where);
    if (!real.starts_with(root_ + "/")) return complain(where, "symbolic link leads out of " + root_);
    // A link to a folder could lead to one above it; a link to a hidden file would serve it under another
    // name.
    if (real.find("/.", root_.size()) != std::string::npos)
      return complain(where, "symbolic link leads to a hidden file");
    if (::lstat(real.c_str(), &st) != 0) return complain_errno(where);
    if (S_ISDIR(st.st_mode))
      return complain(where, "symbolic link to a folder; only links to files are served");
    if (S_ISREG(st.st_mode)) return file(path, name, real);
  }
  if (S_ISREG(st.st_mode)) return file(path, name, where);
  complain(where, "neither a file nor a folder");
}

void Loader::file(const std::string& path, const std::string& name, const std::string& real) {
  const std::string where = root_ + path + name;
  if (!room(where)) return;
  const int fd = ::open(real.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return complain_errno(where);
  std::vector<uint8_t> octets;
  int64_t modified = 0;
  const bool fine = read(fd, where, octets, modified);
  ::close(fd);
  if (!fine || content_ == nullptr) return;
  if (!content_->add_file(path + name, media_type(name), octets, modified))
    return complain(where, "no memory left for it");
  if (name == "index.html") content_->alias(path, path + name);
}

bool Loader::read(int fd, const std::string& where, std::vector<uint8_t>& into, int64_t& modified) {
  struct stat st;
  if (::fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
    return complain(where, "changed while it was read"), false;
  const auto size = static_cast<uint64_t>(st.st_size);
  if (size > options_.file_max)
    return complain(where, std::to_string(size) + " octets, more than file_max, " +
                               std::to_string(options_.file_max)),
           false;
  if (octets_ + size > options_.content_max) {
    complain(where, "all files together are more than content_max, " + std::to_string(options_.content_max));
    return full_ = true, false;
  }
  octets_ += size;
  modified = st.st_mtime;
  if (content_ == nullptr) return true;
  into.resize(size);
  for (size_t at = 0; at < into.size();) {
    const ssize_t n = ::read(fd, into.data() + at, into.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return complain_errno(where), false;
    if (n == 0) return complain(where, "became shorter while it was read"), false;
    at += static_cast<size_t>(n);
  }
  return true;
}

std::vector<std::string> walk(const std::string& root, const http::Options& o, Content* content) {
  const std::string real = real_path(root);
  if (real.empty()) return {root + ": " + std::strerror(errno)};
  Loader loader{real == "/" ? "" : real, o, content};
  loader.folder("/", 0);
  return std::move(loader.complaints);
}

}  // namespace

std::vector<std::string> load_folder(const std::string& root, const http::Options& o, Content& content) {
  return walk(root, o, &content);
}

std::vector<std::string> check_folder(const std::string& root, const http::Options& o) {
  return walk(root, o, nullptr);
}

}  // namespace sluice::serve

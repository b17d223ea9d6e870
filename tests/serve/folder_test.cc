// SPDX-License-Identifier: Apache-2.0
#include "serve/folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "support/eal.h"

namespace sluice::serve {
namespace {

namespace fs = std::filesystem;

struct Fixture : testing::Test {
  Fixture() {
    test::start_eal();
    std::string name = (fs::temp_directory_path() / "sluice_folder_XXXXXX").string();
    check(mkdtemp(name.data()) != nullptr, "a temporary folder");
    base = name;
    root = base / "www";
    fs::create_directories(root);
  }
  ~Fixture() override { fs::remove_all(base); }
  void write(const fs::path& path, const std::string& text) {
    fs::create_directories(path.parent_path());
    std::ofstream{path, std::ios::binary} << text;
  }
  std::vector<std::string> load(const http::Options& o = {}) {
    return load_folder(root.string(), o, content);
  }
  // The octets of what stands at `path`: fields and content.
  std::string at(const std::string& path) {
    const Resource* r = content.find(path);
    if (r == nullptr) return "none";
    std::string all;
    const auto chunks = content.chunks();
    for (size_t i = r->first_piece; all.size() < r->size; ++i)
      all.append(reinterpret_cast<const char*>(chunks[i].data), chunks[i].size);
    return all;
  }
  fs::path base, root;
  Content content;
};
using FolderTest = Fixture;

TEST_F(FolderTest, files_are_served_by_name_and_folders_by_their_index) {
  write(root / "index.html", "<p>home");
  write(root / "a b" / "index.html", "<p>sub");
  write(root / "a b" / "x.TXT", "text");
  write(root / "empty.bin", "");
  fs::create_directory(root / "bare");
  EXPECT_EQ(load(), std::vector<std::string>{});
  EXPECT_TRUE(at("/").ends_with("\r\n\r\n<p>home"));
  EXPECT_EQ(content.find("/"), content.find("/index.html"));
  EXPECT_TRUE(at("/a b/").ends_with("\r\n\r\n<p>sub"));
  EXPECT_TRUE(at("/a b").starts_with("Location: /a%20b/\r\n"));
  EXPECT_EQ(content.find("/a b")->status, 301);
  EXPECT_TRUE(
      at("/a b/x.TXT").starts_with("Content-Type: text/plain; charset=utf-8\r\nContent-Length: 4\r\n"));
  EXPECT_TRUE(
      at("/empty.bin").starts_with("Content-Type: application/octet-stream\r\nContent-Length: 0\r\n"));
  EXPECT_EQ(at("/bare/"), "none");
}

TEST_F(FolderTest, hidden_files_are_not_served_but_for_the_well_known) {
  write(root / ".git" / "config", "secret");
  write(root / ".htpasswd", "secret");
  write(root / "sub" / ".well-known" / "x", "secret");
  write(root / ".well-known" / "security.txt", "public");
  EXPECT_EQ(load(), std::vector<std::string>{});
  for (const char* hidden : {"/.git", "/.git/", "/.git/config", "/.htpasswd", "/sub/.well-known/x"})
    EXPECT_EQ(at(hidden), "none") << hidden;
  EXPECT_TRUE(at("/.well-known/security.txt").ends_with("public"));
}

TEST_F(FolderTest, links_are_followed_inside_the_root_only) {
  write(base / "secret", "secret");
  write(base / "www2" / "secret", "secret");  // a name that begins like the root's
  write(root / "real.txt", "text");
  write(root / ".hidden", "secret");
  fs::create_directory(root / "sub");
  fs::create_symlink("../real.txt", root / "sub" / "good.txt");
  fs::create_symlink("../secret", root / "out1");
  fs::create_symlink(base / "www2" / "secret", root / "out2");
  fs::create_symlink("/etc", root / "out3");
  fs::create_symlink(".hidden", root / "out4");
  fs::create_symlink("..", root / "sub" / "loop");
  fs::create_symlink("nowhere", root / "broken");
  const auto complaints = load();
  EXPECT_EQ(complaints.size(), 6u);
  for (const std::string& c : complaints) EXPECT_NE(c.find(root.string()), std::string::npos) << c;
  EXPECT_TRUE(at("/sub/good.txt").ends_with("text"));
  for (const char* out : {"/out1", "/out2", "/out3", "/out3/passwd", "/out4", "/sub/loop", "/broken"})
    EXPECT_EQ(at(out), "none") << out;
}

TEST_F(FolderTest, what_cannot_be_served_is_told) {
  write(root / "big", std::string(1001, 'x'));
  write(root / "c", std::string(1000, 'x'));
  ASSERT_EQ(mkfifo((root / "pipe").c_str(), 0600), 0);
  http::Options o;
  o.file_max = 1000;
  auto complaints = load(o);
  ASSERT_EQ(complaints.size(), 2u);
  EXPECT_EQ(check_folder(root, o), complaints);
  EXPECT_NE(complaints[0].find("more than file_max, 1000"), std::string::npos) << complaints[0];
  EXPECT_NE(complaints[1].find("neither a file nor a folder"), std::string::npos) << complaints[1];
  o.file_max = 2000;
  o.content_max = 2000;
  content = {};
  complaints = load(o);
  ASSERT_EQ(complaints.size(), 1u);
  EXPECT_EQ(check_folder(root, o), complaints);
  EXPECT_NE(complaints[0].find("content_max, 2000"), std::string::npos) << complaints[0];
  o.files_max = 1;
  content = {};
  complaints = load(o);
  ASSERT_EQ(complaints.size(), 1u);
  EXPECT_EQ(check_folder(root, o), complaints);
  EXPECT_NE(complaints[0].find("files_max, 1"), std::string::npos) << complaints[0];
}

TEST_F(FolderTest, a_root_that_is_not_there_is_told) {
  root = base / "missing";
  const auto complaints = load();
  ASSERT_EQ(complaints.size(), 1u);
  EXPECT_NE(complaints[0].find("No such file"), std::string::npos);
}

TEST_F(FolderTest, content_of_several_pieces_comes_back_whole) {
  std::string big(2 * buf::ContentMemory::piece + 12345, '\0');
  for (size_t i = 0; i < big.size(); ++i) big[i] = static_cast<char>(i * 7 + i / 251);
  write(root / "a", "first");
  write(root / "big", big);
  write(root / "c", "last");
  EXPECT_EQ(load(), std::vector<std::string>{});
  EXPECT_TRUE(at("/big").ends_with(big));
  EXPECT_TRUE(at("/c").ends_with("\r\n\r\nlast"));
}

}  // namespace
}  // namespace sluice::serve

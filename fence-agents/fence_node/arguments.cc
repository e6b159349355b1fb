#include "fence-agents/fence_node/arguments.h"

#include <optional>

#include "base/text.h"

namespace fencepost::fence_node {
namespace {

Error Wrong(std::string what, std::string cause, std::string remedy = "see fence_node -h") {
  return {std::move(what), std::move(cause), std::move(remedy)};
}

class Parser {
 public:
  explicit Parser(const std::vector<std::string>& words) : words_(words) {}

  Result<Arguments> Parse() {
    if (words_.size() > kMaxArguments) {
      return Wrong("the command line", Cat("has more than ", kMaxArguments, " words"));
    }
    for (at_ = 0; at_ < words_.size() && !error_; ++at_) {
      const std::string& word = words_[at_];
      if (word.starts_with("--")) {
        Long(word);
      } else if (word.starts_with("-m")) {
        Method(word.size() > 2 ? word.substr(2) : ++at_ < words_.size() ? words_[at_] : "");
      } else if (word.size() > 1 && word[0] == '-') {
        for (const char letter : word.substr(1)) Letter(letter);
      } else {
        Node(word);
      }
    }
    if (!error_) CheckWhole();
    if (error_) return *error_;
    return std::move(out_);
  }

 private:
  void Fail(Error error) {
    if (!error_) error_ = std::move(error);
  }

  void Long(const std::string& word) {
    if (word == "--force") {
      out_.force = true;
    } else if (word == "--help") {
      out_.help = true;
    } else if (word == "--version") {
      out_.version = true;
    } else if (word == "--config" || word.starts_with("--config=")) {
      out_.config = word.size() > 8 ? word.substr(9) : ++at_ < words_.size() ? words_[at_] : "";
      if (out_.config.empty()) Fail(Wrong("--config", "needs a file", "write --config FILE"));
    } else {
      Fail(Wrong(word, "is not known"));
    }
  }

  void Method(const std::string& value) {
    const auto number = ParseInt(value, 1, kMaxMethod);
    if (!number) return Fail(Wrong("-m", "needs the number of a level", "1 is the first one"));
    out_.method = static_cast<int>(*number);
  }

  void Letter(char letter) {
    switch (letter) {
      case 'U':
        return Act(Action::kUnfence);
      case 'S':
        return Act(Action::kStatus);
      case 'v':
        ++out_.verbose;
        return;
      case 'h':
        out_.help = true;
        return;
      case 'V':
        out_.version = true;
        return;
      default:
        return Fail(Wrong(Cat("-", std::string(1, letter)), "is not known"));
    }
  }

  void Act(Action action) {
    if (out_.action != Action::kFence && out_.action != action) {
      return Fail(Wrong("-U and -S", "exclude each other", "give one of them"));
    }
    out_.action = action;
  }

  void Node(const std::string& word) {
    if (word.empty()) return Fail(Wrong("an empty word", "is no node", "name the node"));
    if (!out_.node.empty()) {
      return Fail(Wrong(word, "would be a second node", "name one node at a time"));
    }
    out_.node = word;
  }

  void CheckWhole() {
    if (out_.help || out_.version) return;
    if (out_.method != 0 && out_.action == Action::kUnfence) {
      return Fail(Wrong("-m", "does not go with -U", "-U powers on by every device"));
    }
    if (out_.node.empty() && out_.action != Action::kUnfence) {
      Fail(Wrong("the command line", "names no node"));
    }
  }

  const std::vector<std::string>& words_;
  std::size_t at_ = 0;
  Arguments out_;
  std::optional<Error> error_;
};

}  // namespace

std::string_view Name(Action action) {
  switch (action) {
    case Action::kFence:
      return "fence";
    case Action::kUnfence:
      return "unfence";
    case Action::kStatus:
      return "status";
  }
  return "";
}

Result<Arguments> ParseArguments(const std::vector<std::string>& words) {
  return Parser(words).Parse();
}

std::string_view Usage() {
  return "usage: fence_node [-v] [-m N] [--force] [--config FILE] NODE   fence it: off, proved\n"
         "       fence_node -U [-v] [--config FILE] [NODE]        power it on (this node)\n"
         "       fence_node -S [-v] [-m N] [--config FILE] NODE   is its power on or off?\n"
         "       fence_node -h | -V\n"
         "  -v       show what the agents say; -vv: also what they are told\n"
         "  -m N     use only level N of the node, counted from 1\n"
         "  --force  fence the node that this command runs on\n"
         "exit: 0 done, 1 failed, 2 no fence device is configured for the node\n";
}

}  // namespace fencepost::fence_node

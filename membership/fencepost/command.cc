#include "membership/fencepost/command.h"

#include <algorithm>
#include <exception>

#include "base/text.h"

namespace fencepost::command {
namespace {

namespace po = boost::program_options;

constexpr std::string_view kVersion = FENCEPOST_VERSION;

void PrintHelp(std::span<const Command> commands, std::ostream& out) {
  out << "Usage: fencepost SUBCOMMAND [OPTION...]\n\n";
  for (const Command& c : commands) {
    out << Cat("  ", c.name, " ", c.synopsis, "\n        ", c.help, "\n");
  }
  out << "\nManual: fencepost(8), fencepost.toml(5)\n";
}

// How many leading arguments are the words of the name; 0: not this command.
std::size_t Matches(std::string_view name, const Arguments& arguments) {
  const auto words = Split(name, ' ');
  if (arguments.size() < words.size()) return 0;
  return std::equal(words.begin(), words.end(), arguments.begin()) ? words.size() : 0;
}

bool AsksForHelp(const std::string& argument) { return argument == "--help" || argument == "-h"; }

int Run(const Command& command, const Arguments& arguments, Io& io) {
  if (std::any_of(arguments.begin(), arguments.end(), AsksForHelp)) {
    io.out << Cat("Usage: fencepost ", command.name, " ", command.synopsis, "\n", command.help,
                  "\n");
    return kDone;
  }
  try {
    return command.run(arguments, io);
  } catch (const std::exception& problem) {  // the libraries below us; none of ours throws
    io.err << Cat("fencepost ", command.name, ": ", problem.what(), "\n");
    return kFailed;
  }
}

}  // namespace

int RunCommand(std::span<const Command> commands, const Arguments& arguments, Io& io) {
  if (!arguments.empty() && arguments[0] == "--version") {
    io.out << "fencepost " << kVersion << "\n";
    return kDone;
  }
  if (!arguments.empty() && (AsksForHelp(arguments[0]) || arguments[0] == "help")) {
    PrintHelp(commands, io.out);
    return kDone;
  }
  const Command* best = nullptr;
  std::size_t best_words = 0;
  for (const Command& command : commands) {
    const std::size_t words = Matches(command.name, arguments);
    if (words > best_words) {
      best = &command;
      best_words = words;
    }
  }
  if (best != nullptr) {
    const auto rest = arguments.begin() + static_cast<std::ptrdiff_t>(best_words);
    return Run(*best, {rest, arguments.end()}, io);
  }
  if (!arguments.empty()) io.err << "fencepost: unknown subcommand " << arguments[0] << "\n";
  PrintHelp(commands, io.err);
  return kUsage;
}

Result<po::variables_map> ParseOptions(const po::options_description& options,
                                       const Arguments& arguments, const std::string& operand) {
  po::positional_options_description positional;
  if (!operand.empty()) positional.add(operand.c_str(), 1);
  try {
    po::variables_map values;
    // No guessing: an abbreviation that works today is another option tomorrow.
    const int style =
        po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(arguments)
                  .options(options)
                  .positional(positional)
                  .style(style)
                  .run(),
              values);
    po::notify(values);
    return values;
  } catch (const po::error& problem) {
    return Error{"the command line", problem.what(), "see --help"};
  }
}

int UsageError(const Error& error, Io& io) {
  io.err << "fencepost: " << error.Text() << "\n";
  return kUsage;
}

int Fail(const Error& error, Io& io) {
  io.err << error.Text() << "\n";
  return kFailed;
}

}  // namespace fencepost::command

#include "qdiskd/mkqdisk/mkqdisk.h"

#include "qdiskd/mkqdisk/context.h"

namespace fencepost::qdiskd::mkqdisk {
namespace {

int Perform(Context& context) {
  switch (context.options.action) {
    case Action::kCreate:
      return Create(context);
    case Action::kList:
    case Action::kFind:
      return List(context);
    case Action::kWhy:
      return Why(context);
    case Action::kProbe:
      return Probe(context);
    case Action::kVersion:
      return kDone;  // it is said already
    case Action::kHelp:
      break;
  }
  context.io.out << UsageText();
  return kDone;
}

}  // namespace

int Run(const std::vector<std::string>& arguments, Io& io) {
  const auto options = ParseOptions(arguments);
  if (!options.ok() || !options->json) io.out << "mkqdisk v" << FENCEPOST_VERSION << "\n\n";
  if (!options.ok()) {
    io.err << "mkqdisk: " << options.error().Text() << "\n";
    return kUsage;
  }
  auto loop = Loop::Create();
  if (!loop.ok()) {
    io.err << "mkqdisk: " << loop.error().Text() << "\n";
    return kFailed;
  }
  Context context(*options, *loop.value(), io);
  return Perform(context);
}

}  // namespace fencepost::qdiskd::mkqdisk

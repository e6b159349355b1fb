#include "membership/fencepostd/member_runner.h"

#include <algorithm>

#include "membership/fencepostd/settings.h"
#include "membership/fencepostd/tool_request.h"

namespace fencepost::daemon {
namespace {

constexpr std::string_view kAgentPath = "/usr/sbin:/usr/bin:/sbin:/bin";
constexpr std::size_t kMaxComplaint = 200;  // of what an agent said, in a fact

seal::Nonce24 NewNonce(NodeIdentity& identity) {
  ByteWriter w;
  while (w.size() < seal::kNonceBytes) w.Put(identity.Random());
  seal::Nonce24 nonce{};
  std::copy_n(w.bytes().begin(), nonce.size(), nonce.begin());
  return nonce;
}

std::string LastLine(std::string_view text) {
  text = Trim(text);
  const auto at = text.rfind('\n');
  if (at != std::string_view::npos) text = Trim(text.substr(at + 1));
  return std::string(text.substr(0, kMaxComplaint));
}

}  // namespace

Bytes EncodeCounter(std::uint64_t value) {
  ByteWriter w;
  w.Put(value);
  return w.Take();
}

Result<std::uint64_t> DecodeCounter(std::string_view name, ByteView bytes) {
  ByteReader r(bytes);
  const auto value = r.Get<std::uint64_t>();
  if (r.Done()) return value;
  return Error{Cat("the stored counter '", name, "'"), "is damaged",
               "fence this node, remove its state, then run 'fencepost init' on it"};
}

MemberRunner::MemberRunner(RunnerSettings settings, MemberPorts ports,
                           std::function<void(Status)> ended)
    : settings_(std::move(settings)),
      ports_(ports),
      ended_(std::move(ended)),
      sealed_(settings_.key, settings_.config.cluster_id) {}

MemberRunner::~MemberRunner() {
  alive_.reset();
  ports_.clock.Cancel(timer_);
}

Status MemberRunner::LoadState(node::MemberSettings& settings, std::uint64_t& incarnation) {
  auto voter = ports_.state.Load(kVoterName);
  if (!voter) return voter.error();
  if (*voter) {
    const auto state = quorum::DecodeVoterState(**voter);
    if (!state) return state.error();
    settings.voter_state = *state;
  }
  for (const auto& [name, counter] :
       {std::pair{kTermName, &settings.term_counter}, std::pair{kIncarnationName, &incarnation}}) {
    const auto stored = ports_.state.Load(name);
    if (!stored) return stored.error();
    if (!*stored) continue;
    const auto value = DecodeCounter(name, **stored);
    if (!value) return value.error();
    *counter = *value;
  }
  return Ok{};
}

Status MemberRunner::Begin() {
  auto settings = SettingsOf(settings_.config, settings_.cib, settings_.self);
  if (!settings) return settings.error();
  const auto boot = ports_.identity.Boot();
  if (!boot) return boot.error();
  settings->boot = *boot;
  std::uint64_t incarnation = 0;
  const Status loaded = LoadState(*settings, incarnation);
  if (!loaded) return loaded;
  settings->incarnation = Incarnation(incarnation + 1);
  ports_.state.Store(kIncarnationName, EncodeCounter(incarnation + 1),
                     Guarded([this, begin = *settings](const Status& stored) {
                       if (over_) return;
                       if (!stored) return End(stored);
                       Run(begin);
                     }));
  return Ok{};
}

void MemberRunner::Run(node::MemberSettings settings) {
  const MonoTime now = ports_.clock.Now();
  ports_.facts.Record(Fact{Severity::kNotice, "fencepostd-started", {}}
                          .With("node", settings_.self)
                          .With("incarnation", settings.incarnation)
                          .With("digest", Hex(settings.digest))
                          .With("votes", settings.voter_state.has_value()));
  if (!settings.voter_state) {
    Say(Severity::kWarning, "does-not-vote",
        "there is no voter state; if this node is new, run 'fencepost init' on it");
  }
  member_.emplace(std::move(settings), now);
  ports_.network.OnReceive(Guarded([this](ByteView datagram) { Receive(datagram); }));
  ServeTools();
  Deliver(node::event::Wake{});
  if (ports_.qdiskd != nullptr) ConnectToDisk();
}

void MemberRunner::Leave() {
  if (over_) return;
  if (!member_) return End(Ok{});
  Deliver(node::event::Leave{});
}

void MemberRunner::Abandon() {
  if (over_) return;
  End(Error{"the end", "was asked for twice: without handing over", ""});
}

void MemberRunner::End(Status status) {
  over_ = true;
  StopWatchdog();
  ports_.clock.Cancel(timer_);
  timer_ = ports_.clock.CallAt(ports_.clock.Now(),
                               Guarded([this, status = std::move(status)] { ended_(status); }));
}

void MemberRunner::Deliver(const node::MemberEvent& event) {
  if (over_) return;
  Perform(member_->Step(ports_.clock.Now(), event));
}

void MemberRunner::Perform(node::MemberEffects effects) {
  for (const Fact& fact : effects.facts) ports_.facts.Record(fact);
  for (const messaging::Packet& packet : effects.packets) SendPacket(packet);
  if (ports_.qdiskd != nullptr) {
    for (const auto& message : effects.to_disk) ports_.qdiskd->Send(qdiskd::Encode(message));
  }
  if (effects.store_voter) StoreVoter(*effects.store_voter);
  if (effects.store_counter) StoreCounter(*effects.store_counter);
  for (const auto& start : effects.start_processes) StartResourceAgent(start);
  for (const auto& start : effects.start_agents) StartFenceAgent(start);
  for (const executor::ProcessNumber number : effects.kill_processes) {
    const auto process = resource_agents_.find(number);
    if (process != resource_agents_.end()) ports_.processes.Kill(process->second);
  }
  for (const stonith::RunId run : effects.kill_agents) {
    const auto process = fence_agents_.find(run);
    if (process != fence_agents_.end()) ports_.processes.Kill(process->second);
  }
  if (effects.feed_before) FeedWatchdog(*effects.feed_before);
  if (effects.left) return End(watchdog_trouble_ ? Status(*watchdog_trouble_) : Ok{});
  SetTimer(effects.wake_at);
}

// The time between the decision and now was no more under anybody's control than any other.
void MemberRunner::FeedWatchdog(MonoTime before) {
  if (condemned_ || ports_.watchdog == nullptr || watchdog_trouble_) return;
  if (ports_.clock.Now() >= before) return;
  if (watchdog_armed_) return ports_.watchdog->Feed();
  ArmWatchdog();
}

void MemberRunner::ArmWatchdog() {
  const Duration timeout = settings_.config.timing.watchdog;
  Status armed = ports_.watchdog->Arm(timeout);
  if (armed && ports_.watchdog->Timeout() != timeout) {
    armed = Error{settings_.config.watchdog_device,
                  Cat("was set to ", timeout, " and took ", ports_.watchdog->Timeout()),
                  "set timeout of [watchdog] to what '" + ports_.watchdog->Identity() + "' can do"};
    const Status stopped = ports_.watchdog->Disarm();
    if (!stopped) Say(Severity::kCritical, "watchdog-left-armed", stopped.error().Text());
  }
  ports_.clock.CallAt(ports_.clock.Now(), Guarded([this, armed] {
                        if (over_) return;
                        if (armed) return Deliver(node::event::WatchdogArmed{});
                        if (member_->RunsNothing()) return End(armed);
                        Leave();
                      }));
  if (!armed) {
    watchdog_trouble_ = armed.error();
    return Say(Severity::kCritical, "watchdog-not-armed", armed.error().Text());
  }
  watchdog_armed_ = true;
  ports_.facts.Record(Fact{Severity::kNotice, "watchdog-armed", {}}
                          .With("node", settings_.self)
                          .With("driver", ports_.watchdog->Identity())
                          .With("timeout", timeout)
                          .With("evidence", WatchdogIsEvidence()));
}

// Not where something runs: without this daemon only the watchdog is left to end it.
void MemberRunner::StopWatchdog() {
  if (condemned_) return;  // it is to bite
  if (!watchdog_armed_) return;
  watchdog_armed_ = false;
  if (!member_->RunsNothing()) {
    return Say(Severity::kCritical, "watchdog-left-armed",
               "something may still run here: the node is reset unless the daemon is back in time");
  }
  const Status stopped = ports_.watchdog->Disarm();
  if (!stopped) Say(Severity::kCritical, "watchdog-left-armed", stopped.error().Text());
}

bool MemberRunner::WatchdogIsEvidence() const {
  switch (settings_.config.watchdog_evidence) {
    case config::WatchdogEvidence::kYes:
      return true;
    case config::WatchdogEvidence::kNo:
      return false;
    case config::WatchdogEvidence::kAuto:
      break;
  }
  return ports_.watchdog->IsHardware() && !settings_.on_guest;
}

// Nothing is fed after the answer, by this daemon or a later one of this boot, which qdiskd has
// marked. So the node is dead a time-out later, whatever it does.
void MemberRunner::Die(const qdiskd::local::Die& die) {
  condemned_ = true;
  const bool proof = watchdog_armed_ && !watchdog_trouble_ && WatchdogIsEvidence();
  const Duration watchdog = proof ? ports_.watchdog->Timeout() : Duration();
  ports_.facts.Record(Fact{Severity::kCritical, "watchdog-not-fed-any-more", {}}
                          .With("node", settings_.self)
                          .With("told_by", die.by)
                          .With("kind", qdiskd::ToText(die.kind))
                          .With("evidence", watchdog));
  ports_.qdiskd->Send(qdiskd::Encode(qdiskd::ToQdiskd(qdiskd::local::FeedingEnded{watchdog})));
}

WatchdogStatus MemberRunner::WatchdogNow() const {
  if (ports_.watchdog == nullptr) return {};
  return {watchdog_armed_, WatchdogIsEvidence(), ports_.watchdog->Identity()};
}

void MemberRunner::SetTimer(MonoTime when) {
  ports_.clock.Cancel(timer_);
  timer_ = when == kNever
               ? 0
               : ports_.clock.CallAt(when, Guarded([this] { Deliver(node::event::Wake{}); }));
}

void MemberRunner::SendPacket(const messaging::Packet& packet) {
  ++traffic_.sent;
  ports_.network.Send(packet.to,
                      sealed_.Seal(NewNonce(ports_.identity), messaging::Encode(packet)));
}

void MemberRunner::Receive(ByteView datagram) {
  ++traffic_.received;
  const auto opened = sealed_.Open(datagram);
  if (!opened) {
    return Trouble("datagram-not-opened", traffic_.not_opened,
                   "it is not sealed under this cluster's key: another key on a node, another "
                   "cluster on this port, or noise");
  }
  const auto packet = messaging::Decode(*opened);
  if (!packet) return Trouble("packet-not-read", traffic_.not_read, packet.error().Text());
  Deliver(node::event::PacketReceived{*packet});
}

void MemberRunner::ConnectToDisk() {
  LocalClient::Handler handler;
  handler.connected = Guarded([this] { Deliver(node::event::DiskConnected{}); });
  handler.message = Guarded([this](ByteView message) { FromDisk(message); });
  handler.gone = Guarded([this] { Deliver(node::event::DiskGone{}); });
  ports_.qdiskd->Connect(std::move(handler));
}

void MemberRunner::FromDisk(ByteView message) {
  const auto decoded = qdiskd::DecodeFromQdiskd(message);
  if (!decoded) {
    return Trouble("qdiskd-message-not-read", traffic_.disk_not_read, decoded.error().Text());
  }
  if (const auto* die = std::get_if<qdiskd::local::Die>(&*decoded)) return Die(*die);
  Deliver(node::event::FromDisk{*decoded});
}

void MemberRunner::StoreVoter(const quorum::VoterState& state) {
  ports_.state.Store(kVoterName, quorum::EncodeVoterState(state),
                     Guarded([this](const Status& stored) {
                       if (!stored) {
                         Say(Severity::kError, "state-not-stored", stored.error().Text());
                       }
                       Deliver(node::event::VoterStored{stored.ok()});
                     }));
}

void MemberRunner::StoreCounter(std::uint64_t counter) {
  ports_.state.Store(kTermName, EncodeCounter(counter), Guarded([this](const Status& stored) {
                       if (!stored) {
                         Say(Severity::kError, "state-not-stored", stored.error().Text());
                       }
                       Deliver(node::event::CounterStored{stored.ok()});
                     }));
}

void MemberRunner::StartResourceAgent(const executor::StartProcess& start) {
  Command command{start.path, start.argv, start.environment, "", true};
  resource_agents_[start.process] = ports_.processes.Start(
      command, start.kill_at,
      Guarded([this, start](const ProcessEnd& end) { ResourceAgentEnded(start, end); }));
}

void MemberRunner::ResourceAgentEnded(const executor::StartProcess& start, const ProcessEnd& end) {
  resource_agents_.erase(start.process);
  const bool asked = start.action == ResourceAction::kProbe;  // "not running" is no complaint
  const std::string complaint = LastLine(end.errors);
  if (!asked && end.exit_code != kOcfSuccess && !complaint.empty()) {
    ports_.facts.Record(Fact{Severity::kWarning, "agent-said", {}}
                            .With("resource", start.resource)
                            .With("action", std::string(ToText(start.action)))
                            .With("text", complaint));
  }
  Deliver(node::event::AgentProcessEnded{
      {start.process, end.started, end.missing, end.killed, end.exit_code}});
}

void MemberRunner::StartFenceAgent(const stonith::StartAgent& start) {
  Command command;
  command.path = Cat(settings_.config.paths.agent_dir, "/", start.agent);
  command.otherwise = {Cat(config::kForeignAgentDir, "/", start.agent)};
  command.argv = {start.agent};
  command.environment = {{"PATH", std::string(kAgentPath)}, {"LC_ALL", "C"}};
  command.stdin_text = start.stdin_text;
  fence_agents_[start.run] = ports_.processes.Start(
      command, start.kill_at, Guarded([this, run = start.run](const ProcessEnd& end) {
        fence_agents_.erase(run);
        Deliver(node::event::FenceAgentEnded{
            {run, end.started, end.killed, end.exit_code, end.errors}});
      }));
}

void MemberRunner::ServeTools() {
  LocalServer::Handler handler;
  handler.connected = Guarded([this](PeerId peer, std::uint32_t user) {
    if (user == 0 || user == settings_.own_user) return;
    ports_.tools.Drop(peer);
    Trouble("tool-refused", traffic_.tools_refused, Cat("its user is ", user, ", not root"));
  });
  handler.message = Guarded([this](PeerId peer, ByteView message) { OnTool(peer, message); });
  handler.gone = Guarded([](PeerId) {});
  ports_.tools.Serve(std::move(handler));
}

void MemberRunner::OnTool(PeerId peer, ByteView message) {
  const auto answer = [&](const std::string& text) {
    ports_.tools.Send(peer, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  };
  const auto request = ParseToolRequest(message);
  if (!request) {
    answer(ErrorAnswer(request.error()));
    return Trouble("tool-not-understood", traffic_.tools_not_read, request.error().Text());
  }
  if (request->command == ToolCommand::kStatus) {
    const MonoTime now = ports_.clock.Now();
    return answer(StatusAnswer(member_->Status(now), settings_.config, settings_.cib, traffic_,
                               WatchdogNow()));
  }
  if (request->command == ToolCommand::kShowAttributes) {
    return answer(AttributesAnswer(member_->Status(ports_.clock.Now()), request->attribute));
  }
  if (request->command == ToolCommand::kSetAttribute) {
    const Attributes& attributes = member_->attributes();
    if (request->value && attributes.size() >= kMaxTransientAttributes &&
        attributes.count(request->attribute) == 0) {
      return answer(ErrorAnswer(Error{
          Cat("attribute ", request->attribute),
          Cat("is one too many: this node has ", kMaxTransientAttributes), "remove others first"}));
    }
    answer(DoneAnswer());
    return Deliver(
        node::event::SetAttribute{request->attribute, request->value, request->lapses_after});
  }
  if (request->command == ToolCommand::kCleanup &&
      !HasPrimitive(settings_.cib, request->resource)) {
    return answer(ErrorAnswer(Error{request->resource, "there is no such primitive in the CIB",
                                    "see 'fencepost status'"}));
  }
  if (request->command == ToolCommand::kConfirm || request->command == ToolCommand::kFenced) {
    return answer(SayOff(*request));
  }
  answer(DoneAnswer());
  if (request->command == ToolCommand::kLeave) return Leave();
  Deliver(node::event::Cleanup{request->resource});
}

// What somebody says about the power of a node.
std::string MemberRunner::SayOff(const ToolRequest& request) {
  const auto node = NodeNamed(settings_.cib, request.node);
  if (!node) {
    return ErrorAnswer(Error{request.node, "there is no such node", "see 'fencepost status'"});
  }
  if (request.command == ToolCommand::kConfirm) {
    if (const auto why = member_->WhyNotConfirmed(*node)) return ErrorAnswer(*why);
    Deliver(node::event::Confirm{*node, request.by, request.reason});
    return DoneAnswer();
  }
  if (request.begun_at > ports_.clock.Now()) {
    return ErrorAnswer(Error{request.node, "its power was asked for in the future",
                             "begun_ns counts on CLOCK_BOOTTIME of this node"});
  }
  Deliver(node::event::ToldOff{*node, request.begun_at, request.by, request.device});
  return DoneAnswer();
}

void MemberRunner::Trouble(std::string_view what, std::uint64_t& count, const std::string& why) {
  ++count;
  const MonoTime now = ports_.clock.Now();
  const auto told = told_.find(what);
  if (told != told_.end() && now - told->second < kTroubleEvery) return;
  told_[what] = now;
  ports_.facts.Record(Fact{Severity::kWarning, what, {}}
                          .With("node", settings_.self)
                          .With("so_far", count)
                          .With("why", why));
}

void MemberRunner::Say(Severity severity, std::string_view name, const std::string& why) {
  ports_.facts.Record(Fact{severity, name, {}}.With("node", settings_.self).With("why", why));
}

}  // namespace fencepost::daemon

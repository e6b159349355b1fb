#include "tests/doubles/iscsi/target.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/big_endian.h"
#include "base/text.h"

namespace fencepost::doubles {
namespace {

constexpr int kBacklog = 16;
constexpr std::uint8_t kLun = 1;
constexpr int kAbortTask = 1, kAbortTaskSet = 2, kClearTaskSet = 4, kUnitResetFunction = 5;
constexpr int kComplete = 0, kNoSuchTask = 1, kNotSupported = 5;  // 11.6.1

Fault::On KindOf(std::uint8_t code) {
  switch (code) {
    case 0x28:
    case 0x88:
      return Fault::On::kRead;
    case 0x2A:
    case 0x8A:
      return Fault::On::kWrite;
    case 0x89:
      return Fault::On::kCompare;
    case 0x5E:
      return Fault::On::kReserveIn;
    case 0x5F:
      return Fault::On::kReserveOut;
    default:
      return Fault::On::kAny;
  }
}

bool Touches(const Fault& fault, const Bytes& cdb, std::uint32_t sector) {
  if (fault.low == 0 && fault.high == ~std::uint64_t{0}) return true;
  const Fault::On kind = KindOf(cdb[0]);
  const bool ranged =
      kind == Fault::On::kRead || kind == Fault::On::kWrite || kind == Fault::On::kCompare;
  if (!ranged) return false;
  const bool ten = cdb[0] < 0x80;
  const ByteView view(cdb);
  const std::uint64_t from = BigEndian(view.subspan(2, ten ? 4 : 8)) * sector;
  const std::uint64_t count = ten              ? BigEndian(view.subspan(7, 2))
                              : cdb[0] == 0x89 ? cdb[13]
                                               : BigEndian(view.subspan(10, 4));
  return from <= fault.high && from + count * sector > fault.low;
}

}  // namespace

IscsiTarget::IscsiTarget(Loop& loop, Settings settings)
    : loop_(loop),
      settings_(std::move(settings)),
      unit_(settings_.unit, [this](const auto& of) { Settle(&of); }) {}

IscsiTarget::~IscsiTarget() {
  *alive_ = false;
  for (Listener& listener : listeners_) loop_.Unwatch(listener.watch);
  for (Parked& parked : parked_) loop_.Cancel(parked.timer);
  parked_.clear();
  const auto connections = std::move(connections_);
  connections_.clear();
  for (const auto& connection : connections) connection->Close();
}

Result<std::unique_ptr<IscsiTarget>> IscsiTarget::Open(Loop& loop, Settings settings) {
  std::unique_ptr<IscsiTarget> target(new IscsiTarget(loop, std::move(settings)));
  for (const std::uint16_t port : target->settings_.ports) {
    target->listeners_.emplace_back().port = port;
    const Status listening = target->Listen(target->listeners_.size() - 1);
    if (!listening) return listening.error();
  }
  return target;
}

Status IscsiTarget::Listen(std::size_t portal) {
  Listener& listener = listeners_[portal];
  listener.fd = UniqueFd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  setsockopt(listener.fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(listener.port);
  inet_pton(AF_INET, settings_.address.c_str(), &address.sin_addr);
  socklen_t length = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener.fd.get(), generic, length) != 0 || listen(listener.fd.get(), kBacklog) != 0 ||
      getsockname(listener.fd.get(), generic, &length) != 0) {
    return Error{Cat("portal ", settings_.address, ":", listener.port), std::strerror(errno), ""};
  }
  listener.port = ntohs(address.sin_port);
  listener.watch =
      loop_.WatchFd(listener.fd.get(), EPOLLIN, [this, portal](std::uint32_t) { Accept(portal); });
  return Ok{};
}

std::string IscsiTarget::Portal(std::size_t portal) const {
  return Cat(settings_.address, ":", listeners_.at(portal).port);
}

std::string IscsiTarget::Url(std::size_t portal) const {
  return Cat("iscsi://", Portal(portal), "/", settings_.name, "/", int{kLun});
}

void IscsiTarget::Accept(std::size_t portal) {
  UniqueFd fd(accept4(listeners_[portal].fd.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (fd.get() < 0) return;
  const int on = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  connections_.push_back(std::make_shared<Connection>(
      loop_, std::move(fd), static_cast<int>(portal), settings_.name,
      Connection::Handler{[this](Connection& c) { return Login(c); },
                          [this](const std::shared_ptr<Command>& c) { Run(c); },
                          [this](Connection& c, int f, std::uint32_t tag) { Manage(c, f, tag); },
                          [this](Connection& c) { Ended(c); }}));
  connections_.back()->Start();
}

Fault* IscsiTarget::Match(Fault::On on, const std::string& nexus, const Bytes* cdb) {
  for (Fault& fault : faults_) {
    const bool command = on != Fault::On::kLogin && on != Fault::On::kReset;
    if (fault.on != on && !(fault.on == Fault::On::kAny && command)) continue;
    if (fault.left < 0 || nexus.find(fault.from) == std::string::npos) continue;
    if (cdb != nullptr && !Touches(fault, *cdb, unit_.settings().sector_bytes)) continue;
    if (fault.skip > 0) {
      --fault.skip;
      continue;
    }
    if (fault.left > 0 && --fault.left == 0) fault.left = -1;  // spent
    ++struck_;
    return &fault;
  }
  return nullptr;
}

int IscsiTarget::Login(Connection& connection) {
  const Fault* fault = Match(Fault::On::kLogin, connection.nexus(), nullptr);
  if (fault != nullptr)
    return fault->act == Fault::Act::kStatus ? static_cast<int>(fault->number) : 0x0300;
  const Nexus nexus = connection.nexus();
  if (settings_.reinstates) {
    const std::vector<Nexus> same = {nexus};
    for (const auto& other : std::list(connections_)) {
      if (other.get() == &connection || !other->full_feature() || other->nexus() != nexus) continue;
      Settle(&same);
      other->Close();
    }
  }
  unit_.Attach(nexus);
  return 0;
}

void IscsiTarget::Ended(Connection& connection) {
  for (auto it = parked_.begin(); it != parked_.end();) {
    const auto of = it->command->of.lock();
    if (!it->inside && of.get() == &connection) {
      loop_.Cancel(it->timer);
      it = parked_.erase(it);
    } else {
      ++it;
    }
  }
  connections_.remove_if([&](const auto& each) { return each.get() == &connection; });
}

void IscsiTarget::Run(const std::shared_ptr<Command>& command) {
  const Fault* fault = Match(KindOf(command->cdb[0]), command->nexus, &command->cdb);
  Twist twist;
  if (fault != nullptr) {
    using Act = Fault::Act;
    const auto connection = command->of.lock();
    switch (fault->act) {
      case Act::kDelay:
        return Park(command, false, Millis(fault->number));
      case Act::kLate:
        return Park(command, true, Millis(fault->number));
      case Act::kDrop:
        return;
      case Act::kClose:
        return connection->Close();
      case Act::kError:
        return connection->Answer(*command, Check(static_cast<int>(fault->number), fault->ascq));
      case Act::kStatus:
        return connection->Answer(*command, {static_cast<int>(fault->number), 0, 0, {}});
      case Act::kTear:
        twist.only_bytes = static_cast<std::uint64_t>(fault->number);
        break;
      case Act::kLose:
        twist.lost = true;
        break;
      case Act::kShift:
        twist.shift = fault->number;
        break;
      case Act::kStale:
        twist.stale = true;
        break;
    }
  }
  Execute(*command, twist);
}

void IscsiTarget::Execute(const Command& command, const Twist& twist) {
  ++executed_;
  const ScsiAnswer answer = unit_.Execute(command.nexus, command.cdb, command.data, twist);
  if (const auto connection = command.of.lock()) connection->Answer(command, answer);
}

void IscsiTarget::Park(const std::shared_ptr<Command>& command, bool inside, Duration wait) {
  parked_.push_back({command, inside, 0, {}});
  const auto place = std::prev(parked_.end());
  place->timer = loop_.CallAt(loop_.Now() + wait, [this, place] {
    const std::shared_ptr<Command> due = place->command;
    parked_.erase(place);
    Execute(*due, {});
  });
}

// What is inside the storage is done now; what only waited is forgotten.
void IscsiTarget::Settle(const std::vector<Nexus>* of) {
  std::vector<std::shared_ptr<Command>> inside;
  for (auto it = parked_.begin(); it != parked_.end();) {
    const Nexus& nexus = it->command->nexus;
    if (of != nullptr && std::find(of->begin(), of->end(), nexus) == of->end()) {
      ++it;
      continue;
    }
    loop_.Cancel(it->timer);
    if (it->inside) inside.push_back(it->command);
    it = parked_.erase(it);
  }
  for (const auto& command : inside) {
    command->of.reset();  // aborted: it is not answered
    Execute(*command, {});
  }
}

void IscsiTarget::Manage(Connection& connection, int function, std::uint32_t tag) {
  const Fault* fault = Match(Fault::On::kReset, connection.nexus(), nullptr);
  if (fault != nullptr && fault->act == Fault::Act::kDrop) return;
  if (fault != nullptr) return connection.AnswerManagement(tag, kNotSupported);
  const std::vector<Nexus> own = {connection.nexus()};
  switch (function) {
    case kAbortTask:
      return connection.AnswerManagement(tag, kNoSuchTask);
    case kAbortTaskSet:
      Settle(&own);
      break;
    case kClearTaskSet:
      Settle(nullptr);
      break;
    case kUnitResetFunction:
      if (settings_.reset_waits) Settle(nullptr);
      unit_.Reset();
      break;
    default:
      return connection.AnswerManagement(tag, kNotSupported);
  }
  connection.AnswerManagement(tag, kComplete);
}

void IscsiTarget::Hang(std::size_t portal, bool hung) {
  Listener& listener = listeners_.at(portal);
  listener.hung = hung;
  if (!listener.down) loop_.Rewatch(listener.watch, hung ? 0 : static_cast<std::uint32_t>(EPOLLIN));
  for (const auto& connection : std::list(connections_)) {
    if (connection->portal() == static_cast<int>(portal)) connection->SetHung(hung);
  }
}

void IscsiTarget::Down(std::size_t portal, bool down) {
  Listener& listener = listeners_.at(portal);
  if (listener.down == down) return;
  listener.down = down;
  if (!down) {
    const Status listening = Listen(portal);
    FENCEPOST_CHECK(listening.ok());  // the port was ours a moment ago
    return;
  }
  loop_.Unwatch(std::exchange(listener.watch, 0));
  listener.fd = UniqueFd();
  for (const auto& connection : std::list(connections_)) {
    if (connection->portal() == static_cast<int>(portal)) connection->Close();
  }
}

void IscsiTarget::Kick() {
  for (const auto& connection : std::list(connections_)) connection->Close();
}

std::size_t IscsiTarget::sessions() const {
  return static_cast<std::size_t>(
      std::count_if(connections_.begin(), connections_.end(),
                    [](const auto& connection) { return connection->full_feature(); }));
}

}  // namespace fencepost::doubles

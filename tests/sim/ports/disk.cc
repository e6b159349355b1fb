#include "tests/sim/ports/disk.h"

#include <algorithm>

namespace fencepost::sim {

namespace {
constexpr std::uint64_t kTornWithin = 200;  // bytes
}  // namespace

SimDisk::SimDisk(Timeline& world, Settings settings)
    : world_(world),
      settings_(std::move(settings)),
      medium_(settings_.size_bytes, 0),
      latency_low_(settings_.latency_low),
      latency_high_(settings_.latency_high) {}

void SimDisk::SetLatency(Duration low, Duration high) {
  latency_low_ = low;
  latency_high_ = high;
}

IoError SimDisk::Fail(IoKind kind, const std::string& what) const {
  return {kind, Cat(settings_.name, ": ", what)};
}

void SimDisk::WhenMoving(NodeId node, std::function<void()> call) {
  if (Stalls(node)) {
    stalled_.emplace_back(node, std::move(call));
  } else {
    call();
  }
}

void SimDisk::SetLie(Lie lie, std::uint64_t shift) {
  lie_ = lie;
  shift_ = shift;
}

// As WhenMoving, for what goes from the disk to the node.
void SimDisk::WhenHeard(NodeId node, std::function<void()> call) {
  if (deaf_.count(node) == 0) return WhenMoving(node, std::move(call));
  ++seen_.unheard;
  stalled_.emplace_back(
      node, [this, node, call = std::move(call)]() mutable { WhenHeard(node, std::move(call)); });
}

void SimDisk::RunStalled() {
  auto waiting = std::move(stalled_);
  stalled_.clear();
  for (auto& [node, call] : waiting) {
    world_.At(world_.Now(), [this, node = node, call = std::move(call)]() mutable {
      WhenMoving(node, std::move(call));
    });
  }
}

void SimDisk::Resume() {
  hung_ = false;
  RunStalled();
}

void SimDisk::Heal(NodeId node) {
  cut_.erase(node);
  deaf_.erase(node);
  RunStalled();
}

void SimDisk::Kill() {
  up_ = false;
  hung_ = false;
  const auto sessions = std::move(sessions_);
  sessions_.clear();
  for (const auto& session : sessions) EndSession(session, Fail(IoKind::kClosed, "target died"));
  const auto requests = requests_;
  for (const auto& request : requests) Settle(request);
  stalled_.clear();  // the connections are reset: what is under way towards it is not sent again
}

int SimDisk::PendingWrites() const {
  return static_cast<int>(
      std::count_if(requests_.begin(), requests_.end(), [](const RequestPtr& r) {
        return r->is_write && !r->session->open && !r->landed && !r->gone;
      }));
}

// The barrier: what an earlier session of this node had under way is over when this returns.
Result<DeviceInfo, IoError> SimDisk::Attach(const std::shared_ptr<Session>& session) {
  if (!up_) return Fail(IoKind::kUnreachable, "connection refused");
  if (denied_) return Fail(IoKind::kDenied, "authentication failed");
  DeviceInfo info{settings_.sector_bytes, settings_.size_bytes, settings_.designator, ""};
  if (session->writer) {
    if (settings_.barrier == Barrier::kNone) {
      return Fail(IoKind::kNoBarrier, "this disk cannot keep older writes from landing");
    }
    const auto rival = [&](const std::shared_ptr<Session>& other) {
      return other->writer && other->open && other->node == session->node;
    };
    if (settings_.barrier == Barrier::kLock) {
      const bool pending = std::any_of(requests_.begin(), requests_.end(), [&](const auto& r) {
        return r->is_write && r->session->node == session->node && !r->landed && !r->gone;
      });
      if (pending || std::any_of(sessions_.begin(), sessions_.end(), rival)) {
        return Fail(IoKind::kConflict, "locked by another writer of this node");
      }
    }
    for (const auto& other : sessions_) {
      if (rival(other)) other->shut_out = true;
    }
    const auto requests = requests_;
    for (const auto& request : requests) {
      if (request->is_write && request->session->node == session->node) Settle(request);
    }
    ++seen_.barriers;
    info.barrier = settings_.barrier == Barrier::kLock ? "lock" : "reservation";
  }
  std::erase_if(sessions_, [](const auto& other) { return !other->open; });
  sessions_.push_back(session);
  return info;
}

void SimDisk::Submit(const RequestPtr& request) {
  requests_.push_back(request);
  world_.After(Latency(), [this, request] { Execute(request); });
}

void SimDisk::Execute(const RequestPtr& request) {
  if (request->gone || request->begun || request->landed) return;  // settled by a barrier meanwhile
  if (world_.Now() < request->not_before) {
    world_.At(request->not_before, [this, request] { Execute(request); });
    return;
  }
  if (Stalls(request->session->node)) {
    return WhenMoving(request->session->node, [this, request] { Execute(request); });
  }
  if (!up_) return;
  request->begun = true;
  if (!request->is_write) return ReadPart(request, 0);
  if (request->session->shut_out) {
    ++seen_.shut_out;
    request->gone = true;
    return Answer(request, Fail(IoKind::kConflict, "reservation conflict"));
  }
  if (IsBad(*request)) {
    request->gone = true;
    return Answer(request, Fail(IoKind::kMedium, "medium error"));
  }
  if (read_only_) {
    request->gone = true;
    return Answer(request, Fail(IoKind::kReadOnly, "write protected"));
  }
  LandFirst(request);
  world_.After(Latency() / 4, [this, request] { LandRest(request); });
}

bool SimDisk::IsBad(const Request& request) const {
  return request.offset < bad_begin_ + bad_bytes_ &&
         bad_begin_ < request.offset + request.data.size();
}

void SimDisk::LandFirst(const RequestPtr& request) {
  if (!request->session->open) ++seen_.late_writes;
  const Lie lie = std::exchange(lie_once_, false) ? Lie::kLost : lie_;
  seen_.lies += lie != Lie::kNone ? 1 : 0;
  if (lie == Lie::kLost || lie == Lie::kTorn) request->landed = true;  // that was all
  if (lie == Lie::kLost) return;
  if (lie == Lie::kMisdirected) {
    request->offset =
        std::min<std::uint64_t>(request->offset + shift_, medium_.size() - request->data.size());
  }
  if (lie == Lie::kTorn || request->torn) {  // within a sector: a heartbeat is no longer than that
    const auto torn = static_cast<std::ptrdiff_t>(1 + world_.rng().Below(kTornWithin));
    std::copy(request->data.begin(), request->data.begin() + torn,
              medium_.begin() + static_cast<std::ptrdiff_t>(request->offset));
    return;
  }
  const std::uint64_t half = request->data.size() / 2 / settings_.sector_bytes;
  const auto bytes = static_cast<std::ptrdiff_t>(half * settings_.sector_bytes);
  std::copy(request->data.begin(), request->data.begin() + bytes,
            medium_.begin() + static_cast<std::ptrdiff_t>(request->offset));
}

void SimDisk::LandRest(const RequestPtr& request) {
  if (request->gone) return;
  if (request->torn) {
    ++seen_.torn_writes;
    request->gone = true;
    return;
  }
  if (!request->landed) {
    std::copy(request->data.begin(), request->data.end(),
              medium_.begin() + static_cast<std::ptrdiff_t>(request->offset));
    request->landed = true;
  }
  Answer(request, Bytes());
}

void SimDisk::ReadPart(const RequestPtr& request, std::size_t from) {
  if (request->gone) return;
  if (read_errors_ || IsBad(*request))
    return Answer(request, Fail(IoKind::kMedium, "medium error"));
  const std::size_t size = request->data.size();
  const std::size_t sectors = size / settings_.sector_bytes;
  const std::size_t part = std::max<std::size_t>(1, sectors / kReadParts) * settings_.sector_bytes;
  const std::size_t to = from / part + 1 >= kReadParts ? size : std::min(size, from + part);
  const auto at = [&](std::size_t i) { return static_cast<std::ptrdiff_t>(request->offset + i); };
  seen_.stale_reads += stale_reads_ ? 1 : 0;
  const Bytes& source = stale_reads_ ? snapshot_ : medium_;
  std::copy(source.begin() + at(from), source.begin() + at(to),
            request->data.begin() + static_cast<std::ptrdiff_t>(from));
  if (to == size) return Answer(request, request->data);
  world_.After(Latency() / kReadParts, [this, request, to] {
    WhenMoving(request->session->node, [this, request, to] { ReadPart(request, to); });
  });
}

void SimDisk::Answer(const RequestPtr& request, Result<Bytes, IoError> result) {
  WhenHeard(request->session->node, [this, request, result = std::move(result)] {
    requests_.remove(request);
    request->session->life->Post([this, request, result] { Reply(request, result); });
  });
}

void SimDisk::Reply(const RequestPtr& request, Result<Bytes, IoError> result) {
  if (request->answered) return;
  request->answered = true;
  world_.Cancel(request->deadline);
  if (!result.ok() && request->is_write) {
    EndSession(request->session, Fail(IoKind::kClosed, "the session is over"));
  }
  request->done(std::move(result));
}

// `cause` has been told by its caller.
void SimDisk::EndSession(const std::shared_ptr<Session>& session, const IoError& why,
                         const RequestPtr& cause) {
  if (!session->open) return;
  session->open = false;
  const auto requests = requests_;
  for (const auto& request : requests) {
    if (request->session != session) continue;
    if (!request->answered) {
      request->answered = true;
      world_.Cancel(request->deadline);
      const bool tell = request != cause && !session->silent;
      if (tell) session->life->Post([request, why] { request->done(why); });
    }
    Orphan(request);
  }
}

void SimDisk::Orphan(const RequestPtr& request) {
  if (!request->is_write || request->landed || request->gone) {
    requests_.remove(request);
    request->gone = request->gone || !request->is_write;
    return;
  }
  const Fate fate = fate_ != Fate::kRandom
                        ? fate_
                        : static_cast<Fate>(1 + static_cast<int>(world_.rng().Below(3)));
  if (fate == Fate::kLost && !request->begun) {
    ++seen_.lost_writes;
    request->gone = true;
    requests_.remove(request);
    return;
  }
  request->torn = fate == Fate::kTorn;
  request->not_before = world_.Now() + world_.Between(Duration(), settings_.late);
}

void SimDisk::Settle(const RequestPtr& request) {
  requests_.remove(request);
  if (!request->is_write || request->landed || request->gone) {
    request->gone = request->gone || !request->is_write;
    return;
  }
  const bool lands = fate_ == Fate::kRandom ? world_.rng().OneIn(2) : fate_ == Fate::kLands;
  if (lands) {
    if (!request->begun) LandFirst(request);
    if (!request->torn) LandRest(request);
  }
  if (!request->landed) {
    if (request->begun || lands) ++seen_.torn_writes;
    if (!request->begun && !lands) ++seen_.lost_writes;
    request->gone = true;
  }
}

SimPath::SimPath(SimDisk& disk, Machine& machine, std::shared_ptr<Life> life)
    : disk_(disk), machine_(machine), life_(std::move(life)) {
  life_->OnEnd([this, alive = alive_] {
    if (*alive) Close();
  });
}

SimPath::~SimPath() {
  *alive_ = false;
  if (session_) session_->silent = true;
  opening_.reset();
  Close();
}

void SimPath::Open(const Writer* writer, MonoTime deadline, OpenDone done) {
  FENCEPOST_CHECK(!opening_ && !session_);
  ++opens_;
  auto opening = std::make_shared<Opening>(Opening{std::move(done)});
  opening_ = opening;
  opening->deadline = life_->PostAt(machine_.When(deadline), [this, opening, alive = alive_] {
    if (*alive) FinishOpen(opening, disk_.Fail(IoKind::kTimeout, "no answer to the login"));
  });
  auto session = std::make_shared<SimDisk::Session>();
  session->node = writer != nullptr ? writer->node : machine_.node();
  session->writer = writer != nullptr;
  session->life = life_;
  disk_.world_.After(3 * disk_.Latency(), [this, opening, session, alive = alive_] {
    if (!*alive) return;
    disk_.WhenMoving(session->node, [this, opening, session, alive] {
      if (!*alive || opening_ != opening) return;  // given up meanwhile
      const Result<DeviceInfo, IoError> info = disk_.Attach(session);
      if (info.ok()) session_ = session;
      disk_.WhenHeard(session->node, [this, opening, info, alive] {
        if (!*alive) return;
        life_->Post([this, opening, info, alive] {
          if (*alive) FinishOpen(opening, info);
        });
      });
    });
  });
}

void SimPath::FinishOpen(const std::shared_ptr<Opening>& opening,
                         Result<DeviceInfo, IoError> result) {
  if (opening_ != opening) return;
  opening_.reset();
  disk_.world_.Cancel(opening->deadline);
  if (!result.ok()) Close();
  opening->done(std::move(result));
}

void SimPath::Request(SimDisk::Request request, MonoTime deadline) {
  if (!session_ || !session_->open) {
    life_->Post([done = std::move(request.done),
                 error = disk_.Fail(IoKind::kClosed, "the session is over")] { done(error); });
    return;
  }
  FENCEPOST_CHECK(request.offset % disk_.settings_.sector_bytes == 0);
  FENCEPOST_CHECK(request.data.size() % disk_.settings_.sector_bytes == 0);
  request.session = session_;
  const auto shared = std::make_shared<SimDisk::Request>(std::move(request));
  if (shared->offset + shared->data.size() > disk_.medium_.size()) {
    life_->Post([&disk = disk_, shared] {
      disk.Reply(shared, disk.Fail(IoKind::kMedium, "beyond the end"));
    });
    return;
  }
  shared->deadline = life_->PostAt(machine_.When(deadline), [this, shared, alive = alive_] {
    if (!*alive || shared->answered) return;
    disk_.EndSession(shared->session, disk_.Fail(IoKind::kClosed, "the session is over"), shared);
    shared->done(disk_.Fail(IoKind::kTimeout, "no answer by the deadline"));
  });
  disk_.Submit(shared);
}

void SimPath::Read(std::uint64_t offset, std::uint32_t length, MonoTime deadline, ReadDone done) {
  SimDisk::Request request;
  request.offset = offset;
  request.data.resize(length);
  request.done = std::move(done);
  Request(std::move(request), deadline);
}

void SimPath::Write(std::uint64_t offset, Bytes data, MonoTime deadline, WriteDone done) {
  SimDisk::Request request;
  request.is_write = true;
  request.offset = offset;
  request.data = std::move(data);
  request.done = [done = std::move(done)](const Result<Bytes, IoError>& result) {
    if (result.ok()) return done(Ok{});
    done(result.error());
  };
  Request(std::move(request), deadline);
}

void SimPath::Close() {
  if (opening_) {
    const auto opening = std::move(opening_);
    opening_.reset();
    disk_.world_.Cancel(opening->deadline);
    life_->Post([opening, error = disk_.Fail(IoKind::kClosed, "closed")] { opening->done(error); });
  }
  if (!session_) return;
  const auto session = std::move(session_);
  session_.reset();
  disk_.EndSession(session, disk_.Fail(IoKind::kClosed, "closed"));
}

}  // namespace fencepost::sim

// A small iSCSI target with one unit (LUN 1) and faults on demand, for tests of what sends to one.
//
// Promise: behaves as Connection and ScsiUnit say, until a fault is ordered. All that happens is a
//          consequence of what was sent, what was ordered and of the clock of its loop: in one loop
//          with the code under test a run repeats exactly.
//          A login with the initiator name and ISID of a living session ends that session and its
//          commands first (session reinstatement, RFC 7143 6.3.5); feature reinstate=no: both live,
//          as with tgt.
// Errors:  Open fails when no port can be had. Control answers "error: ..." and does nothing.
// Ownership: the loop outlives it.
#pragma once
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "env/linux/loop.h"
#include "env/linux/unique_fd.h"
#include "tests/doubles/iscsi/connection.h"
#include "tests/doubles/iscsi/fault.h"
#include "tests/doubles/iscsi/unit.h"

namespace fencepost::doubles {

class IscsiTarget {
 public:
  struct Settings {
    ScsiUnit::Settings unit;
    std::string name = "iqn.2026-01.org.fencepost.double:disk";
    std::string address = "127.0.0.1";
    std::vector<std::uint16_t> ports = {0};  // one a portal; 0: any
    bool reinstates = true;                  // sessions
    bool reset_waits = true;                 // for what is inside the storage; false: it lies
  };
  static Result<std::unique_ptr<IscsiTarget>> Open(Loop& loop, Settings settings);
  ~IscsiTarget();
  IscsiTarget(const IscsiTarget&) = delete;
  IscsiTarget& operator=(const IscsiTarget&) = delete;

  [[nodiscard]] std::string Url(std::size_t portal = 0) const;
  [[nodiscard]] std::string Portal(std::size_t portal = 0) const;  // "127.0.0.1:40123"
  [[nodiscard]] ScsiUnit& unit() { return unit_; }
  // One line of the control socket: tests/doubles/README.md lists them.
  std::string Control(std::string_view line);
  void AddFault(Fault fault) { faults_.push_back(std::move(fault)); }
  void Hang(std::size_t portal, bool hung);  // nothing is read or answered there
  void Down(std::size_t portal, bool down);  // connections are reset, new ones refused
  void Kick();                               // every session
  [[nodiscard]] std::size_t sessions() const;
  // Faults that struck, and commands that were executed: writes, reads, ...
  [[nodiscard]] int struck() const { return struck_; }
  [[nodiscard]] int executed() const { return executed_; }

 private:
  struct Listener {
    UniqueFd fd;
    std::uint16_t port = 0;
    WatchId watch = 0;
    bool hung = false, down = false;
  };
  struct Parked {
    std::shared_ptr<Command> command;
    bool inside = false;  // the storage: done whatever becomes of its session
    TimerId timer = 0;
    Twist twist;
  };
  IscsiTarget(Loop& loop, Settings settings);
  Status Listen(std::size_t portal);
  void Accept(std::size_t portal);
  int Login(Connection& connection);
  void Run(const std::shared_ptr<Command>& command);
  void Manage(Connection& connection, int function, std::uint32_t tag);
  void Ended(Connection& connection);
  void Execute(const Command& command, const Twist& twist);
  void Park(const std::shared_ptr<Command>& command, bool inside, Duration wait);
  void Settle(const std::vector<Nexus>* of);  // nullptr: of all
  Fault* Match(Fault::On on, const std::string& nexus, const Bytes* cdb);
  std::string Report() const;
  Status Feature(std::string_view name, std::string_view value);

  Loop& loop_;
  Settings settings_;
  ScsiUnit unit_;
  std::vector<Listener> listeners_;
  std::list<std::shared_ptr<Connection>> connections_;
  std::list<Parked> parked_;
  std::list<Fault> faults_;
  int struck_ = 0, executed_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fencepost::doubles

// Sends the packets of an announcement, one after the other.
//
// Promise: rounds * packets are sent in order, `gap` apart, the first one from Start(). Done is
//          called once, from the loop, after the last one or the first that could not be sent.
// Errors:  that of the announcer. Ownership: clock and announcer outlive it.
#pragma once
#include <functional>

#include "env/clock.h"
#include "env/probes.h"
#include "pingd/send_arp/arguments.h"

namespace fencepost::announce {

class Campaign {
 public:
  Campaign(const Arguments& arguments, Clock& clock, Announcer& announcer);
  ~Campaign();
  Campaign(const Campaign&) = delete;
  Campaign& operator=(const Campaign&) = delete;
  void Start(std::function<void(Status)> done);

 private:
  void Next();

  Arguments arguments_;
  Clock& clock_;
  Announcer& announcer_;
  std::int64_t sent_ = 0;
  TimerId timer_ = 0;
  std::function<void(Status)> done_;
};

}  // namespace fencepost::announce

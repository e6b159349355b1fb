#include "pingd/send_arp/campaign.h"

namespace fencepost::announce {

Campaign::Campaign(const Arguments& arguments, Clock& clock, Announcer& announcer)
    : arguments_(arguments), clock_(clock), announcer_(announcer) {}

Campaign::~Campaign() { clock_.Cancel(timer_); }

void Campaign::Start(std::function<void(Status)> done) {
  done_ = std::move(done);
  timer_ = clock_.CallAt(clock_.Now(), [this] { Next(); });
}

void Campaign::Next() {
  const auto count = static_cast<std::int64_t>(arguments_.packets.size());
  const auto which = static_cast<std::size_t>(sent_ % count);
  const Status status = announcer_.Announce(arguments_.packets[which]);
  ++sent_;
  if (!status.ok() || sent_ == arguments_.rounds * count) {
    timer_ = 0;
    return done_(status);
  }
  timer_ = clock_.CallAt(clock_.Now() + arguments_.gap, [this] { Next(); });
}

}  // namespace fencepost::announce

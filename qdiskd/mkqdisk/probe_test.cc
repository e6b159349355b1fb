// What is measured, what is put back, and what the verdict says of it.
#include "qdiskd/mkqdisk/probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "base/text.h"
#include "qdiskd/disk_format.h"
#include "qdiskd/mkqdisk/report_json.h"

namespace fencepost::qdiskd::mkqdisk {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using Answer = Tried::Answer;

// One medium, two openings, virtual time: each request takes as long as it is told to.
struct Medium {
  Bytes bytes = Bytes(64 * kUnitBytes, 0x11);
  MonoTime now{};
  Duration takes = Millis(1);
  bool stale_reads = false, halves = false;
  int writes_left = 1'000'000;
  std::deque<std::function<void()>> calls;
};

class Opening final : public BlockDevice, public Clock {
 public:
  explicit Opening(Medium& medium) : m_(medium) {}
  void Open(const Writer*, MonoTime, OpenDone done) override {
    m_.calls.push_back([done] { done(DeviceInfo{}); });
  }
  void Read(std::uint64_t offset, std::uint32_t length, MonoTime, ReadDone done) override {
    m_.calls.push_back([this, offset, length, done] {
      m_.now += m_.takes;
      const auto first = m_.bytes.begin() + static_cast<std::ptrdiff_t>(offset);
      Bytes data(first, first + length);
      if (m_.stale_reads) data.assign(length, 0x11);
      done(data);
    });
  }
  void Write(std::uint64_t offset, Bytes data, MonoTime, WriteDone done) override {
    const auto put = [this, offset, data](std::size_t bytes) {
      std::copy_n(data.begin(), bytes, m_.bytes.begin() + static_cast<std::ptrdiff_t>(offset));
    };
    if (m_.halves) put(data.size() / 2);  // a reader may come in between
    const auto finish = [this, put, done, size = data.size()] {
      m_.now += m_.takes;
      if (--m_.writes_left < 0) return done(IoError{IoKind::kMedium, "bad place"});
      put(size);
      done(Ok{});
    };
    if (!m_.halves) return m_.calls.push_back(finish);
    m_.calls.push_back([this, finish] { m_.calls.push_back(finish); });
  }
  void Close() override {}
  [[nodiscard]] MonoTime Now() const override { return m_.now; }
  TimerId CallAt(MonoTime, std::function<void()>) override { return 0; }
  void Cancel(TimerId) override {}
  WaitingDisk Waiting() {
    return {*this, *this, {[this] { RunOne(); }, [] {}}, Millis(1000)};
  }

 private:
  void RunOne() {
    const auto call = m_.calls.front();
    m_.calls.pop_front();
    call();
  }
  Medium& m_;
};

struct Bench {
  Medium medium;
  Opening one{medium}, two{medium};
  ProbeFindings findings;
  ProbePlaces places{8 * kUnitBytes, 4 * kUnitBytes, 7 * kUnitBytes};
  Result<Ok, IoError> Run() {
    WaitingDisk disk = one.Waiting(), other = two.Waiting();
    return Measure(disk, other, places, findings);
  }
};

TEST(Percentiles, AreTheNearestRank) {
  std::vector<Duration> took;
  for (int i = 100; i >= 1; --i) took.push_back(Millis(i));
  const Percentiles p = PercentilesOf(took);
  EXPECT_EQ(p.p50, Millis(50));
  EXPECT_EQ(p.p90, Millis(90));
  EXPECT_EQ(p.p99, Millis(99));
  EXPECT_EQ(p.longest, Millis(100));
  EXPECT_EQ(PercentilesOf({Millis(7)}).p50, Millis(7));
  EXPECT_EQ(PercentilesOf({}).count, 0);
}

TEST(Measure, EverythingIsMeasuredAndTheMediumIsAsBefore) {
  Bench bench;
  const Bytes before = bench.medium.bytes;
  ASSERT_TRUE(bench.Run().ok());
  EXPECT_EQ(bench.medium.bytes, before);
  EXPECT_TRUE(bench.findings.written);
  EXPECT_EQ(bench.findings.write.p99, Millis(1));
  EXPECT_EQ(bench.findings.cycle.p50, Millis(2));
  EXPECT_EQ(bench.findings.read.count, kProbeRounds);
  EXPECT_EQ(bench.findings.others_see_writes, true);
  EXPECT_EQ(bench.findings.torn, 0);
}

TEST(Measure, WithoutAScratchNothingIsWritten) {
  Bench bench;
  bench.places.scratch.reset();
  bench.medium.writes_left = 0;
  ASSERT_TRUE(bench.Run().ok());
  EXPECT_FALSE(bench.findings.written);
  EXPECT_EQ(bench.findings.write.count, 0);
  EXPECT_EQ(bench.findings.region.count, kProbeRounds);
}

TEST(Measure, AReaderThatSeesOldDataIsNoticedAndSoAreHalves) {
  Bench stale;
  stale.medium.stale_reads = true;
  ASSERT_TRUE(stale.Run().ok());
  EXPECT_EQ(stale.findings.others_see_writes, false);
  Bench torn;
  torn.medium.halves = true;
  ASSERT_TRUE(torn.Run().ok());
  EXPECT_GT(torn.findings.torn, 100);
  EXPECT_EQ(torn.findings.others_see_writes, true) << "a completed write is whole";
}

TEST(Measure, AFailureIsTold) {
  Bench bench;
  bench.medium.writes_left = 5;
  const auto result = bench.Run();
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().text, "bad place");
}

ProbeFindings Good() {
  ProbeFindings f;
  f.info = {512, 64 << 20, "naa.5", "reservation"};
  f.written = true;
  f.others_see_writes = true;
  f.write = f.region = PercentilesOf({Millis(1), Millis(2)});
  ScsiAbilities s;
  s.fua = s.flush = s.others_excluded = {Answer::kYes, "accepted"};
  s.barrier = {Answer::kYes, "reservation, PREEMPT of own keys, LOGICAL UNIT RESET"};
  s.session_reinstated = {Answer::kYes, ""};
  s.plain_write = Millis(1);
  s.fua_write = Millis(3);
  s.claims_fua = s.write_cache = s.keeps_keys = true;
  f.scsi = s;
  return f;
}

TEST(Verdict, SaysWhetherByWhatAndHowQuickly) {
  const Verdict v = Judge(Good());
  EXPECT_EQ(v.vote, Verdict::Vote::kCan);
  EXPECT_EQ(v.sentence,
            "can carry a vote: barrier by reservation, PREEMPT of own keys, LOGICAL UNIT RESET; "
            "recommended profile: fast");
  EXPECT_TRUE(v.remarks.empty());
  struct Case {
    int longest_ms;
    const char* profile;
  };
  for (const Case& c :
       {Case{100, "default"}, Case{480, "san"}, Case{1000, "slow-san"}, Case{60'000, ""}}) {
    ProbeFindings f = Good();
    f.write = PercentilesOf({Millis(c.longest_ms)});
    EXPECT_EQ(Judge(f).profile, c.profile) << c.longest_ms;
  }
}

TEST(Verdict, OnlyWhatWasTriedCarriesAVote) {
  struct Case {
    const char* sentence;
    Verdict::Vote vote;
    void (*spoil)(ProbeFindings&);
  };
  const Case cases[] = {
      {"cannot carry a vote: the target refuses RESERVE", Verdict::Vote::kCannot,
       [](ProbeFindings& f) { f.barrier_trouble = "the target refuses RESERVE"; }},
      {"not proven, nothing was written: it is foreign", Verdict::Vote::kUnproven,
       [](ProbeFindings& f) {
         f.written = false;
         f.why_not_written = "it is foreign";
       }},
      {"cannot carry a vote: a second reader", Verdict::Vote::kCannot,
       [](ProbeFindings& f) { f.others_see_writes = false; }},
      {"cannot carry a vote: the reservation does not keep others", Verdict::Vote::kCannot,
       [](ProbeFindings& f) {
         f.scsi->others_excluded = {Answer::kNo, "its write was accepted"};
       }},
      {"cannot carry a vote: no write is known to be durable", Verdict::Vote::kCannot,
       [](ProbeFindings& f) { f.scsi->fua.answer = f.scsi->flush.answer = Answer::kNo; }}};
  for (const Case& c : cases) {
    ProbeFindings f = Good();
    c.spoil(f);
    const Verdict v = Judge(f);
    EXPECT_THAT(v.sentence, StartsWith(c.sentence));
    EXPECT_EQ(v.vote, c.vote);
    EXPECT_EQ(v.profile, "");
    EXPECT_THAT(ProbeText("/dev/x", f), HasSubstr(c.sentence));
    EXPECT_EQ(ProbeJson("/dev/x", f).at("can_carry_a_vote").is_null(),
              c.vote == Verdict::Vote::kUnproven);
  }
}

TEST(Verdict, FuaThatCostsNothingBeforeACacheIsCalledOnlyAccepted) {
  ProbeFindings f = Good();
  f.scsi->fua_write = f.scsi->plain_write;
  EXPECT_THAT(Judge(f).remarks, ::testing::ElementsAre(HasSubstr("FUA is accepted, but")));
  EXPECT_THAT(ProbeText("/dev/x", f), HasSubstr("only accepted"));
  f.scsi->write_cache = false;
  EXPECT_TRUE(Judge(f).remarks.empty()) << "without a cache there is nothing to pass by";
}

}  // namespace
}  // namespace fencepost::qdiskd::mkqdisk

// The supervisor with dummy children: shells and sleeps.
#include "controller/ctl/dev/supervisor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>

#include "common/runtime/clock.h"
#include "controller/ctl/dev/dev_directory.h"

namespace weir::ctl::dev {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr Duration kPatience = std::chrono::seconds(20);
constexpr Duration kTick = std::chrono::milliseconds(20);

class SupervisorTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/weir-ctl-XXXXXX";
    directory_ = ::mkdtemp(name);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  ChildSpec Shell(const std::string& name, const std::string& script, int stop_order) const {
    return {name, "about=" + name, {{"/bin/sh", "-c", script}, directory_ + "/log"}, stop_order};
  }
  ChildSpec Sleeper(const std::string& name, int stop_order) const {
    return {name, "about=" + name, {{"/bin/sleep", "600"}, directory_ + "/log"}, stop_order};
  }

  std::unique_ptr<Supervisor> Make(std::vector<ChildSpec> children,
                                   Duration stop_deadline = kPatience) {
    return std::make_unique<Supervisor>(
        std::move(children), [this](const std::string& line) { lines_.push_back(line); },
        stop_deadline);
  }

  // Turns the loop until `condition` holds.
  template <class Condition>
  static bool PollUntil(Supervisor& supervisor, Condition condition) {
    const MonoTime deadline = runtime::SteadyNow() + kPatience;
    while (!condition()) {
      if (runtime::SteadyNow() > deadline) return false;
      supervisor.Poll(kTick, -1);
    }
    return true;
  }

  std::string Log() const {
    std::ifstream file(directory_ + "/log");
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }

  std::string directory_;
  std::vector<std::string> lines_;
};

TEST_F(SupervisorTest, PrintsALinePerNode) {
  const auto supervisor = Make({Sleeper("controller-1", 1), Sleeper("broker-1", 0)});
  ASSERT_TRUE(supervisor->StartAll());
  const pid_t pid = supervisor->PidOf("broker-1");
  ASSERT_GT(pid, 0);
  ASSERT_EQ(lines_.size(), 2U);
  EXPECT_EQ(lines_[1], "NODE broker-1 pid=" + std::to_string(pid) + " about=broker-1");
}

TEST_F(SupervisorTest, AKilledChildIsReportedAndStaysDead) {
  const auto supervisor = Make({Sleeper("broker-1", 0), Sleeper("broker-2", 0)});
  ASSERT_TRUE(supervisor->StartAll());
  ::kill(supervisor->PidOf("broker-2"), SIGKILL);
  ASSERT_TRUE(PollUntil(*supervisor, [&] { return supervisor->FirstDead() != nullptr; }));
  EXPECT_EQ(*supervisor->FirstDead(), "broker-2");
  EXPECT_THAT(lines_, Contains("NODE broker-2 exited signal=9"));
  EXPECT_GT(supervisor->PidOf("broker-1"), 0);
}

TEST_F(SupervisorTest, AnExitCodeIsReported) {
  const auto supervisor = Make({Shell("broker-1", "exit 3", 0)});
  ASSERT_TRUE(supervisor->StartAll());
  ASSERT_TRUE(PollUntil(*supervisor, [&] { return supervisor->FirstDead() != nullptr; }));
  EXPECT_EQ(lines_.back(), "NODE broker-1 exited code=3");
}

// The controller must still live when the broker stops: each notes the order in the common log.
TEST_F(SupervisorTest, StopsInOrder) {
  const std::string script = "trap 'echo NAME; exit 0' TERM; echo up; while :; do sleep 0.02; done";
  const auto named = [&script](const char* name) {
    return std::string(script).replace(script.find("NAME"), 4, name);
  };
  const auto supervisor =
      Make({Shell("controller-1", named("controller"), 1), Shell("broker-1", named("broker"), 0)});
  ASSERT_TRUE(supervisor->StartAll());
  ASSERT_TRUE(PollUntil(*supervisor, [&] { return Log() == "up\nup\n"; }));
  supervisor->RequestStop();
  ASSERT_TRUE(PollUntil(*supervisor, [&] { return supervisor->stopped(); }));
  EXPECT_EQ(Log(), "up\nup\nbroker\ncontroller\n");
}

TEST_F(SupervisorTest, KillsAChildThatIgnoresTheStop) {
  const auto supervisor =
      Make({Shell("broker-1", "trap '' TERM; echo up; while :; do sleep 0.02; done", 0)},
           std::chrono::milliseconds(50));
  ASSERT_TRUE(supervisor->StartAll());
  ASSERT_TRUE(PollUntil(*supervisor, [&] { return Log() == "up\n"; }));
  supervisor->RequestStop();
  EXPECT_TRUE(PollUntil(*supervisor, [&] { return supervisor->stopped(); }));
}

TEST_F(SupervisorTest, AMissingProgramIsAnError) {
  const auto supervisor = Make({{"broker-1", "", {{"/no/such/program"}, directory_ + "/log"}, 0}});
  const Status started = supervisor->StartAll();
  ASSERT_FALSE(started.has_value());
  EXPECT_THAT(started.error().message, HasSubstr("/no/such/program"));
}

// The death signal belongs to the thread that forks, so the parent here is a process of its own.
TEST_F(SupervisorTest, ChildrenEndWithTheirParent) {
  int pipe_fds[2];
  ASSERT_EQ(::pipe(pipe_fds), 0);
  const pid_t parent = ::fork();
  if (parent == 0) {
    const auto child = StartChild(Sleeper("broker-1", 0).command);
    const pid_t pid = child.value_or(-1);
    [[maybe_unused]] const ssize_t written = ::write(pipe_fds[1], &pid, sizeof pid);
    ::pause();
    ::_exit(0);
  }
  pid_t child = -1;
  ASSERT_EQ(::read(pipe_fds[0], &child, sizeof child), static_cast<ssize_t>(sizeof child));
  ASSERT_GT(child, 0);
  // After exec the child's command is sleep; before, prctl may not have run yet.
  const std::string command_file = "/proc/" + std::to_string(child) + "/comm";
  const MonoTime deadline = runtime::SteadyNow() + kPatience;
  std::string command;
  while (command != "sleep" && runtime::SteadyNow() < deadline)
    std::getline(std::ifstream(command_file), command);
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  const auto ended = [child] {
    std::ifstream status("/proc/" + std::to_string(child) + "/stat");
    std::string text;
    return !std::getline(status, text) || text.find(") Z") != std::string::npos;
  };
  while (!ended() && runtime::SteadyNow() < deadline) {
  }
  EXPECT_TRUE(ended());
}

class SupervisorControl : public SupervisorTest {
 protected:
  // A request to the running loop; the loop turns until the answer is there.
  Result<std::vector<std::string>> Call(Supervisor& supervisor, const std::string& request) {
    auto answer =
        std::async(std::launch::async, [&] { return CallControl(directory_, request, kPatience); });
    EXPECT_TRUE(PollUntil(supervisor, [&] {
      return answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
    }));
    return answer.get();
  }
};

TEST_F(SupervisorControl, RestartsADeadAndALivingChild) {
  const auto supervisor = Make({Sleeper("broker-1", 0)});
  ASSERT_TRUE(supervisor->ListenForCommands(directory_));
  ASSERT_TRUE(supervisor->StartAll());
  const pid_t first = supervisor->PidOf("broker-1");
  ::kill(first, SIGKILL);
  ASSERT_TRUE(PollUntil(*supervisor, [&] { return supervisor->FirstDead() != nullptr; }));
  const auto restarted = Call(*supervisor, "restart broker-1");
  const pid_t second = supervisor->PidOf("broker-1");
  ASSERT_TRUE(restarted.has_value());
  EXPECT_THAT(*restarted,
              ElementsAre("NODE broker-1 pid=" + std::to_string(second) + " about=broker-1"));
  const auto again = Call(*supervisor, "restart broker-1");
  ASSERT_TRUE(again.has_value());
  EXPECT_NE(supervisor->PidOf("broker-1"), second);
  EXPECT_THAT(lines_, Contains("NODE broker-1 exited signal=15"));
}

TEST_F(SupervisorControl, AnUnknownNodeIsRefusedWithTheNames) {
  const auto supervisor = Make({Sleeper("broker-1", 0)});
  ASSERT_TRUE(supervisor->ListenForCommands(directory_));
  const auto answer = Call(*supervisor, "restart broker-9");
  ASSERT_FALSE(answer.has_value());
  EXPECT_THAT(answer.error().message, HasSubstr("broker-1"));
  EXPECT_FALSE(Call(*supervisor, "dance").has_value());
}

TEST_F(SupervisorControl, StatusNamesEveryNode) {
  const auto supervisor = Make({Sleeper("broker-1", 0), Shell("broker-2", "exit 0", 0)});
  ASSERT_TRUE(supervisor->ListenForCommands(directory_));
  ASSERT_TRUE(supervisor->StartAll());
  ASSERT_TRUE(PollUntil(*supervisor, [&] { return supervisor->FirstDead() != nullptr; }));
  const auto status = Call(*supervisor, "status");
  ASSERT_TRUE(status.has_value());
  EXPECT_THAT(*status,
              ElementsAre(StartsWith("NODE broker-1 pid="), "NODE broker-2 exited code=0"));
}

TEST_F(SupervisorControl, StopAnswersWhenEverythingHasEnded) {
  const auto supervisor = Make({Sleeper("broker-1", 0)});
  ASSERT_TRUE(supervisor->ListenForCommands(directory_));
  ASSERT_TRUE(supervisor->StartAll());
  ASSERT_TRUE(Call(*supervisor, "stop").has_value());
  EXPECT_TRUE(supervisor->stopped());
}

TEST_F(SupervisorControl, ALongRequestIsCutOff) {
  const auto supervisor = Make({Sleeper("broker-1", 0)});
  ASSERT_TRUE(supervisor->ListenForCommands(directory_));
  EXPECT_FALSE(Call(*supervisor, std::string(10'000, 'x')).has_value());
}

TEST_F(SupervisorControl, NobodyListensWithoutASupervisor) {
  const auto answer = CallControl(directory_, "status", kPatience);
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, ErrorCode::kResourceNotFound);
}

// A socket address holds 107 bytes; directories of tests are often longer.
TEST_F(SupervisorControl, TheDirectorysPathMayBeLong) {
  const std::string deep = directory_ + "/" + std::string(120, 'd');
  std::filesystem::create_directories(deep);
  const auto server = ControlServer::Listen(deep, [](ConnectionId, const std::string&) {});
  ASSERT_TRUE(server.has_value());
  EXPECT_TRUE(ControlIsAlive(deep));
}

TEST_F(SupervisorTest, ASecondDevOnADirectoryIsRefused) {
  const auto first = DevDirectory::Lock(directory_, Duration(0));
  ASSERT_TRUE(first.has_value());
  const auto server = ControlServer::Listen(directory_, [](ConnectionId, const std::string&) {});
  const auto second = DevDirectory::Lock(directory_, kPatience);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::kDuplicateResource);
  EXPECT_THAT(second.error().message, HasSubstr(directory_));
}

// The children of a killed `weir dev` hold the lock until they have ended.
TEST_F(SupervisorTest, TheLockLastsAsLongAsAChild) {
  auto first = DevDirectory::Lock(directory_, Duration(0));
  ASSERT_TRUE(first.has_value());
  ChildSpec spec = Sleeper("broker-1", 0);
  spec.command.inherited_fd = (*first)->lock_fd();
  auto supervisor = Make({spec});
  ASSERT_TRUE(supervisor->StartAll());
  first->reset();
  const auto while_it_runs = DevDirectory::Lock(directory_, std::chrono::milliseconds(50));
  ASSERT_FALSE(while_it_runs.has_value());
  EXPECT_EQ(while_it_runs.error().code, ErrorCode::kKafkaStorageError);
  supervisor.reset();
  EXPECT_TRUE(DevDirectory::Lock(directory_, kPatience).has_value());
}

TEST_F(SupervisorTest, TheClusterFileIsReadBack) {
  const auto directory = DevDirectory::Lock(directory_, Duration(0));
  ASSERT_TRUE(directory.has_value());
  EXPECT_EQ((*directory)->LoadCluster().value(), std::nullopt);
  ASSERT_TRUE((*directory)->SaveCluster({{3, {}, 1, 2, 4}, "a:1,b:2", "id", true}));
  const auto cluster = (*directory)->LoadCluster();
  ASSERT_TRUE(cluster.has_value() && cluster->has_value());
  EXPECT_EQ((*cluster)->options.nodes, 3);
  EXPECT_EQ((*cluster)->options.kafka_port, 1);
  EXPECT_EQ((*cluster)->options.admin_port, 2);
  EXPECT_EQ((*cluster)->options.http_port, 4);
  EXPECT_EQ((*cluster)->controllers, "a:1,b:2");
  EXPECT_EQ((*cluster)->cluster_id, "id");
  EXPECT_TRUE((*cluster)->formatted);
  std::ofstream(directory_ + "/cluster.json") << "{\"nodes\": \"three\"}";
  EXPECT_FALSE((*directory)->LoadCluster().has_value());
}

}  // namespace
}  // namespace weir::ctl::dev

// Proves ThreadSanitizer on this build: that it finds a race wherever this program makes one, and
// finds none where the same accesses are in order.
//
//   race_control memory|copy|c11|grpc [ordered]
//
// `memory`: a variable; `copy`: memcpy, which is only seen by interception; `c11`: a thread of
// <threads.h>, like librdkafka's; `grpc`: a callback on a gRPC thread. Without `ordered` the main
// thread and the other one write without a word between them, and scripts/run_tests.py expects a
// report.
#include <grpcpp/alarm.h>
#include <threads.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <functional>
#include <future>
#include <string>
#include <thread>

namespace {

int value = 0;
char bytes[64];

void WriteValue() { ++value; }

void WriteBytes() {
  char source[sizeof bytes];
  std::memset(source, value, sizeof source);
  volatile size_t length = sizeof source;  // else it is a store, not a call
  std::memcpy(bytes, source, length);
}

// `ordered`: what is written before a thread begins and after it has been joined.
void OnThread(bool ordered, void (*write)()) {
  write();
  std::thread other(write);
  if (!ordered) write();
  other.join();
  write();
}

void OnC11Thread(bool ordered) {
  mtx_t mutex;
  mtx_init(&mutex, mtx_plain);
  struct Shared {
    mtx_t* mutex;
    bool ordered;
  } shared{&mutex, ordered};
  const auto write = [](void* given) {
    auto* shared = static_cast<Shared*>(given);
    if (shared->ordered) mtx_lock(shared->mutex);
    WriteValue();
    if (shared->ordered) mtx_unlock(shared->mutex);
    return 0;
  };
  thrd_t other;
  thrd_create(&other, write, &shared);
  write(&shared);
  thrd_join(other, nullptr);
  mtx_destroy(&mutex);
}

void OnGrpcThread(bool ordered) {
  std::promise<void> called;
  grpc::Alarm alarm;
  WriteValue();
  alarm.Set(std::chrono::system_clock::now(), [&](bool) {
    WriteValue();
    called.set_value();
  });
  if (!ordered) WriteValue();
  called.get_future().wait();
  WriteValue();
}

}  // namespace

int main(int count, char** arguments) {
  const std::string where = count > 1 ? arguments[1] : "";
  const bool ordered = count > 2 && std::string(arguments[2]) == "ordered";
  if (where == "memory") {
    OnThread(ordered, WriteValue);
  } else if (where == "copy") {
    OnThread(ordered, WriteBytes);
  } else if (where == "c11") {
    OnC11Thread(ordered);
  } else if (where == "grpc") {
    OnGrpcThread(ordered);
  } else {
    return 2;
  }
  return 0;
}

// The order that gRPC keeps between threads, told to ThreadSanitizer.
//
// Debian's gRPC and Abseil are not instrumented: their mutexes end in futexes and their queues in
// atomics that ThreadSanitizer does not see, so that whatever is handed to gRPC on one thread and
// comes back in a callback on another would look like a race. These definitions take the place of
// the libraries' own, call them, and say what orders what:
//  1. Unlocking an absl::Mutex, or waiting with it, comes before the next time it is locked.
//  2. Starting an operation (grpc_call_start_batch) comes before the run of its tag's callback.
//  3. Starting a server comes before the first call that it handles.
//  4. What callbacks have done comes before the OnDone of a server's call, and before a server is
//     destroyed, which wait for them (by counts that only gRPC's own side sees in full).
// Nothing else is said, so that a race in a callback is still found (race_control.cc). This file
// itself is not instrumented: what it keeps must order nothing. Linked in the tsan preset only.
#include <absl/synchronization/mutex.h>
#include <dlfcn.h>
#include <grpc/grpc.h>
#include <grpcpp/support/server_callback.h>
#include <link.h>
#include <sanitizer/tsan_interface.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

// Their addresses stand for what is ordered.
char server_started;
char callback_ended;

// The library's definition that ours hides. Mangled names are those of Debian 12's Abseil.
void* Hidden(const char* name) {
  void* found = dlsym(RTLD_NEXT, name);
  if (found != nullptr) return found;
  std::fprintf(stderr, "grpc_order.cc: no library defines %s\n", name);
  std::abort();
}

bool IsCode(const void* address) {
  struct Search {
    uintptr_t address;
    bool found = false;
  } search{reinterpret_cast<uintptr_t>(address)};
  dl_iterate_phdr(
      [](dl_phdr_info* object, size_t, void* data) {
        auto* search = static_cast<Search*>(data);
        for (int i = 0; i < object->dlpi_phnum; ++i) {
          const auto& segment = object->dlpi_phdr[i];
          const uintptr_t begin = object->dlpi_addr + segment.p_vaddr;
          if (segment.p_type == PT_LOAD && (segment.p_flags & PF_X) != 0 &&
              search->address >= begin && search->address < begin + segment.p_memsz)
            search->found = true;
        }
        return search->found ? 1 : 0;
      },
      &search);
  return search.found;
}

// A tag of the callback API begins with the function to run; there are two of them in gRPC's
// headers. Each that is met gets a stand-in that says first what was started before it.
using Run = void (*)(grpc_completion_queue_functor*, int);
constexpr size_t kRunsMax = 8;
std::array<std::atomic<Run>, kRunsMax> runs;

template <size_t kIndex>
void RunAfterStart(grpc_completion_queue_functor* tag, int ok) {
  __tsan_acquire(tag);
  runs[kIndex].load()(tag, ok);
  __tsan_release(&callback_ended);
}

constexpr std::array<Run, kRunsMax> kStandIns = {
    RunAfterStart<0>, RunAfterStart<1>, RunAfterStart<2>, RunAfterStart<3>,
    RunAfterStart<4>, RunAfterStart<5>, RunAfterStart<6>, RunAfterStart<7>};

Run StandInFor(Run run) {
  for (size_t i = 0; i < kRunsMax; ++i) {
    Run known = runs[i].load();
    if (known == nullptr && IsCode(reinterpret_cast<void*>(run)) &&
        runs[i].compare_exchange_strong(known, run)) {
      return kStandIns[i];
    }
    if (known == run) return kStandIns[i];
    if (run == kStandIns[i] || known == nullptr) return run;
  }
  return run;
}

}  // namespace

extern "C" grpc_call_error grpc_call_start_batch(grpc_call* call, const grpc_op* ops, size_t count,
                                                 void* tag, void* reserved) {
  static const auto hidden =
      reinterpret_cast<decltype(&grpc_call_start_batch)>(Hidden("grpc_call_start_batch"));
  if (tag != nullptr) {
    auto* functor = static_cast<grpc_completion_queue_functor*>(tag);
    const Run run = functor->functor_run;
    if (const Run stand_in = StandInFor(run); stand_in != run) functor->functor_run = stand_in;
    __tsan_release(tag);
  }
  return hidden(call, ops, count, tag, reserved);
}

extern "C" void grpc_server_start(grpc_server* server) {
  static const auto hidden =
      reinterpret_cast<decltype(&grpc_server_start)>(Hidden("grpc_server_start"));
  __tsan_release(&server_started);
  hidden(server);
}

// gRPC's headers take a reference on a call before they hand it to the service.
extern "C" void grpc_call_ref(grpc_call* call) {
  static const auto hidden = reinterpret_cast<decltype(&grpc_call_ref)>(Hidden("grpc_call_ref"));
  __tsan_acquire(&server_started);
  hidden(call);
}

extern "C" void grpc_call_unref(grpc_call* call) {
  static const auto hidden =
      reinterpret_cast<decltype(&grpc_call_unref)>(Hidden("grpc_call_unref"));
  __tsan_release(&callback_ended);
  hidden(call);
}

extern "C" void grpc_server_destroy(grpc_server* server) {
  static const auto hidden =
      reinterpret_cast<decltype(&grpc_server_destroy)>(Hidden("grpc_server_destroy"));
  __tsan_acquire(&callback_ended);
  hidden(server);
}

namespace grpc::internal {
namespace {

// Stands in for a reactor in the one call of its OnCancel.
class CancelledReactor final : public ServerReactor {
 public:
  explicit CancelledReactor(ServerReactor* reactor) : reactor_(reactor) {}
  void OnDone() override {}
  void OnCancel() override {
    __tsan_acquire(reactor_);
    reactor_->OnCancel();
    __tsan_release(&callback_ended);
    delete this;
  }

 private:
  ServerReactor* const reactor_;
};

}  // namespace

void ServerCallbackCall::CallOnCancel(ServerReactor* reactor) {
  static const auto hidden = reinterpret_cast<void (*)(ServerCallbackCall*, ServerReactor*)>(
      Hidden("_ZN4grpc8internal18ServerCallbackCall12CallOnCancelEPNS0_13ServerReactorE"));
  __tsan_release(reactor);
  hidden(this, new CancelledReactor(reactor));
}

void ServerCallbackCall::ScheduleOnDone(bool at_once) {
  static const auto hidden = reinterpret_cast<void (*)(ServerCallbackCall*, bool)>(
      Hidden("_ZN4grpc8internal18ServerCallbackCall14ScheduleOnDoneEb"));
  __tsan_acquire(&callback_ended);
  // Whoever counts down last, here or in the library, comes after everybody who has.
  __tsan_acquire(&callbacks_outstanding_);
  hidden(this, at_once);
}

}  // namespace grpc::internal

namespace absl {

void Mutex::Lock() {
  static const auto hidden =
      reinterpret_cast<void (*)(Mutex*)>(Hidden("_ZN4absl7debian35Mutex4LockEv"));
  hidden(this);
  __tsan_acquire(this);
}

bool Mutex::TryLock() {
  static const auto hidden =
      reinterpret_cast<bool (*)(Mutex*)>(Hidden("_ZN4absl7debian35Mutex7TryLockEv"));
  const bool locked = hidden(this);
  if (locked) __tsan_acquire(this);
  return locked;
}

void Mutex::Unlock() {
  static const auto hidden =
      reinterpret_cast<void (*)(Mutex*)>(Hidden("_ZN4absl7debian35Mutex6UnlockEv"));
  __tsan_release(this);
  hidden(this);
}

void CondVar::Wait(Mutex* mutex) {
  static const auto hidden = reinterpret_cast<void (*)(CondVar*, Mutex*)>(
      Hidden("_ZN4absl7debian37CondVar4WaitEPNS0_5MutexE"));
  __tsan_release(mutex);
  hidden(this, mutex);
  __tsan_acquire(mutex);
}

bool CondVar::WaitWithTimeout(Mutex* mutex, Duration timeout) {
  static const auto hidden = reinterpret_cast<bool (*)(CondVar*, Mutex*, Duration)>(
      Hidden("_ZN4absl7debian37CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE"));
  __tsan_release(mutex);
  const bool timed_out = hidden(this, mutex, timeout);
  __tsan_acquire(mutex);
  return timed_out;
}

bool CondVar::WaitWithDeadline(Mutex* mutex, Time deadline) {
  static const auto hidden = reinterpret_cast<bool (*)(CondVar*, Mutex*, Time)>(
      Hidden("_ZN4absl7debian37CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE"));
  __tsan_release(mutex);
  const bool timed_out = hidden(this, mutex, deadline);
  __tsan_acquire(mutex);
  return timed_out;
}

}  // namespace absl

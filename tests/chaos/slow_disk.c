// A disk that is slow or fails to sync, put under a process by LD_PRELOAD.
//
// WEIR_SYNC_FAULT names a file that is mapped by this process and by the test: the test writes what shall happen, this
// side counts what did. Its fields stand in `struct faults`; tests/chaos/disks.py knows the same layout.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct faults {
  uint32_t delay_ms;
  uint32_t error;
  uint64_t syncs;
  uint64_t delayed;
  uint64_t failed;
};

static volatile struct faults *faults;

__attribute__((constructor)) static void map_faults(void) {
  const char *path = getenv("WEIR_SYNC_FAULT");
  const int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (file < 0) return;
  void *at = mmap(0, sizeof *faults, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (at != MAP_FAILED) faults = at;
  close(file);
}

static int sync_with_faults(const char *name, int file) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  if (!faults) return real(file);
  __atomic_add_fetch(&faults->syncs, 1, __ATOMIC_RELAXED);
  if (faults->delay_ms) {
    const struct timespec delay = {faults->delay_ms / 1000, faults->delay_ms % 1000 * 1000000L};
    __atomic_add_fetch(&faults->delayed, 1, __ATOMIC_RELAXED);
    nanosleep(&delay, 0);
  }
  if (faults->error) {
    __atomic_add_fetch(&faults->failed, 1, __ATOMIC_RELAXED);
    errno = (int)faults->error;
    return -1;
  }
  return real(file);
}

int fsync(int file) { return sync_with_faults("fsync", file); }
int fdatasync(int file) { return sync_with_faults("fdatasync", file); }

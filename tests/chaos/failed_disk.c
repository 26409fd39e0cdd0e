// A disk that fails as a whole, put under a process by LD_PRELOAD: from one moment on nothing under one directory can
// be opened, written, read or synced any more (EIO).
//
// WEIR_FAILED_DISK is the directory, WEIR_FAILED_DISK_SWITCH a file that is mapped by this process and by the test:
// the test sets `failed`, this side counts the calls that failed. tests/chaos/disks.py knows the same layout.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

struct disk {
  uint64_t failed;
  uint64_t calls;
};

static volatile struct disk *disk;
static const char *directory;

__attribute__((constructor)) static void map_switch(void) {
  const char *path = getenv("WEIR_FAILED_DISK_SWITCH");
  directory = getenv("WEIR_FAILED_DISK");
  int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
  const int file = path && directory ? real(path, O_RDWR | O_CLOEXEC) : -1;
  if (file < 0) return;
  void *at = mmap(0, sizeof *disk, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (at != MAP_FAILED) disk = at;
  close(file);
}

static int fail(void) {
  __atomic_add_fetch(&disk->calls, 1, __ATOMIC_RELAXED);
  errno = EIO;
  return -1;
}

static int path_fails(const char *path) {
  if (!disk || !disk->failed) return 0;
  const size_t length = strlen(directory);
  return strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == 0);
}

static int file_fails(int file) {
  if (!disk || !disk->failed) return 0;
  char name[64], path[PATH_MAX];
  snprintf(name, sizeof name, "/proc/self/fd/%d", file);
  const ssize_t length = readlink(name, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return path_fails(path);
}

#define REAL(type, name, ...) ((type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name))

static int open_with(const char *name, const char *path, int flags, mode_t mode) {
  if (path_fails(path)) return fail();
  return REAL(int, name, const char *, int, mode_t)(path, flags, mode);
}
static mode_t mode_of(int flags, va_list arguments) {
  return flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
}
int open(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_with("open", path, flags, mode);
}
int open64(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_with("open64", path, flags, mode);
}

ssize_t write(int file, const void *bytes, size_t size) {
  if (file_fails(file)) return fail();
  return REAL(ssize_t, "write", int, const void *, size_t)(file, bytes, size);
}
ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset) {
  if (file_fails(file)) return fail();
  return REAL(ssize_t, "pwrite", int, const void *, size_t, off_t)(file, bytes, size, offset);
}
ssize_t pwrite64(int file, const void *bytes, size_t size, off64_t offset) {
  if (file_fails(file)) return fail();
  return REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t)(file, bytes, size, offset);
}
ssize_t pread(int file, void *bytes, size_t size, off_t offset) {
  if (file_fails(file)) return fail();
  return REAL(ssize_t, "pread", int, void *, size_t, off_t)(file, bytes, size, offset);
}
ssize_t pread64(int file, void *bytes, size_t size, off64_t offset) {
  if (file_fails(file)) return fail();
  return REAL(ssize_t, "pread64", int, void *, size_t, off64_t)(file, bytes, size, offset);
}
int fsync(int file) { return file_fails(file) ? fail() : REAL(int, "fsync", int)(file); }
int fdatasync(int file) { return file_fails(file) ? fail() : REAL(int, "fdatasync", int)(file); }

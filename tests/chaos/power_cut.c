// Notes what would survive a power cut, put under a process by LD_PRELOAD: which bytes of a file an fsync covered, and
// which names of a directory. tests/chaos/power_cut.py makes the cut from these notes, after the process was killed.
//
// WEIR_POWER_CUT_ROOT is the directory that is watched, WEIR_POWER_CUT_NOTES one beside it on the same file system:
//   NOTES/journal    "F INODE BYTES"   so many bytes of this file are synced
//                    "T INODE BYTES"   it was cut off there, synced or not
//                    "D INODE COUNT"   the names this directory has for good, one "INODE NAME" a line, then "."
//   NOTES/kept/INODE a second name of every synced file, so that neither its bytes nor its number go with the first one
//
// Laws: (1) a note is written after the sync it tells of and before the caller learns of it; what it says was measured
// before the sync. (2) A shortened file is noted at once: what was cut off never comes back. (3) Synced bytes are taken
// for unchangeable: writing over them is not undone.
// Thread rule: any thread; syncs of one inode follow one another.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { kLocks = 64, kPathMax = 4096 };

static const char *root, *notes;
static int journal = -1;
static pthread_mutex_t locks[kLocks];

__attribute__((constructor)) static void open_journal(void) {
  for (int i = 0; i < kLocks; ++i) pthread_mutex_init(&locks[i], 0);
  root = getenv("WEIR_POWER_CUT_ROOT");
  notes = getenv("WEIR_POWER_CUT_NOTES");
  if (!root || !notes) return;
  char path[kPathMax];
  snprintf(path, sizeof path, "%s/journal", notes);
  journal = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

static void note(const char *text, size_t size) {
  if (write(journal, text, size) != (ssize_t)size) abort();
}

static void note_size(char kind, unsigned long inode, off_t size) {
  char line[64];
  note(line, (size_t)snprintf(line, sizeof line, "%c %lu %ld\n", kind, inode, (long)size));
}

// Whether `file` lies in the watched directory; `path` becomes where.
static int watched(int file, char *path) {
  if (journal < 0) return 0;
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const ssize_t size = readlink(link, path, kPathMax - 1);
  if (size <= 0) return 0;
  path[size] = 0;
  const size_t length = strlen(root);
  return !strncmp(path, root, length) && (path[length] == '/' || !path[length]);
}

static void keep(int directory, const char *from, int flags, unsigned long inode) {
  char kept[kPathMax];
  snprintf(kept, sizeof kept, "%s/kept/%lu", notes, inode);
  linkat(directory, from, AT_FDCWD, kept, flags);
}

// The names a directory has now, as a note. The caller frees it.
static char *names_of(const char *path, const struct stat *status, size_t *size) {
  char *names = 0, *text = 0;
  size_t names_size, count = 0;
  FILE *lines = open_memstream(&names, &names_size);
  DIR *directory = opendir(path);
  if (!directory || !lines) abort();
  for (struct dirent *entry; (entry = readdir(directory));) {
    if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
    if (entry->d_type != DT_DIR) keep(dirfd(directory), entry->d_name, 0, entry->d_ino);
    fprintf(lines, "%lu %s\n", (unsigned long)entry->d_ino, entry->d_name);
    ++count;
  }
  closedir(directory);
  fclose(lines);
  FILE *whole = open_memstream(&text, size);
  fprintf(whole, "D %lu %zu\n%s.\n", (unsigned long)status->st_ino, count, names);
  fclose(whole);
  free(names);
  return text;
}

static int noted_sync(const char *name, int file) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  struct stat status;
  char path[kPathMax];
  if (!watched(file, path) || fstat(file, &status)) return real(file);
  pthread_mutex_t *lock = &locks[status.st_ino % kLocks];
  pthread_mutex_lock(lock);
  char *names = 0;
  size_t names_size = 0;
  if (S_ISDIR(status.st_mode)) {
    names = names_of(path, &status, &names_size);
  } else {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    keep(AT_FDCWD, link, AT_SYMLINK_FOLLOW, status.st_ino);
    fstat(file, &status);
  }
  const int result = real(file), error = errno;
  if (!result && names) note(names, names_size);
  if (!result && !names) note_size('F', status.st_ino, status.st_size);
  free(names);
  pthread_mutex_unlock(lock);
  errno = error;
  return result;
}

int fsync(int file) { return noted_sync("fsync", file); }
int fdatasync(int file) { return noted_sync("fdatasync", file); }

static int noted_truncate(const char *name, int file, off_t size) {
  int (*real)(int, off_t) = (int (*)(int, off_t))dlsym(RTLD_NEXT, name);
  struct stat status;
  char path[kPathMax];
  const int shorter = watched(file, path) && !fstat(file, &status) && size < status.st_size;
  const int result = real(file, size), error = errno;
  if (!result && shorter) note_size('T', status.st_ino, size);
  errno = error;
  return result;
}

int ftruncate(int file, off_t size) { return noted_truncate("ftruncate", file, size); }
int ftruncate64(int file, off_t size) { return noted_truncate("ftruncate64", file, size); }

static int noted_open(const char *name, const char *path, int flags, mode_t mode) {
  int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, name);
  const int file = real(path, flags, mode), error = errno;
  struct stat status;
  char where[kPathMax];
  if (file >= 0 && flags & O_TRUNC && watched(file, where) && !fstat(file, &status)) {
    note_size('T', status.st_ino, 0);
  }
  errno = error;
  return file;
}

static mode_t mode_of(int flags, va_list arguments) {
  return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(arguments, mode_t) : 0;
}

int open(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return noted_open("open", path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return noted_open("open64", path, flags, mode);
}

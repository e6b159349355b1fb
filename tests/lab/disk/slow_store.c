// Preloaded into a target: a write whose first byte is 0xEE takes 1.5 s before it reaches the
// store.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/types.h>
#include <time.h>

ssize_t pwrite64(int fd, const void* data, size_t count, off64_t offset);
ssize_t pwrite64(int fd, const void* data, size_t count, off64_t offset) {
  static ssize_t (*real)(int, const void*, size_t, off64_t);
  if (!real) *(void**)&real = dlsym(RTLD_NEXT, "pwrite64");
  if (count > 0 && ((const unsigned char*)data)[0] == 0xEE) {
    struct timespec pause = {1, 500000000};
    nanosleep(&pause, 0);
  }
  return real(fd, data, count, offset);
}

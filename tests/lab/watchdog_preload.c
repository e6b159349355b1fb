// A watchdog for a node of the lab, which has none: preloaded into fencepostd, it plays the
// kernel's side of /dev/watchdog and tells watchdog.py, which keeps the time outside the node.
//
// The device file is opened over a socket (LAB_WATCHDOG names it); what is written to it and its
// ioctls become lines there. The program under test is the one that ships.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/watchdog.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char kDevice[] = "/dev/watchdog";
static int device = -1;
static int seconds = 60;

static int Tell(const char* line) {
  return send(device, line, strlen(line), MSG_NOSIGNAL) < 0 ? -1 : 0;
}

static int OpenDevice(void) {
  const char* path = getenv("LAB_WATCHDOG");
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (path == NULL || strlen(path) >= sizeof address.sun_path) return errno = ENODEV, -1;
  if (device >= 0) return errno = EBUSY, -1;
  strcpy(address.sun_path, path);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (connect(fd, (struct sockaddr*)&address, sizeof address) != 0) {
    close(fd);
    return errno = ENODEV, -1;
  }
  device = fd;
  return Tell("open\n") == 0 ? fd : -1;
}

static int Open(const char* name, const char* path, int flags, mode_t mode) {
  if (strcmp(path, kDevice) == 0) return OpenDevice();
  int (*next)(const char*, int, ...) = (int (*)(const char*, int, ...))dlsym(RTLD_NEXT, name);
  return next(path, flags, mode);
}

#define OPEN(symbol)                                                                       \
  int symbol(const char* path, int flags, ...) {                                           \
    va_list rest;                                                                          \
    va_start(rest, flags);                                                                 \
    const mode_t mode = (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0; \
    va_end(rest);                                                                          \
    return Open(#symbol, path, flags, mode);                                               \
  }
OPEN(open)
OPEN(open64)
int __open_2(const char* path, int flags) { return Open("open", path, flags, 0); }
int __open64_2(const char* path, int flags) { return Open("open64", path, flags, 0); }

static int Control(unsigned long request, void* argument) {
  char line[32];
  switch (request) {
    case WDIOC_GETSUPPORT: {
      struct watchdog_info* info = argument;
      memset(info, 0, sizeof *info);
      info->options = WDIOF_SETTIMEOUT | WDIOF_MAGICCLOSE | WDIOF_KEEPALIVEPING;
      strcpy((char*)info->identity, "Lab Watchdog");
      return 0;
    }
    case WDIOC_SETTIMEOUT:
      seconds = *(int*)argument;
      snprintf(line, sizeof line, "timeout %d\n", seconds);
      return Tell(line);
    case WDIOC_GETTIMEOUT:
      *(int*)argument = seconds;
      return 0;
    case WDIOC_KEEPALIVE:
      return Tell("feed\n");
    case WDIOC_SETOPTIONS:
      return (*(int*)argument & WDIOS_DISABLECARD) != 0 ? Tell("stop\n") : (errno = EINVAL, -1);
    default:
      return errno = ENOTTY, -1;
  }
}

int ioctl(int fd, unsigned long request, ...) {
  va_list rest;
  va_start(rest, request);
  void* argument = va_arg(rest, void*);
  va_end(rest);
  if (fd >= 0 && fd == device) return Control(request, argument);
  int (*next)(int, unsigned long, void*) =
      (int (*)(int, unsigned long, void*))dlsym(RTLD_NEXT, "ioctl");
  return next(fd, request, argument);
}

ssize_t write(int fd, const void* bytes, size_t size) {
  if (fd >= 0 && fd == device) {
    return Tell(memchr(bytes, 'V', size) != NULL ? "magic\n" : "feed\n") == 0 ? (ssize_t)size : -1;
  }
  ssize_t (*next)(int, const void*, size_t) =
      (ssize_t(*)(int, const void*, size_t))dlsym(RTLD_NEXT, "write");
  return next(fd, bytes, size);
}

int close(int fd) {
  if (fd >= 0 && fd == device) device = -1;
  int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "close");
  return next(fd);
}

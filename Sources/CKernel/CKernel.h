// What Swift cannot import: variadic calls, macros, and the CRC32C instruction. Header-only, so that there is no C to build.
//
// No feature macros (_GNU_SOURCE) here: they change the C library's types, and Swift refuses two modules (this one and its
// own Glibc) that see the same type differently.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <unistd.h>

#include "CRC32C.h"
#include "Codecs.h"

static inline int ck_open(const char *path, int flags, unsigned mode) { return open(path, flags, mode); }

// The process's variables; `environ` itself is a global that Swift 6 lets nobody touch.
static inline char **ck_environment(void) { return __environ; }

// Declared here because the header hides it without _GNU_SOURCE.
extern int fallocate(int descriptor, int mode, off_t offset, off_t length);
static inline int ck_fallocate(int descriptor, int mode, off_t offset, off_t length) {
    return fallocate(descriptor, mode, offset, length);
}

extern int sync_file_range(int descriptor, off_t offset, off_t length, unsigned flags);
static inline int ck_sync_file_range(int descriptor, off_t offset, off_t length, unsigned flags) {
    return sync_file_range(descriptor, offset, length, flags);
}

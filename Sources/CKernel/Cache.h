// What the page cache holds: bare system calls, since the C library declares them only for GNU sources, or not at all.
#pragma once

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

// Reads what is in the page cache. Bytes read, fewer where it ends; -EAGAIN when the first byte is not in it; -EOPNOTSUPP on
// file systems that cannot tell.
static inline ssize_t ck_read_cached(int descriptor, void *buffer, size_t count, int64_t position) {
    enum { noWait = 8 };  // RWF_NOWAIT
    struct iovec part = {buffer, count};
    // On 64-bit machines the position is one argument, and the one behind it is not looked at.
    ssize_t result = syscall(SYS_preadv2, descriptor, &part, 1, position, 0, noWait);
    return result < 0 ? -(ssize_t)errno : result;
}

// Pages of the range that are in the page cache, some of them perhaps still being read; a negative errno where the kernel does
// not say (before Linux 6.5, or for files of others).
static inline int64_t ck_cached_pages(int descriptor, int64_t position, int64_t count) {
    enum { cachestat = 451 };  // The same on all machines.
    struct { uint64_t offset, length; } range = {(uint64_t)position, (uint64_t)count};
    struct { uint64_t cached, dirty, writeback, evicted, recentlyEvicted; } found = {0, 0, 0, 0, 0};
    long result = syscall(cachestat, descriptor, &range, &found, 0);
    return result < 0 ? -(int64_t)errno : (int64_t)found.cached;
}

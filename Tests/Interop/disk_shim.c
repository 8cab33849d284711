/* A disk that misbehaves when a test says so, and counts what it is asked to sync. For LD_PRELOAD.
 *
 * DISK_SHIM names a directory. While it has a file of these names, what lies below the path written in it fails:
 *
 *     broken-sync   fsync and fdatasync: EIO
 *     broken        these, and every write: EIO
 *     full          writes that make a file longer, and new files: ENOSPC
 *
 * The eight bytes of `syncs` there count the calls of fsync and fdatasync on files, as a number of this machine.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Atomic long *counter;

__attribute__((constructor)) static void begin(void) {
    char path[PATH_MAX];
    if (!getenv("DISK_SHIM")) return;
    snprintf(path, sizeof path, "%s/syncs", getenv("DISK_SHIM"));
    int file = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0) return;
    if (ftruncate(file, 8) == 0) {
        void *memory = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (memory != MAP_FAILED) counter = memory;
    }
    close(file);
}

/* Whether `path` lies below what the file `mode` says. */
static int is_below(const char *mode, const char *path) {
    char name[PATH_MAX], prefix[PATH_MAX] = {0};
    if (!getenv("DISK_SHIM")) return 0;
    snprintf(name, sizeof name, "%s/%s", getenv("DISK_SHIM"), mode);
    int file = (int)syscall(SYS_openat, AT_FDCWD, name, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    long count = syscall(SYS_read, file, prefix, sizeof prefix - 1);
    close(file);
    return count > 0 && strncmp(path, prefix, (size_t)count) == 0;
}

static int is_file_below(const char *mode, int file) {
    char link[64], path[PATH_MAX] = {0};
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    return readlink(link, path, sizeof path - 1) > 0 && is_below(mode, path);
}

static int fail(int error) {
    errno = error;
    return -1;
}

static int sync_file(long call, int file) {
    struct stat status;
    if (counter && fstat(file, &status) == 0 && S_ISREG(status.st_mode)) atomic_fetch_add(counter, 1);
    if (is_file_below("broken-sync", file) || is_file_below("broken", file)) return fail(EIO);
    return (int)syscall(call, file);
}

int fsync(int file) { return sync_file(SYS_fsync, file); }
int fdatasync(int file) { return sync_file(SYS_fdatasync, file); }

ssize_t pwrite(int file, const void *bytes, size_t count, off_t position) {
    struct stat status;
    if (is_file_below("broken", file)) return fail(EIO);
    if (is_file_below("full", file) && fstat(file, &status) == 0 && position + (off_t)count > status.st_size)
        return fail(ENOSPC);
    return syscall(SYS_pwrite64, file, bytes, count, position);
}
ssize_t pwrite64(int file, const void *bytes, size_t count, off_t position) {
    return pwrite(file, bytes, count, position);
}

int open(const char *path, int flags, ...) {
    mode_t mode = 0;
    if (flags & O_CREAT) {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
        char whole[PATH_MAX];
        if (access(path, F_OK) != 0 && path[0] != '/' && getcwd(whole, sizeof whole)) {
            strncat(whole, "/", sizeof whole - strlen(whole) - 1);
            strncat(whole, path, sizeof whole - strlen(whole) - 1);
            if (is_below("full", whole)) return fail(ENOSPC);
        } else if (access(path, F_OK) != 0 && is_below("full", path)) {
            return fail(ENOSPC);
        }
    }
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

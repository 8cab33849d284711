// The calls of the event loop.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

// Names the calling thread; the kernel keeps 15 bytes.
static inline void ck_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

// Declared here because the header hides it without _GNU_SOURCE.
extern int pthread_clockjoin_np(pthread_t thread, void **result, clockid_t clock, const struct timespec *until);
static inline int ck_join_thread(pthread_t thread, const struct timespec *until) {
    return pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, until);
}

// Results are as the calls give them, or a negative errno, so that nothing stands between a call and its errno.
#define CK_RESULT(call) ({ __typeof__(call) ck_result = (call); ck_result < 0 ? -(__typeof__(call))errno : ck_result; })

static inline int ck_epoll_create(void) { return CK_RESULT(epoll_create1(EPOLL_CLOEXEC)); }
static inline int ck_epoll_control(int epoll, int operation, int descriptor, uint32_t events, uint64_t id) {
    struct epoll_event event = {.events = events, .data = {.u64 = id}};
    return CK_RESULT(epoll_ctl(epoll, operation, descriptor, &event));
}
static inline int ck_epoll_wait(int epoll, struct epoll_event *events, int count, int timeoutMs) {
    return CK_RESULT(epoll_wait(epoll, events, count, timeoutMs));
}
static inline uint64_t ck_event_id(const struct epoll_event *event) { return event->data.u64; }
static inline uint32_t ck_event_mask(const struct epoll_event *event) { return event->events; }
static inline int ck_eventfd(void) { return CK_RESULT(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

static inline int ck_socket(int family) {
    return CK_RESULT(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}
static inline int ck_accept(int listener, struct sockaddr_storage *address) {
    socklen_t length = sizeof *address;
    // As a bare call: the C library declares it only for GNU sources, and what another header asked for first decides.
    return (int)CK_RESULT(syscall(SYS_accept4, listener, address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
}
static inline int ck_connect(int descriptor, const struct sockaddr_storage *address, socklen_t length) {
    return CK_RESULT(connect(descriptor, (const struct sockaddr *)address, length));
}
static inline int ck_bind(int descriptor, const struct sockaddr_storage *address, socklen_t length) {
    return CK_RESULT(bind(descriptor, (const struct sockaddr *)address, length));
}
static inline int ck_listen(int descriptor, int backlog) { return CK_RESULT(listen(descriptor, backlog)); }
static inline int ck_local_address(int descriptor, struct sockaddr_storage *address) {
    socklen_t length = sizeof *address;
    return CK_RESULT(getsockname(descriptor, (struct sockaddr *)address, &length));
}
static inline int ck_set_option(int descriptor, int level, int option, int value) {
    return CK_RESULT(setsockopt(descriptor, level, option, &value, sizeof value));
}
// The error a socket met on its own, for instance while it connected; 0 when there is none.
static inline int ck_socket_error(int descriptor) {
    int error = 0;
    socklen_t length = sizeof error;
    return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length) < 0 ? errno : error;
}
static inline int ck_shutdown_write(int descriptor) { return CK_RESULT(shutdown(descriptor, SHUT_WR)); }
static inline ssize_t ck_receive(int descriptor, void *buffer, size_t count) {
    return CK_RESULT(recv(descriptor, buffer, count, 0));
}
static inline ssize_t ck_receive2(int descriptor, void *first, size_t firstCount, void *second, size_t secondCount) {
    struct iovec parts[2] = {{first, firstCount}, {second, secondCount}};
    return CK_RESULT(readv(descriptor, parts, 2));
}
// `more`: further bytes follow at once, so that a small header does not travel in a packet of its own.
static inline ssize_t ck_send(int descriptor, const struct iovec *parts, size_t count, int more) {
    struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = count};
    return CK_RESULT(sendmsg(descriptor, &message, MSG_NOSIGNAL | (more ? MSG_MORE : 0)));
}
static inline ssize_t ck_send_file(int socket, int file, int64_t position, size_t count) {
    off_t offset = position;
    return CK_RESULT(sendfile(socket, file, &offset, count));
}
// Writing never blocks.
static inline int ck_pipe(int *reading, int *writing) {
    int ends[2];
    if (pipe(ends) < 0) return -errno;
    *reading = ends[0];
    *writing = ends[1];
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    return 0;
}

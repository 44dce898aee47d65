#include "base/wake.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

tg_status_t
tg_wake_open(tg_wake_t *wake, tg_error_t *err)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0) {
        return tg_error_set(err, TG_ERR_IO,
                            "cannot open an eventfd: %s (raise the limit on open files)",
                            strerror(errno));
    }
    wake->fd = fd;
    return TG_OK;
}

void
tg_wake_close(tg_wake_t *wake)
{
    if (wake->fd >= 0) {
        (void)close(wake->fd);
        wake->fd = -1;
    }
}

void
tg_wake_signal(tg_wake_t *wake)
{
    const uint64_t one = 1;
    int saved_errno = errno; /* we may be inside a signal handler */
    /* Cannot fail but with EAGAIN, which means that the counter is at its end: it rings already. */
    (void)!write(wake->fd, &one, sizeof one);
    errno = saved_errno;
}

void
tg_wake_drain(tg_wake_t *wake)
{
    uint64_t rings;
    (void)!read(wake->fd, &rings, sizeof rings);
}

short
tg_wake_wait(tg_wake_t *wake, int other_fd, short other_events, int64_t timeout_ms)
{
    struct pollfd fds[2] = {{.fd = wake->fd, .events = POLLIN},
                            {.fd = other_fd, .events = other_events}};
    int wait_ms = timeout_ms < 0 ? -1 : timeout_ms > INT_MAX ? INT_MAX : (int)timeout_ms;
    if (poll(fds, other_fd < 0 ? 1 : 2, wait_ms) <= 0) {
        return 0;
    }
    if (fds[0].revents != 0) {
        tg_wake_drain(wake);
    }
    if (other_fd < 0) {
        return 0;
    }
    return fds[1].revents;
}

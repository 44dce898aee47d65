#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_internal.h"

enum { BACKLOG = 64 };

typedef struct host_and_port {
    char host[256];
    char port[6];
} host_and_port_t;

static tg_status_t
invalid(const char *address, const char *why, tg_error_t *err)
{
    return tg_error_set(err, TG_ERR_CONFIG,
                        "http.listen \"%s\": %s; write host:port, such as \"127.0.0.1:8083\" (this "
                        "machine only), \"0.0.0.0:8083\" (everybody) or \"[::1]:8083\"",
                        address, why);
}

static bool
is_port(const char *text)
{
    size_t n = strspn(text, "0123456789");
    if (n == 0 || n > 5 || text[n] != '\0') {
        return false;
    }
    int port = 0;
    for (const char *c = text; *c != '\0'; c++) {
        port = port * 10 + (*c - '0');
    }
    return port <= UINT16_MAX;
}

static tg_status_t
split(const char *address, host_and_port_t *ret, tg_error_t *err)
{
    const char *colon = strrchr(address, ':');
    if (colon == NULL) {
        return invalid(address, "there is no port", err);
    }
    if (!is_port(colon + 1)) {
        return invalid(address, "the port is not a number from 0 to 65535", err);
    }
    const char *host = address;
    size_t n = (size_t)(colon - address);
    if (n >= 2 && host[0] == '[' && host[n - 1] == ']') {
        host++;
        n -= 2;
    } else if (memchr(host, ':', n) != NULL) {
        return invalid(address, "an IPv6 address goes in brackets", err);
    }
    if (n == 0 || n >= sizeof ret->host) {
        return invalid(address, n == 0 ? "there is no host" : "the host is too long", err);
    }
    (void)snprintf(ret->host, sizeof ret->host, "%.*s", (int)n, host);
    (void)snprintf(ret->port, sizeof ret->port, "%s", colon + 1);
    return TG_OK;
}

static tg_status_t
explain(const char *address, int error, tg_error_t *err)
{
    switch (error) {
    case EADDRINUSE:
        return tg_error_set(err, TG_ERR_CONFIG,
                            "http.listen %s: another program listens there already; stop it or "
                            "choose another port (who it is: ss -ltnp)",
                            address);
    case EADDRNOTAVAIL:
        return tg_error_set(err, TG_ERR_CONFIG,
                            "http.listen %s: this machine has no such address; see ip addr",
                            address);
    case EACCES:
        return tg_error_set(err, TG_ERR_CONFIG,
                            "http.listen %s: not permitted; ports below 1024 need a privilege, "
                            "choose a higher one",
                            address);
    default:
        return tg_error_set(err, TG_ERR_IO, "http.listen %s: %s", address, strerror(error));
    }
}

/* -1, and errno, when it cannot be had. */
static int
open_one(const struct addrinfo *info)
{
    int fd = socket(info->ai_family, info->ai_socktype | SOCK_CLOEXEC, info->ai_protocol);
    if (fd < 0) {
        return -1;
    }
    const int on = 1;
    const int off = 0;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (info->ai_family == AF_INET6) {
        /* "[::]:8083" is for everybody, whatever the version of their protocol. */
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    }
    if (bind(fd, info->ai_addr, info->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        int error = errno;
        (void)close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static uint16_t
port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } bound = {0};

    socklen_t n = sizeof bound;
    (void)getsockname(fd, &bound.any, &n);
    return ntohs(bound.any.sa_family == AF_INET6 ? bound.v6.sin6_port : bound.v4.sin_port);
}

tg_status_t
tg_http_listen(const char *address, int *ret_fd, uint16_t *ret_port, tg_error_t *err)
{
    host_and_port_t where;
    TG_TRY(split(address, &where, err));
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int rc = getaddrinfo(where.host, where.port, &hints, &found);
    if (rc != 0) {
        return tg_error_set(err, TG_ERR_CONFIG, "http.listen %s: no address for host \"%s\": %s",
                            address, where.host, gai_strerror(rc));
    }
    int fd = -1;
    for (const struct addrinfo *info = found; info != NULL && fd < 0; info = info->ai_next) {
        fd = open_one(info);
    }
    int error = errno;
    freeaddrinfo(found);
    if (fd < 0) {
        return explain(address, error, err);
    }
    *ret_fd = fd;
    *ret_port = port_of(fd);
    return TG_OK;
}

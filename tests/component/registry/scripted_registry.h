/*
 * A registry for tests: answers each path as a table says, and remembers what it was asked.
 *
 * One thread, one connection after the other, loopback only; HTTP or HTTPS. Included by one test
 * program each.
 */
#ifndef SCRIPTED_REGISTRY_H
#define SCRIPTED_REGISTRY_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "tg_test.h"

enum { MAX_REQUESTS = 256, MAX_REQUEST_BYTES = 4096, MAX_ANSWER_BYTES = 1024 * 1024 };

typedef struct scripted_answer {
    const char *path;   /* NULL ends a table */
    int http_status;    /* 0: close without an answer; -1: never answer */
    const char *type;   /* NULL: JSON */
    const char *header; /* one more header line without its end; NULL: none */
    const char *body;
} scripted_answer_t;

typedef struct scripted_registry {
    int listen_fd;
    int stop_fds[2]; /* a pipe: closed to stop */
    int port;
    pthread_t thread;
    SSL_CTX *tls; /* NULL: plain */
    pthread_mutex_t mutex;
    const scripted_answer_t *answers;
    char requests[MAX_REQUESTS][MAX_REQUEST_BYTES];
    size_t n_requests;
} scripted_registry_t;

typedef struct scripted_stream {
    int fd;
    SSL *tls;
} scripted_stream_t;

static inline ssize_t
scripted_read(scripted_stream_t *stream, char *data, size_t n_bytes)
{
    return stream->tls != NULL ? SSL_read(stream->tls, data, (int)n_bytes)
                               : read(stream->fd, data, n_bytes);
}

static inline void
scripted_write(scripted_stream_t *stream, const char *data, size_t n_bytes)
{
    while (n_bytes > 0) {
        ssize_t n = stream->tls != NULL ? SSL_write(stream->tls, data, (int)n_bytes)
                                        : send(stream->fd, data, n_bytes, MSG_NOSIGNAL);
        if (n <= 0) {
            return;
        }
        data += n;
        n_bytes -= (size_t)n;
    }
}

/* The table's answer for a request line such as "GET /schemas/ids/1 HTTP/1.1". */
static inline scripted_answer_t
scripted_find(scripted_registry_t *self, const char *request)
{
    static const scripted_answer_t UNKNOWN = {
        .http_status = 404, .body = "{\"error_code\":40403,\"message\":\"Schema not found\"}"};
    const scripted_answer_t *found = &UNKNOWN;
    const char *path = strchr(request, ' ');
    size_t n_path = path != NULL ? strcspn(path + 1, " ") : 0;
    for (const scripted_answer_t *a = self->answers; path != NULL && a->path != NULL; a++) {
        if (strlen(a->path) == n_path && strncmp(a->path, path + 1, n_path) == 0) {
            found = a;
            break;
        }
    }
    return *found;
}

static inline void
scripted_reply(scripted_registry_t *self, scripted_stream_t *stream, const char *request)
{
    (void)pthread_mutex_lock(&self->mutex);
    scripted_answer_t answer = scripted_find(self, request);
    if (self->n_requests < MAX_REQUESTS) {
        (void)snprintf(self->requests[self->n_requests++], MAX_REQUEST_BYTES, "%s", request);
    }
    (void)pthread_mutex_unlock(&self->mutex);
    if (answer.http_status == 0) {
        return;
    }
    if (answer.http_status < 0) {
        /* Until the test stops us, or the client has had enough. */
        struct pollfd fds[2] = {{.fd = self->stop_fds[0], .events = POLLIN},
                                {.fd = stream->fd, .events = POLLIN | POLLRDHUP}};
        (void)poll(fds, 2, -1);
        return;
    }
    char head[512];
    const char *body = answer.body != NULL ? answer.body : "";
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 %d Scripted\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                     "Connection: close\r\n%s%s\r\n",
                     answer.http_status,
                     answer.type != NULL ? answer.type : "application/vnd.schemaregistry.v1+json",
                     strlen(body), answer.header != NULL ? answer.header : "",
                     answer.header != NULL ? "\r\n" : "");
    scripted_write(stream, head, (size_t)n);
    scripted_write(stream, body, strlen(body));
}

static inline void
scripted_serve(scripted_registry_t *self, int fd)
{
    char request[MAX_REQUEST_BYTES] = "";
    size_t n_bytes = 0;
    scripted_stream_t stream = {.fd = fd};
    if (self->tls != NULL) {
        stream.tls = SSL_new(self->tls);
        (void)SSL_set_fd(stream.tls, fd);
        if (SSL_accept(stream.tls) <= 0) {
            SSL_free(stream.tls);
            return;
        }
    }
    while (strstr(request, "\r\n\r\n") == NULL && n_bytes < sizeof request - 1) {
        ssize_t n = scripted_read(&stream, request + n_bytes, sizeof request - 1 - n_bytes);
        if (n <= 0) {
            break;
        }
        n_bytes += (size_t)n;
        request[n_bytes] = '\0';
    }
    if (n_bytes > 0) {
        scripted_reply(self, &stream, request);
    }
    if (stream.tls != NULL) {
        (void)SSL_shutdown(stream.tls);
        SSL_free(stream.tls);
    }
}

static inline void *
scripted_main(void *arg)
{
    scripted_registry_t *self = arg;
    for (;;) {
        struct pollfd fds[2] = {{.fd = self->stop_fds[0], .events = POLLIN},
                                {.fd = self->listen_fd, .events = POLLIN}};
        (void)poll(fds, 2, -1);
        if (fds[0].revents != 0) {
            return NULL;
        }
        int fd = accept(self->listen_fd, NULL, NULL);
        if (fd >= 0) {
            scripted_serve(self, fd);
            (void)close(fd);
        }
    }
}

/* port 0: a free one; another: one that was ours before. */
static inline void
scripted_start_at(scripted_registry_t *self, const scripted_answer_t *answers, int port,
                  SSL_CTX *tls)
{
    memset(self, 0, sizeof *self);
    self->answers = answers;
    self->tls = tls;
    assert_int_equal(pthread_mutex_init(&self->mutex, NULL), 0);
    assert_int_equal(pipe(self->stop_fds), 0);
    self->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(self->listen_fd >= 0);
    const int on = 1;
    (void)setsockopt(self->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    assert_int_equal(bind(self->listen_fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(self->listen_fd, 16), 0);
    assert_int_equal(getsockname(self->listen_fd, (struct sockaddr *)&address, &size), 0);
    self->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&self->thread, NULL, scripted_main, self), 0);
}

static inline void
scripted_start(scripted_registry_t *self, const scripted_answer_t *answers)
{
    scripted_start_at(self, answers, 0, NULL);
}

static inline void
scripted_stop(scripted_registry_t *self)
{
    (void)close(self->stop_fds[1]);
    (void)pthread_join(self->thread, NULL);
    (void)close(self->stop_fds[0]);
    (void)close(self->listen_fd);
    (void)pthread_mutex_destroy(&self->mutex);
}

static inline void
scripted_change(scripted_registry_t *self, const scripted_answer_t *answers)
{
    (void)pthread_mutex_lock(&self->mutex);
    self->answers = answers;
    (void)pthread_mutex_unlock(&self->mutex);
}

static inline size_t
scripted_count(scripted_registry_t *self)
{
    (void)pthread_mutex_lock(&self->mutex);
    size_t count = self->n_requests;
    (void)pthread_mutex_unlock(&self->mutex);
    return count;
}

/* Did a request hold this text? */
static inline bool
scripted_was_asked(scripted_registry_t *self, const char *text)
{
    bool was = false;
    (void)pthread_mutex_lock(&self->mutex);
    for (size_t i = 0; i < self->n_requests; i++) {
        was = was || strstr(self->requests[i], text) != NULL;
    }
    (void)pthread_mutex_unlock(&self->mutex);
    return was;
}

#endif

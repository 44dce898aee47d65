/*
 * A PostgreSQL server that says exactly what a test tells it to, on a loopback port.
 *
 *   const scripted_step_t steps[] = {STEP(ACCEPT), STEP(READ_QUERY), SAY(answer), STEP(CLOSE)};
 *
 * The real libpq talks to it, so that its behaviour on every broken answer is the one that is
 * tested. Steps run one after the other on a thread; when they are over, sockets are closed.
 */
#ifndef TG_SCRIPTED_POSTGRES_H
#define TG_SCRIPTED_POSTGRES_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/thread.h"
#include "tg_test.h"

typedef enum scripted_action {
    STEP_ACCEPT,        /* a client, and let it in */
    STEP_ACCEPT_ONLY,   /* a client; what is said to its start-up message are the next steps */
    STEP_READ_QUERY,    /* until a Query or a Sync */
    STEP_READ_COPY_END, /* until CopyDone or CopyFail */
    STEP_READ_COPY,     /* until n bytes of CopyData are there */
    STEP_SEND,
    STEP_AWAIT_CANCEL, /* a CancelRequest on a connection of its own */
    STEP_PAUSE,        /* n milliseconds, in which nothing is read */
    STEP_AWAIT_CLOSE,  /* until the client goes */
    STEP_CLOSE,
    STEP_RESET, /* close so that the client sees ECONNRESET */
} scripted_action_t;

typedef struct scripted_step {
    scripted_action_t action;
    const tg_buffer_t *bytes;
    size_t n;
} scripted_step_t;

/* For tables of steps: STEP(ACCEPT), STEP_N(PAUSE, 50), SAY(a_buffer_of_messages). */
#define STEP(name)                                                                                 \
    {                                                                                              \
        .action = STEP_##name                                                                      \
    }
#define STEP_N(name, count)                                                                        \
    {                                                                                              \
        .action = STEP_##name, .n = (count)                                                        \
    }
#define SAY(buffer)                                                                                \
    {                                                                                              \
        .action = STEP_SEND, .bytes = &(buffer)                                                    \
    }

typedef struct scripted_postgres {
    const scripted_step_t *steps;
    size_t n_steps;
    size_t cut_after;        /* bytes sent by STEP_SEND, then closed; SIZE_MAX: never */
    const char *hot_standby; /* what in_hot_standby says */
    int listener;
    int client;
    int port;
    size_t n_sent;
    tg_thread_t thread;
    /* what was seen; read after _stop */
    size_t n_copy_bytes;
    int n_copy_done;
    int n_copy_fail;
    int n_cancels;
    char last_query[512];
} scripted_postgres_t;

/* Messages of the protocol, appended to out. */
static inline void
message(tg_buffer_t *out, char type, const void *body, size_t n)
{
    const uint32_t length = htonl((uint32_t)n + 4);
    assert_int_equal(tg_buffer_append(out, &type, 1), TG_OK);
    assert_int_equal(tg_buffer_append(out, &length, 4), TG_OK);
    assert_int_equal(tg_buffer_append(out, body, n), TG_OK);
}

static inline void
message_ready(tg_buffer_t *out, char transaction)
{
    message(out, 'Z', &transaction, 1);
}

static inline void
message_command(tg_buffer_t *out, const char *tag)
{
    message(out, 'C', tag, strlen(tag) + 1);
}

static inline void
message_copy_in(tg_buffer_t *out)
{
    message(out, 'G', "\1\0\1\0\1", 5);
}

/* One row of one column. */
static inline void
message_row(tg_buffer_t *out)
{
    message(out, 'T', "\0\1a\0\0\0\0\0\0\0\0\0\0\31\377\377\377\377\377\377\0\0", 22);
    message(out, 'D', "\0\1\0\0\0\1x", 7);
    message_command(out, "SELECT 1");
}

/* type 'E' or 'N'; context NULL: none. */
static inline void
message_report(tg_buffer_t *out, char type, const char *severity, const char *sqlstate,
               const char *text, const char *context)
{
    tg_buffer_t body;
    tg_buffer_init(&body, 4096);
    const char *const fields[] = {"S", severity, "V", severity, "C", sqlstate, "M", text};
    for (size_t i = 0; i < TG_COUNT_OF(fields); i += 2) {
        assert_int_equal(tg_buffer_append_text(&body, fields[i]), TG_OK);
        assert_int_equal(tg_buffer_append(&body, fields[i + 1], strlen(fields[i + 1]) + 1), TG_OK);
    }
    if (context != NULL) {
        assert_int_equal(tg_buffer_append_text(&body, "W"), TG_OK);
        assert_int_equal(tg_buffer_append(&body, context, strlen(context) + 1), TG_OK);
    }
    assert_int_equal(tg_buffer_append(&body, "", 1), TG_OK);
    message(out, type, body.data, body.n_bytes);
    tg_buffer_done(&body);
}

static inline bool
scripted_read(int fd, void *to, size_t n)
{
    uint8_t *at = to;
    while (n > 0) {
        ssize_t got = recv(fd, at, n, 0);
        if (got <= 0) {
            return false;
        }
        at += got;
        n -= (size_t)got;
    }
    return true;
}

static inline bool
scripted_send(scripted_postgres_t *server, const void *bytes, size_t n)
{
    const uint8_t *at = bytes;
    while (n > 0) {
        ssize_t sent = send(server->client, at, n, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        at += sent;
        n -= (size_t)sent;
    }
    return true;
}

/* Accepts and reads the start-up message; *ret_code is its first word (a version, or a request). */
static inline int
scripted_accept(scripted_postgres_t *server, uint32_t *ret_code)
{
    uint32_t head[2];
    int fd = accept(server->listener, NULL, NULL);
    uint8_t rest[4096];
    if (fd < 0 || !scripted_read(fd, head, sizeof head) || ntohl(head[0]) > sizeof rest ||
        !scripted_read(fd, rest, ntohl(head[0]) - sizeof head)) {
        return fd;
    }
    *ret_code = ntohl(head[1]);
    return fd;
}

static inline void
scripted_let_in(scripted_postgres_t *server)
{
    tg_buffer_t out;
    char standby[64];
    tg_buffer_init(&out, 4096);
    int n = snprintf(standby, sizeof standby, "in_hot_standby%c%s%c", 0, server->hot_standby, 0);
    message(&out, 'R', "\0\0\0\0", 4);
    message(&out, 'S',
            "server_version\0"
            "15.20",
            21);
    message(&out, 'S', "client_encoding\0UTF8", 21);
    message(&out, 'S', "default_transaction_read_only\0off", 34);
    message(&out, 'S', standby, (size_t)n);
    message(&out, 'K', "\0\0\0\7\0\0\0\11", 8);
    message_ready(&out, 'I');
    (void)scripted_send(server, out.data, out.n_bytes);
    tg_buffer_done(&out);
}

/* Reads one message of the client. False: it has gone. */
static inline bool
scripted_read_message(scripted_postgres_t *server, char *ret_type)
{
    static _Thread_local uint8_t body[1 << 20];
    uint32_t length = 0;
    if (!scripted_read(server->client, ret_type, 1) ||
        !scripted_read(server->client, &length, sizeof length) ||
        ntohl(length) - 4 > sizeof body - 1 ||
        !scripted_read(server->client, body, ntohl(length) - 4)) {
        return false;
    }
    size_t n = ntohl(length) - 4;
    server->n_copy_bytes += *ret_type == 'd' ? n : 0;
    server->n_copy_done += *ret_type == 'c' ? 1 : 0;
    server->n_copy_fail += *ret_type == 'f' ? 1 : 0;
    if (*ret_type == 'Q' || *ret_type == 'P') {
        body[n] = '\0';
        (void)snprintf(server->last_query, sizeof server->last_query, "%.500s",
                       (const char *)body + (*ret_type == 'P' ? 1 : 0));
    }
    return true;
}

/* Reads until one of types ends the wait, or n bytes of CopyData are there. */
static inline bool
scripted_read_until(scripted_postgres_t *server, const char *types, size_t n_copy_bytes)
{
    char type = '\0';
    size_t until = server->n_copy_bytes + n_copy_bytes;
    do {
        if (!scripted_read_message(server, &type)) {
            return false;
        }
    } while (strchr(types, type) == NULL && (n_copy_bytes == 0 || server->n_copy_bytes < until));
    return true;
}

static inline void
scripted_close(scripted_postgres_t *server, bool reset)
{
    const struct linger hard = {.l_onoff = 1, .l_linger = 0};
    if (server->client >= 0) {
        if (reset) {
            (void)setsockopt(server->client, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        }
        (void)close(server->client);
        server->client = -1;
    }
}

static inline bool
scripted_send_step(scripted_postgres_t *server, const tg_buffer_t *bytes)
{
    size_t room = server->cut_after - server->n_sent;
    size_t n = bytes->n_bytes < room ? bytes->n_bytes : room;
    server->n_sent += n;
    bool ok = scripted_send(server, bytes->data, n);
    return ok && n == bytes->n_bytes && server->n_sent < server->cut_after;
}

/* False: the script is over before its end. */
static inline bool
scripted_step(scripted_postgres_t *server, const scripted_step_t *step)
{
    uint32_t code = 0;
    int fd = -1;
    switch (step->action) {
    case STEP_ACCEPT:
        server->client = scripted_accept(server, &code);
        scripted_let_in(server);
        return server->client >= 0;
    case STEP_ACCEPT_ONLY:
        server->client = scripted_accept(server, &code);
        return server->client >= 0;
    case STEP_READ_QUERY:
        return scripted_read_until(server, "QS", 0);
    case STEP_READ_COPY_END:
        return scripted_read_until(server, "cf", 0);
    case STEP_READ_COPY:
        return scripted_read_until(server, "", step->n);
    case STEP_SEND:
        return scripted_send_step(server, step->bytes);
    case STEP_AWAIT_CANCEL:
        fd = scripted_accept(server, &code);
        server->n_cancels += code == 80877102 ? 1 : 0;
        (void)close(fd);
        return true;
    case STEP_PAUSE:
        (void)poll(NULL, 0, (int)step->n);
        return true;
    case STEP_AWAIT_CLOSE:
        (void)scripted_read_until(server, "", SIZE_MAX / 2);
        return true;
    case STEP_CLOSE:
    case STEP_RESET:
        scripted_close(server, step->action == STEP_RESET);
        return true;
    }
    return false;
}

static void *
scripted_main(void *arg)
{
    scripted_postgres_t *server = arg;
    for (size_t i = 0; i < server->n_steps; i++) {
        if (!scripted_step(server, &server->steps[i])) {
            break;
        }
    }
    scripted_close(server, false);
    return NULL;
}

static inline void
scripted_start(scripted_postgres_t *server, const scripted_step_t *steps, size_t n_steps)
{
    tg_error_t err = {0};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof address;
    const size_t cut_after = server->cut_after;
    const char *hot_standby = server->hot_standby;
    *server = (scripted_postgres_t){.steps = steps,
                                    .n_steps = n_steps,
                                    .cut_after = cut_after != 0 ? cut_after : SIZE_MAX,
                                    .hot_standby = hot_standby != NULL ? hot_standby : "off",
                                    .client = -1};
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(server->listener, 8), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &n), 0);
    server->port = ntohs(address.sin_port);
    ASSERT_OK(tg_thread_start(&server->thread, "scripted", scripted_main, server, &err));
}

static inline void
scripted_url(const scripted_postgres_t *server, char *out, size_t n_bytes)
{
    (void)snprintf(out, n_bytes, "postgresql://u@127.0.0.1:%d/d?sslmode=disable&gssencmode=disable",
                   server->port);
}

/* Waits for the script's end. The client must have gone, or the script must not wait for it. */
static inline void
scripted_stop(scripted_postgres_t *server)
{
    (void)shutdown(server->listener, SHUT_RDWR); /* ends an accept */
    tg_thread_join(&server->thread);
    (void)close(server->listener);
}

#endif

#include "sim_world.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim_database.h"
#include "sim_registry.h"
#include "sim_run.h"
#include "sim_thread.h"

enum {
    MAX_WRITERS = 2,
    MAX_IDLE_TURNS = 60,    /* turns of a writer without an event and without waiting */
    CALM_LIMIT_MS = 900000, /* until everything must be written, in simulated time */
    CALM_MAX_TURNS = 400000,
    MAX_SEARCH_WAITS = 100000,
};

static sim_world_t the_world;

/* When each writer goes on by itself; its bell may wake it before. */
static struct {
    int64_t until_ms;
    bool waits_at_socket;
    int64_t n_idle_turns;
    bool has_waited;
    int64_t n_search_waits;
} the_turns[MAX_WRITERS];

static int the_in_turn = -1; /* the writer whose turn it is */

sim_world_t *
sim_world(void)
{
    return &the_world;
}

void
sim_trace(const char *format, ...)
{
    if (getenv("SIM_TRACE") == NULL) {
        return;
    }
    va_list args;
    va_start(args, format);
    (void)fprintf(stderr, "%" PRId64 " ms, turn %" PRId64 ": ", sim_now_ms(), the_world.n_steps);
    (void)vfprintf(stderr, format, args);
    (void)fprintf(stderr, "\n");
    va_end(args);
}

void
sim_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fprintf(stderr, "seed %" PRIu64 ", turn %" PRId64 ", %" PRId64 " ms: ", the_world.seed,
                  the_world.n_steps, sim_now_ms());
    (void)vfprintf(stderr, format, args);
    (void)fprintf(stderr, "\n");
    va_end(args);
    abort(); /* where a debugger and the sanitizers can look */
}

/* --- what must hold between any two turns --- */

static void
check_batches(const tg_writer_t *writer, const tg_lane_t *lane)
{
    int64_t at = lane->first_sealed != NULL ? lane->first_sealed->first_offset
                 : lane->open != NULL       ? lane->open->first_offset
                                            : lane->position;
    tg_lane_state_t state = tg_lane_state(lane);
    if ((state == TG_LANE_RUNNING || state == TG_LANE_STARTING) && at != lane->entry.next_offset) {
        sim_fail("lane %s[%d]: the first batch begins at %" PRId64 ", the ledger is at %" PRId64,
                 lane->topic, lane->partition, at, lane->entry.next_offset);
    }
    for (const tg_batch_t *batch = lane->first_sealed; batch != NULL; batch = batch->next) {
        if (batch->first_offset != at || batch->next_offset < at) {
            sim_fail("lane %s[%d]: a hole between batches at %" PRId64, lane->topic,
                     lane->partition, at);
        }
        at = batch->next_offset;
    }
    if (lane->open != NULL && lane->open->first_offset != at) {
        sim_fail("lane %s[%d]: a hole before the open batch at %" PRId64, lane->topic,
                 lane->partition, at);
    }
    at = lane->open != NULL ? lane->open->next_offset : at;
    if (lane->position >= 0 && at != lane->position) {
        sim_fail("lane %s[%d]: batches end at %" PRId64 ", position is %" PRId64, lane->topic,
                 lane->partition, at, lane->position);
    }
    if (writer->flight.lane == lane && writer->flight.batch != lane->first_sealed) {
        sim_fail("lane %s[%d]: what is in flight is not its first batch", lane->topic,
                 lane->partition);
    }
}

static void
check_writer(const tg_writer_t *writer)
{
    size_t n_bytes = 0;
    for (size_t i = 0; i < writer->n_lanes; i++) {
        check_batches(writer, writer->lanes[i]);
        n_bytes += tg_lane_buffered_bytes(writer->lanes[i]);
    }
    if (n_bytes != writer->buffered_bytes) {
        sim_fail("%s says that it buffers %zu bytes, its lanes hold %zu", writer->name,
                 writer->buffered_bytes, n_bytes);
    }
    /* Shares were larger when there were fewer lanes; and one record past the limit in each. */
    if (n_bytes > writer->max_buffered_bytes * 3 / 2 + writer->n_lanes * 64) {
        sim_fail("%s buffers %zu bytes of %zu", writer->name, n_bytes, writer->max_buffered_bytes);
    }
}

static void
check_all(void)
{
    for (size_t i = 0; i < the_world.sink->n_writers; i++) {
        check_writer(the_world.sink->writers[i]);
    }
    if (sim_kafka_n_borrowed() > (int64_t)SIM_LANES * 2 * TG_LANE_MAX_PENDING) {
        sim_fail("%" PRId64 " messages are kept", sim_kafka_n_borrowed());
    }
}

/* --- turns --- */

static void
pass_time(int64_t ms)
{
    tg_manual_clock_advance(&the_world.clock, ms * 1000);
    sim_letters_settle(false);
    sim_registry_settle();
}

static void
turn_writer(size_t i)
{
    tg_writer_t *writer = the_world.sink->writers[i];
    int64_t before = the_world.n_events;
    the_turns[i].has_waited = false;
    the_turns[i].n_search_waits = 0;
    the_turns[i].until_ms = sim_now_ms();
    the_turns[i].waits_at_socket = false;
    the_in_turn = (int)i;
    tg_writer_step(writer);
    the_in_turn = -1;
    the_world.n_steps++;
    bool idle = the_world.n_events == before && the_turns[i].until_ms <= sim_now_ms();
    the_turns[i].n_idle_turns = idle ? the_turns[i].n_idle_turns + 1 : 0;
    if (the_turns[i].n_idle_turns > MAX_IDLE_TURNS) {
        sim_fail("%s spins without waiting", writer->name);
    }
    check_all();
}

static bool
writer_is_awake(size_t i)
{
    return the_turns[i].until_ms <= sim_now_ms() || the_turns[i].waits_at_socket ||
           sim_bell_has_rung(&the_world.sink->writers[i]->wake);
}

/* True when somebody had something to do. */
static bool
turn_anybody(void)
{
    size_t n_writers = the_world.sink->n_writers;
    size_t first = (size_t)sim_below((int64_t)n_writers + 1);
    for (size_t k = 0; k <= n_writers; k++) {
        size_t who = (first + k) % (n_writers + 1);
        if (who == n_writers && sim_kafka_poll_is_due() &&
            !sim_chance(the_world.faults.lazy_poll)) {
            tg_sink_poll_once(the_world.sink, 0);
            return true;
        }
        if (who < n_writers && writer_is_awake(who)) {
            turn_writer(who);
            return true;
        }
    }
    return false;
}

void
sim_waits(const tg_wake_t *wake, bool at_socket, int64_t timeout_ms)
{
    if (the_in_turn >= 0 && wake == &the_world.sink->writers[the_in_turn]->wake) {
        if (the_turns[the_in_turn].has_waited || at_socket) {
            pass_time(1); /* the search for rejected rows waits within its turn */
        }
        if (the_turns[the_in_turn].has_waited &&
            ++the_turns[the_in_turn].n_search_waits > MAX_SEARCH_WAITS) {
            sim_fail("a search goes on for ever");
        }
        the_turns[the_in_turn].has_waited = true;
        the_turns[the_in_turn].waits_at_socket = at_socket;
        the_turns[the_in_turn].until_ms = sim_now_ms() + timeout_ms;
        return;
    }
    if (wake != &the_world.sink->released || the_in_turn >= 0) {
        sim_fail("who waits there?");
    }
    /* The poll thread waits for the writers: they go on, or time does. */
    for (size_t i = 0; i < the_world.sink->n_writers; i++) {
        if (the_world.sink->writers[i]->thread.running && sim_chance(800)) {
            turn_writer(i);
        }
    }
    pass_time(1 + sim_below(timeout_ms > 0 ? timeout_ms : 1));
}

/* --- the process --- */

static void
process_start(void)
{
    const tg_sink_options_t options = {.config = &the_world.config,
                                       .sink = &the_world.sink_config,
                                       .schemas = sim_registry_cache(),
                                       .health = the_world.health,
                                       .clock = &the_world.clock.clock};
    tg_error_t err;
    if (tg_sink_start(&options, &the_world.sink, &err) != TG_OK) {
        sim_fail("cannot start: %s", err.text);
    }
    memset(the_turns, 0, sizeof the_turns);
}

static void
process_stop(bool kill)
{
    the_world.is_dead = kill;
    sim_trace(kill ? "process killed" : "process stopped");
    tg_sink_stop(the_world.sink);
    tg_sink_join(the_world.sink);
    the_world.sink = NULL;
    the_world.is_dead = false;
    if (sim_kafka_n_borrowed() != 0) {
        sim_fail("%" PRId64 " messages were not given back", sim_kafka_n_borrowed());
    }
}

/* --- chaos --- */

static int64_t
draw_rate(int64_t max_per_mille)
{
    return sim_chance(400) ? 0 : sim_below(max_per_mille + 1);
}

/* Each seed has its own mixture: most have some kinds of fault only. */
static sim_faults_t
draw_faults(void)
{
    return (sim_faults_t){.connect = draw_rate(300),
                          .lose = draw_rate(15),
                          .refuse = draw_rate(15),
                          .slow = draw_rate(100),
                          .kafka = draw_rate(100),
                          .fetch = draw_rate(20),
                          .redeliver = draw_rate(50),
                          .registry = draw_rate(300),
                          .letter_fail = draw_rate(150),
                          .letter_large = draw_rate(200),
                          .letter_full = draw_rate(150),
                          .lazy_poll = draw_rate(950),
                          .rebalance = draw_rate(15),
                          .rival = draw_rate(200),
                          .usurp = draw_rate(10),
                          .crash_database = draw_rate(4),
                          .alter_table = draw_rate(6),
                          .truncate_log = draw_rate(2),
                          .restart = draw_rate(3)};
}

static void
disturb(void)
{
    const sim_faults_t *faults = &the_world.faults;
    int lane = (int)sim_below(SIM_LANES);
    if (sim_chance(50)) {
        sim_kafka_produce(lane, (int)sim_below(60));
    }
    if (sim_chance(faults->rebalance)) {
        sim_kafka_give(lane, sim_chance(500), sim_chance(500));
    }
    if (sim_chance(faults->usurp) || (sim_chance(faults->rival) && sim_kafka_is_rivals(lane))) {
        sim_database_rival(lane);
    }
    if (sim_chance(faults->crash_database)) {
        sim_database_crash();
    }
    if (sim_chance(faults->alter_table) && sim_table_columns() != 0) {
        sim_table_drop(SIM_COLUMN_A << sim_below(3));
    }
    if (sim_chance(faults->truncate_log)) {
        sim_kafka_truncate(lane);
    }
    if (sim_chance(faults->restart)) {
        process_stop(sim_chance(500));
        process_start();
    }
}

static void
chaos(int64_t n_turns)
{
    for (int64_t i = 0; i < n_turns; i++) {
        disturb();
        if (!turn_anybody() || sim_chance(100)) {
            pass_time(1 + sim_below(sim_chance(50) ? 1000 : 20));
        }
    }
}

/* --- calm --- */

static tg_lane_t *
lane_in(int number)
{
    for (size_t i = 0; i < the_world.sink->n_lanes; i++) {
        tg_lane_t *lane = the_world.sink->lanes[i];
        if (sim_lane_of(lane->topic, lane->partition) == number) {
            return lane;
        }
    }
    return NULL;
}

static const sim_record_t *
next_record(int lane)
{
    int64_t next = sim_ledger_next(lane);
    return next >= 0 ? sim_kafka_at(lane, next) : NULL;
}

/* What an operator does about a lane that stands still because records are missing. */
static void
help(int number)
{
    const tg_lane_t *lane = lane_in(number);
    if (lane != NULL && tg_lane_state(lane) == TG_LANE_STOPPED && lane->missing_offset >= 0 &&
        sim_ledger_next(number) < sim_kafka_log_start(number) && !sim_connections_lock(number)) {
        sim_ledger_set(number, sim_kafka_log_start(number));
    }
}

/* All that can be written is: to the end, or to the first record that must not be passed. */
static bool
lane_is_done(int number)
{
    const sim_record_t *record = next_record(number);
    if (sim_ledger_next(number) < 0) {
        return false;
    }
    return record == NULL || (!the_world.tolerates_bad && sim_kind_is_bad(record->kind));
}

static bool
all_done(void)
{
    bool done = true;
    for (int i = 0; i < SIM_LANES; i++) {
        help(i);
        done = done && (i == the_world.banned_lane || lane_is_done(i));
    }
    return done;
}

static int64_t
earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* To the next moment at which anything happens. */
static void
skip_time(void)
{
    int64_t until_ms =
        earlier(sim_now_ms() + 500, earlier(sim_letters_due_ms(), sim_registry_due_ms()));
    for (size_t i = 0; i < the_world.sink->n_writers; i++) {
        until_ms = earlier(until_ms, the_turns[i].until_ms);
    }
    pass_time(until_ms > sim_now_ms() ? until_ms - sim_now_ms() : 1);
}

static void
tell_lane(int i)
{
    const tg_lane_t *lane = lane_in(i);
    (void)fprintf(stderr, "  lane %d: ledger %" PRId64 " of %" PRId64 ", log from %" PRId64 "\n", i,
                  sim_ledger_next(i), sim_kafka_log_end(i), sim_kafka_log_start(i));
    if (lane == NULL) {
        return;
    }
    const tg_batch_t *batch = lane->first_sealed != NULL ? lane->first_sealed : lane->open;
    (void)fprintf(
        stderr, "    %s of writer %d, position %" PRId64 ", %s%s%s%u failures, %u in decoding\n",
        tg_lane_state_name(tg_lane_state(lane)), lane->writer, lane->position,
        lane->must_start ? "must start, " : "", lane->wants_admit ? "wants admit, " : "",
        lane->blocked ? "blocked, " : "", lane->retry.n_failures, lane->decoding.n_failures);
    if (batch != NULL) {
        (void)fprintf(stderr,
                      "    batch %" PRId64 " to %" PRId64 ", %zu rows, %" PRId64
                      " dead letters pending%s\n",
                      batch->first_offset, batch->next_offset, batch->n_rows,
                      atomic_load(&batch->n_pending_dead_letters),
                      atomic_load(&batch->dead_letter_failed) ? ", one failed" : "");
    }
}

/* The sentences of /health/ready. */
static void
tell_health(void)
{
    tg_buffer_t text;
    bool ok = false;
    tg_buffer_init(&text, 1 << 20);
    if (tg_health_render_ready(the_world.health, &text, &ok) == TG_OK) {
        (void)fprintf(stderr, "%s\n", tg_buffer_text(&text));
    }
    tg_buffer_done(&text);
}

static void
calm(void)
{
    the_world.faults = (sim_faults_t){0};
    for (int i = 0; i < SIM_LANES; i++) {
        sim_kafka_give(i, true, true);
    }
    int64_t limit_ms = sim_now_ms() + CALM_LIMIT_MS;
    int64_t n_turns = 0;
    while (!all_done()) {
        if (!turn_anybody()) {
            skip_time();
        }
        if (sim_now_ms() > limit_ms || ++n_turns > CALM_MAX_TURNS) {
            for (int i = 0; i < SIM_LANES; i++) {
                tell_lane(i);
            }
            tell_health();
            sim_fail("not everything is written after %d s of calm and %" PRId64 " turns",
                     CALM_LIMIT_MS / 1000, n_turns);
        }
    }
}

/* --- one seed --- */

static void
configure(void)
{
    static const char *const TOPICS[] = {"t0", "t1"};
    the_world.route = (tg_route_config_t){.topic = "^t",
                                          .table = "public.readings",
                                          .create = true,
                                          .evolve = true,
                                          .time_column = "id"};
    the_world.sink_config = (tg_sink_config_t){
        .name = "sim",
        .group = "connect-sim",
        .topics = {.items = TOPICS, .n_items = TG_COUNT_OF(TOPICS)},
        .writers = 1 + sim_below(MAX_WRITERS),
        .start = sim_chance(500) ? TG_START_EARLIEST : TG_START_COMMITTED,
        .revoke_timeout_ms = sim_below(100),
        .batch = {.max_rows = 1 + sim_below(200),
                  .max_bytes = 1 + sim_below(8000),
                  .linger_ms = sim_chance(500) ? 0 : sim_below(50)},
        .errors = {.tolerance = the_world.tolerates_bad ? TG_TOLERANCE_ALL : TG_TOLERANCE_NONE,
                   .dead_letter_topic = the_world.tolerates_bad ? "dead" : NULL,
                   .max_record_bytes = 1000},
        .memory = {.encoded_bytes = 2000 + sim_below(20000)},
        .routes = &the_world.route,
        .n_routes = 1};
    the_world.config = (tg_config_t){
        .name = "sim",
        .shutdown_timeout_ms = sim_below(3000),
        .database = {.statement_timeout_ms = 500 + sim_below(5000), .lock_timeout_ms = 500},
        .sinks = &the_world.sink_config,
        .n_sinks = 1};
}

void
sim_run(uint64_t seed, sim_totals_t *totals)
{
    memset(&the_world, 0, sizeof the_world);
    the_world.seed = seed;
    the_world.random.state = seed * 0x2545f4914f6cdd1dU;
    tg_manual_clock_init(&the_world.clock, 1000000000);
    the_world.tolerates_bad = sim_chance(850);
    the_world.health = tg_health_new(&the_world.clock.clock);
    sim_kafka_open();
    sim_registry_open();
    sim_database_open();
    configure();
    for (int i = 0; i < SIM_LANES; i++) {
        sim_kafka_produce(i, (int)sim_below(200));
        sim_kafka_give(i, sim_chance(800), false);
    }
    the_world.faults = draw_faults();
    /* One lane that cannot write at all must not hold up the others. */
    the_world.banned_lane = sim_chance(300) ? (int)sim_below(SIM_LANES) : -1;
    process_start();
    chaos(200 + sim_below(2000));
    calm();
    the_world.banned_lane = -1;
    calm();
    if (sim_chance(500)) { /* while everybody is idle: what is lost must come again by itself */
        sim_database_crash();
        calm();
    }
    process_stop(false);
    sim_database_check();
    totals->n_commits += the_world.n_commits;
    totals->n_rows += the_world.n_rows;
    totals->n_lost += the_world.n_lost;
    totals->n_fenced += the_world.n_fenced;
    totals->n_bisects += the_world.n_bisects;
    totals->n_turns += the_world.n_steps;
    sim_database_close();
    sim_kafka_close();
    tg_health_free(the_world.health);
}

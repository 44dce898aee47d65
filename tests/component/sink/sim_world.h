/*
 * The simulated world around one sink: a Kafka cluster, a database, a registry, threads and time,
 * all in memory, all decided by one seed.
 *
 * The sink's own code runs as it is; the functions that it calls in the rooms kafka, database and
 * registry, and base's threads and doorbells, are defined by the sim_*.c files (link seam). There
 * are no threads: the scheduler lets the poll thread or a writer make one turn at a time, where a
 * real thread would be awake, so that every interleaving can be had again by its seed.
 *
 * Whatever breaks a promise ends the program with the seed and a sentence (sim_fail).
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "base/clock.h"
#include "base/error.h"
#include "monitoring/health.h"
#include "sim_random.h"
#include "sink_internal.h"
#include "writer_internal.h"

enum { SIM_TOPICS = 2, SIM_PARTITIONS = 3, SIM_LANES = SIM_TOPICS * SIM_PARTITIONS };

/* How often things go wrong, per mille of the occasions; all 0 in the calm at the end. */
typedef struct sim_faults {
    int64_t connect;     /* a connection is refused */
    int64_t lose;        /* a connection breaks, per step of an exchange or query */
    int64_t refuse;      /* the environment refuses a flush: deadlock, disk full, permission */
    int64_t slow;        /* an answer takes its time */
    int64_t kafka;       /* a call to the cluster fails */
    int64_t fetch;       /* the fetch has an error or a gap */
    int64_t redeliver;   /* old records come again */
    int64_t registry;    /* the registry goes away */
    int64_t letter_fail; /* a dead letter is not acknowledged */
    int64_t letter_large;
    int64_t letter_full;
    int64_t lazy_poll; /* the poll thread comes late */
    int64_t rebalance; /* per turn of the scheduler, as all below */
    int64_t rival;     /* writes a lane that is his */
    int64_t usurp;     /* writes a lane that is not */
    int64_t crash_database;
    int64_t alter_table;
    int64_t truncate_log;
    int64_t restart;
} sim_faults_t;

typedef struct sim_world {
    uint64_t seed;
    sim_random_t random;
    tg_manual_clock_t clock;
    sim_faults_t faults;
    bool is_dead;       /* the process is being killed: nothing that it does has an effect */
    bool tolerates_bad; /* errors.tolerance */
    int banned_lane;    /* the server takes nothing of it; -1: none */
    int64_t n_events;   /* whatever happened: a turn without one must wait */
    int64_t n_commits, n_rows, n_bad, n_bisects, n_lost, n_fenced, n_kept, n_steps;
    tg_config_t config;
    tg_sink_config_t sink_config;
    tg_route_config_t route;
    tg_health_t *health;
    tg_sink_t *sink;
} sim_world_t;

/* The one world there is. */
sim_world_t *sim_world(void);

/* With SIM_TRACE in the environment. */
void sim_trace(const char *format, ...) __attribute__((format(printf, 1, 2)));

void sim_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

static inline bool
sim_chance(int64_t per_mille)
{
    return sim_random_chance(&sim_world()->random, per_mille);
}

static inline int64_t
sim_below(int64_t n)
{
    return sim_random_below(&sim_world()->random, n);
}

static inline int64_t
sim_now_ms(void)
{
    return tg_clock_now_ms(&sim_world()->clock.clock);
}

/* Says that something happened. */
static inline void
sim_happened(void)
{
    sim_world()->n_events++;
}

/* Lane number of a topic's partition, and back. */
int sim_lane_of(const char *topic, int32_t partition);
const char *sim_lane_topic(int lane);
int32_t sim_lane_partition(int lane);

#endif

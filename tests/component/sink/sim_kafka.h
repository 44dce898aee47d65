/*
 * The simulated cluster: logs, a consumer group of this process and a rival, the dead-letter topic.
 */
#ifndef SIM_KAFKA_H
#define SIM_KAFKA_H

#include "sim_world.h"

typedef enum sim_kind {
    SIM_GOOD_A,    /* fills id, a */
    SIM_GOOD_AB,   /* fills id, a, b */
    SIM_GOOD_C,    /* fills id, c */
    SIM_TOMBSTONE, /* no value */
    SIM_BAD_FRAME, /* no such framing */
    SIM_BAD_ID,    /* the registry does not know the schema */
    SIM_BAD_FIT,   /* the schema does not fit the table */
    SIM_BAD_BODY,  /* ends too early */
    SIM_BAD_ROW,   /* the server rejects it and names the line */
    SIM_BAD_ROW_2, /* the server rejects it and names none */
    SIM_KINDS
} sim_kind_t;

/* A row's id is its lane and its offset. */
enum { SIM_LANE_SHIFT = 48 };

typedef struct sim_record {
    int64_t offset;
    sim_kind_t kind;
    uint8_t bytes[40];
    size_t n_bytes;
    int64_t timestamp_unix_ms;
    bool is_buried; /* acknowledged on the dead-letter topic, or stored */
} sim_record_t;

bool sim_kind_is_bad(sim_kind_t kind);
bool sim_kind_is_row(sim_kind_t kind);

void sim_kafka_open(void);
void sim_kafka_close(void);

/* The record at or behind offset; NULL: none. */
sim_record_t *sim_kafka_at(int lane, int64_t offset);
int64_t sim_kafka_log_start(int lane);
int64_t sim_kafka_log_end(int lane);

void sim_kafka_produce(int lane, int n_records);
void sim_kafka_truncate(int lane);

/* The group gives the lane to us or to the rival; politely: the process is asked first. */
void sim_kafka_give(int lane, bool to_us, bool politely);
/* This process claims the lane: it must have asked the group before. */
void sim_kafka_check_claim(int lane);
/* In the group's eyes; the process may not know yet. */
bool sim_kafka_is_rivals(int lane);

/* Whether the poll thread would wake up. */
bool sim_kafka_poll_is_due(void);

/* Dead letters that are due get their answer; all: whatever their time. */
void sim_letters_settle(bool all);
int64_t sim_letters_due_ms(void);

/* Messages given out and not given back. */
int64_t sim_kafka_n_borrowed(void);

#endif

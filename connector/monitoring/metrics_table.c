#include "metrics_internal.h"

/* The one table: what each number is called, what it means, and which labels it carries. METRICS.md
 * is generated from it (tests/unit/monitoring/test_metrics.c compares). Names of the process_
 * family are those of the Prometheus client libraries, so that stock dashboards find them. */

static const double SECONDS[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                 0.5,   1,      2.5,   5,    10,    30,   60};
static const double AGES[] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,  1,    2.5,
                              5,     10,   30,    60,   300, 900,  3600, 86400};
static const double ROWS[] = {1, 10, 100, 1000, 2500, 5000, 10000, 25000, 50000, 100000};

#define LANE_LABELS   .labels = {"sink", "topic", "partition"}
#define BOUNDS(of)    .kind = TG_METRIC_KIND_HISTOGRAM, .bounds = (of), .n_bounds = TG_COUNT_OF(of)
#define COUNTER(what) .kind = TG_METRIC_KIND_COUNTER, .unit = (what)
#define GAUGE(what)   .kind = TG_METRIC_KIND_GAUGE, .unit = (what)

static const tg_metric_row_t ROWS_OF_TABLE[TG_METRIC_COUNT] = {
    [TG_METRIC_BUILD_INFO] = {.name = "tidegate_build_info",
                              GAUGE("1"),
                              .labels = {"version"},
                              .help = "Always 1; the version that runs is in the label."},
    [TG_METRIC_UPTIME_SECONDS] = {.name = "tidegate_uptime_seconds",
                                  GAUGE("seconds"),
                                  .help = "Time since the program started."},
    [TG_METRIC_SINK_RECORDS_READ_TOTAL] =
        {.name = "tidegate_sink_records_read_total",
         COUNTER("records"),
         LANE_LABELS,
         .help = "Records taken from Kafka, before anything is decided about them."},
    [TG_METRIC_SINK_ROWS_WRITTEN_TOTAL] = {.name = "tidegate_sink_rows_written_total",
                                           COUNTER("rows"),
                                           LANE_LABELS,
                                           .help = "Rows whose transaction has committed."},
    [TG_METRIC_SINK_BATCHES_TOTAL] =
        {.name = "tidegate_sink_batches_total",
         COUNTER("batches"),
         LANE_LABELS,
         .help = "Transactions that have committed, with or without rows."},
    [TG_METRIC_SINK_BYTES_WRITTEN_TOTAL] = {.name = "tidegate_sink_bytes_written_total",
                                            COUNTER("bytes"),
                                            LANE_LABELS,
                                            .help = "COPY bytes whose transaction has committed."},
    [TG_METRIC_SINK_DEAD_LETTERS_TOTAL] =
        {.name = "tidegate_sink_dead_letters_total",
         COUNTER("records"),
         .labels = {"sink", "stage"},
         .help =
             "Records that could not be written and went to the dead-letter topic, by the stage "
             "that rejected them."},
    [TG_METRIC_SINK_TOMBSTONES_TOTAL] = {.name = "tidegate_sink_tombstones_total",
                                         COUNTER("records"),
                                         LANE_LABELS,
                                         .help = "Records without a value that were passed over."},
    [TG_METRIC_SINK_REDELIVERED_TOTAL] =
        {.name = "tidegate_sink_redelivered_total",
         COUNTER("records"),
         LANE_LABELS,
         .help = "Records that Kafka delivered again and the ledger already has; dropped."},
    [TG_METRIC_SINK_RETRIES_TOTAL] =
        {.name = "tidegate_sink_retries_total",
         COUNTER("attempts"),
         .labels = {"sink", "reason"},
         .help = "Batches, lookups and claims that were tried again, by what stood in the way."},
    [TG_METRIC_SINK_FENCED_TOTAL] =
        {.name = "tidegate_sink_fenced_total",
         COUNTER("claims"),
         LANE_LABELS,
         .help = "Claims lost to another instance; what was not committed is read again."},
    [TG_METRIC_SINK_CLAIMS_TOTAL] =
        {.name = "tidegate_sink_claims_total",
         COUNTER("claims"),
         LANE_LABELS,
         .help = "Claims made in the ledger: at assignment, and after every unknown outcome."},
    [TG_METRIC_SINK_REBALANCES_TOTAL] =
        {.name = "tidegate_sink_rebalances_total",
         COUNTER("rebalances"),
         .labels = {"sink", "kind"},
         .help = "Rebalances of the consumer group; kind is assigned, revoked or lost."},
    [TG_METRIC_SINK_NEXT_OFFSET] =
        {.name = "tidegate_sink_next_offset",
         GAUGE("offset"),
         LANE_LABELS,
         .help = "First offset that is not yet in the database, as the ledger has it."},
    [TG_METRIC_SINK_LAG_RECORDS] =
        {.name = "tidegate_sink_lag_records",
         GAUGE("records"),
         LANE_LABELS,
         .help = "End of the partition minus next_offset: how many offsets are still to come (an "
                 "upper bound on records)."},
    [TG_METRIC_SINK_LAG_SECONDS] =
        {.name = "tidegate_sink_lag_seconds",
         GAUGE("seconds"),
         LANE_LABELS,
         .help = "Age of the oldest record that is not yet in the database; 0 when caught up."},
    [TG_METRIC_SINK_LANE_STATE] = {.name = "tidegate_sink_lane_state",
                                   GAUGE("0 or 1"),
                                   .labels = {"sink", "topic", "partition", "state"},
                                   .help =
                                       "1 for the state that the lane is in, 0 for the others."},
    [TG_METRIC_SINK_BUFFERED_BYTES] = {.name = "tidegate_sink_buffered_bytes",
                                       GAUGE("bytes"),
                                       .labels = {"sink", "writer"},
                                       .help = "Encoded rows that wait for their transaction."},
    [TG_METRIC_SINK_FLUSH_SECONDS] = {.name = "tidegate_sink_flush_seconds",
                                      BOUNDS(SECONDS),
                                      .unit = "seconds",
                                      .labels = {"sink"},
                                      .help = "Time of one transaction, begin to commit."},
    [TG_METRIC_SINK_LATENCY_SECONDS] =
        {.name = "tidegate_sink_latency_seconds",
         BOUNDS(AGES),
         .unit = "seconds",
         .labels = {"sink"},
         .help = "From a record's timestamp to its commit; of each batch, the oldest record."},
    [TG_METRIC_SINK_BATCH_ROWS] = {.name = "tidegate_sink_batch_rows",
                                   BOUNDS(ROWS),
                                   .unit = "rows",
                                   .labels = {"sink"},
                                   .help = "Rows of one committed transaction."},
    [TG_METRIC_SINK_SERVER_WAITING_RATIO] =
        {.name = "tidegate_sink_server_waiting_ratio",
         GAUGE("0 to 1"),
         .labels = {"sink", "writer"},
         .help = "Share of the time in which the database waits for this writer. Near 1: more "
                 "partitions or faster input would help. Near 0: the database is the limit."},
    [TG_METRIC_SINK_SCHEMAS] = {.name = "tidegate_sink_schemas",
                                GAUGE("schemas"),
                                .labels = {"sink"},
                                .help = "Writer schemas that have a decode plan."},
    [TG_METRIC_SINK_TRUNCATED_NANOS_TOTAL] =
        {.name = "tidegate_sink_truncated_nanos_total",
         COUNTER("values"),
         .labels = {"sink"},
         .help = "Times with nanoseconds that were cut to the microseconds PostgreSQL can hold."},
    [TG_METRIC_SINK_DIRECT_COMPRESS_ROWS_TOTAL] =
        {.name = "tidegate_sink_direct_compress_rows_total",
         COUNTER("rows"),
         .labels = {"sink", "direct"},
         .help =
             "Rows written into hypertables that could take them compressed, by whether they were "
             "sent so."},
    [TG_METRIC_SINK_LATE_ROWS_TOTAL] =
        {.name = "tidegate_sink_late_rows_total",
         COUNTER("rows"),
         .labels = {"sink", "table"},
         .help =
             "Rows written into compressed chunks that are older than the newest chunk; they leave "
             "them partially compressed until the next policy run."},
    [TG_METRIC_SINK_SORTED_BATCHES_TOTAL] =
        {.name = "tidegate_sink_sorted_batches_total",
         COUNTER("COPYs"),
         .labels = {"sink"},
         .help =
             "COPYs whose rows were so scattered over chunks or time that they were sorted first."},
    [TG_METRIC_SINK_COMPRESSED_BATCH_ROWS] =
        {.name = "tidegate_sink_compressed_batch_rows",
         GAUGE("rows"),
         .labels = {"sink", "table"},
         .help =
             "Rows per compressed batch, as the server holds them, in the newest compressed chunk: "
             "1000 is full, 0 means that nothing is compressed."},
    [TG_METRIC_DATABASE_CONNECTED] = {.name = "tidegate_database_connected",
                                      GAUGE("0 or 1"),
                                      .labels = {"sink", "writer"},
                                      .help = "1 while this writer has a working connection."},
    [TG_METRIC_DATABASE_RECONNECTS_TOTAL] =
        {.name = "tidegate_database_reconnects_total",
         COUNTER("connections"),
         .labels = {"sink"},
         .help = "Connections to the database that had to be made again."},
    [TG_METRIC_KAFKA_ERRORS_TOTAL] = {.name = "tidegate_kafka_errors_total",
                                      COUNTER("errors"),
                                      .labels = {"sink"},
                                      .help = "Errors that the Kafka client reported."},
    [TG_METRIC_REGISTRY_REQUESTS_TOTAL] =
        {.name = "tidegate_registry_requests_total",
         COUNTER("requests"),
         .labels = {"outcome"},
         .help = "Requests to the schema registry, by how they ended."},
    [TG_METRIC_PROCESS_RESIDENT_MEMORY_BYTES] = {.name = "process_resident_memory_bytes",
                                                 GAUGE("bytes"),
                                                 .help = "Memory that the process holds in RAM."},
    [TG_METRIC_PROCESS_CPU_SECONDS_TOTAL] = {.name = "process_cpu_seconds_total",
                                             .kind = TG_METRIC_KIND_TOTAL,
                                             .unit = "seconds",
                                             .help = "CPU time, user and system."},
    [TG_METRIC_PROCESS_START_TIME_SECONDS] = {.name = "process_start_time_seconds",
                                              GAUGE("Unix seconds"),
                                              .help = "When the process started."},
    [TG_METRIC_PROCESS_OPEN_FDS] = {.name = "process_open_fds",
                                    GAUGE("files"),
                                    .help = "File descriptors in use."},
    [TG_METRIC_PROCESS_MAX_FDS] = {.name = "process_max_fds",
                                   GAUGE("files"),
                                   .help = "File descriptors that the process may have."},
    [TG_METRIC_MONITORING_SERIES] = {.name = "tidegate_monitoring_series",
                                     GAUGE("series"),
                                     .help = "Series in memory, those that went away included."},
    [TG_METRIC_MONITORING_SERIES_REFUSED_TOTAL] =
        {.name = "tidegate_monitoring_series_refused_total",
         .kind = TG_METRIC_KIND_TOTAL,
         .unit = "requests",
         .help = "Requests for a new series beyond the ceiling; their numbers are not exported."},
};

const tg_metric_row_t *
tg_metrics_row(tg_metric_t metric)
{
    return &ROWS_OF_TABLE[metric];
}

size_t
tg_metrics_row_n_labels(const tg_metric_row_t *row)
{
    size_t n = 0;
    while (n < TG_METRIC_MAX_LABELS && row->labels[n] != NULL) {
        n++;
    }
    return n;
}

-- The ledger: where each sink's lanes stand, in the database that holds their rows.
--
-- Objects are named with their schema, so that no function depends on the caller's search_path or
-- has to set one on every call.

CREATE SCHEMA IF NOT EXISTS tidegate;
COMMENT ON SCHEMA tidegate IS 'Tidegate''s own catalogue; written by tidegate only';

CREATE TABLE tidegate.migrations (
    version    int         NOT NULL PRIMARY KEY,
    name       text        NOT NULL,
    checksum   text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    applied_by text        NOT NULL DEFAULT current_user
);
COMMENT ON TABLE tidegate.migrations IS 'The numbered SQL files that were applied, with their SHA-256';

-- One row per lane, updated once per batch. fillfactor leaves room on the page, and no index covers
-- what an update changes, so that updates are HOT; vacuum looks in by count, not by share of a table
-- of a few rows.
CREATE TABLE tidegate.sink_offsets (
    cluster_id   text        NOT NULL,
    sink         text        NOT NULL,
    topic        text        NOT NULL,
    partition    int         NOT NULL,
    next_offset  bigint      NOT NULL CHECK (next_offset >= 0),
    epoch        bigint      NOT NULL DEFAULT 1,
    token        uuid        NOT NULL,
    rows_written bigint      NOT NULL DEFAULT 0,
    dead_letters bigint      NOT NULL DEFAULT 0,
    updated_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (cluster_id, sink, topic, partition)
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
COMMENT ON TABLE tidegate.sink_offsets IS
    'The ledger: advanced in the transaction that writes the rows; the truth about what was read';
COMMENT ON COLUMN tidegate.sink_offsets.cluster_id IS 'Kafka''s own id of the cluster';
COMMENT ON COLUMN tidegate.sink_offsets.next_offset IS 'first offset that is not yet processed';
COMMENT ON COLUMN tidegate.sink_offsets.epoch IS 'number of claims so far';
COMMENT ON COLUMN tidegate.sink_offsets.token IS 'of the claim in force; whoever has another is fenced';
COMMENT ON COLUMN tidegate.sink_offsets.rows_written IS 'since the lane was first claimed';
COMMENT ON COLUMN tidegate.sink_offsets.dead_letters IS 'since the lane was first claimed';

-- Moves a lane from p_expected to p_next, or raises TG001. It raises because the statements behind
-- it in the same string must not run: an UPDATE that matches nothing would let the COPY commit.
CREATE FUNCTION tidegate.advance(p_cluster_id text, p_sink text, p_topic text, p_partition int,
                                 p_token uuid, p_expected bigint, p_next bigint, p_rows bigint,
                                 p_dead_letters bigint)
RETURNS void LANGUAGE plpgsql AS $body$
DECLARE
    found_token  uuid;
    found_offset bigint;
BEGIN
    UPDATE tidegate.sink_offsets AS o
       SET next_offset = p_next,
           rows_written = o.rows_written + p_rows,
           dead_letters = o.dead_letters + p_dead_letters,
           updated_at = now()
     WHERE o.cluster_id = p_cluster_id AND o.sink = p_sink AND o.topic = p_topic
       AND o.partition = p_partition AND o.token = p_token AND o.next_offset = p_expected;
    IF FOUND THEN
        RETURN;
    END IF;
    SELECT o.token, o.next_offset INTO found_token, found_offset
      FROM tidegate.sink_offsets AS o
     WHERE o.cluster_id = p_cluster_id AND o.sink = p_sink AND o.topic = p_topic
       AND o.partition = p_partition;
    IF found_token IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'TG001',
            MESSAGE = format('lane %s/%s[%s] is not in the ledger: it was never claimed, or removed',
                             p_sink, p_topic, p_partition);
    ELSIF found_token <> p_token THEN
        RAISE EXCEPTION USING ERRCODE = 'TG001',
            MESSAGE = format('lane %s/%s[%s] was claimed by another instance, which stands at offset %s (expected %s)',
                             p_sink, p_topic, p_partition, found_offset, p_expected);
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'TG001',
        MESSAGE = format('lane %s/%s[%s] stands at offset %s, not at %s as expected',
                         p_sink, p_topic, p_partition, found_offset, p_expected);
END
$body$;

-- Takes a lane: a new token and the next epoch. A lane that has no row starts at p_start; with
-- p_start NULL it is left alone and no row is returned, so that a caller can ask before it finds out.
CREATE FUNCTION tidegate.claim(p_cluster_id text, p_sink text, p_topic text, p_partition int,
                               p_token uuid, p_start bigint)
RETURNS TABLE (next_offset bigint, epoch bigint) LANGUAGE sql
-- Longer than any sound flush holds the row: who still holds it then is stuck, and is ended.
SET lock_timeout = '3s' AS $body$
    WITH kept AS (
        UPDATE tidegate.sink_offsets AS o
           SET token = p_token, epoch = o.epoch + 1, updated_at = now()
         WHERE o.cluster_id = p_cluster_id AND o.sink = p_sink AND o.topic = p_topic
           AND o.partition = p_partition
        RETURNING o.next_offset, o.epoch
    ), fresh AS (
        INSERT INTO tidegate.sink_offsets AS o (cluster_id, sink, topic, partition, next_offset, token)
        SELECT p_cluster_id, p_sink, p_topic, p_partition, p_start, p_token
         WHERE p_start IS NOT NULL AND NOT EXISTS (SELECT FROM kept)
        ON CONFLICT (cluster_id, sink, topic, partition) DO UPDATE
           SET token = excluded.token, epoch = o.epoch + 1, updated_at = excluded.updated_at
        RETURNING o.next_offset, o.epoch
    )
    SELECT k.next_offset, k.epoch FROM kept AS k
    UNION ALL
    SELECT f.next_offset, f.epoch FROM fresh AS f
$body$;

-- What the dead-letter topic refers to when a record is larger than the broker accepts.
CREATE TABLE tidegate.dead_letters (
    id            bigint      NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cluster_id    text        NOT NULL,
    sink          text        NOT NULL,
    topic         text        NOT NULL,
    partition     int         NOT NULL,
    record_offset bigint      NOT NULL,
    stage         text        NOT NULL,
    error         text        NOT NULL,
    sqlstate      text,
    key           bytea,
    value         bytea,
    headers       jsonb,
    record_time   timestamptz,
    created_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON tidegate.dead_letters (cluster_id, sink, topic, partition, record_offset);
COMMENT ON TABLE tidegate.dead_letters IS
    'Records that cannot be processed and are larger than the broker accepts on the dead-letter topic';

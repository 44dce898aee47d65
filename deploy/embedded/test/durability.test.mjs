import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';

import { Client } from './support/client.mjs';
import { FrontEnd, temporaryDirectory } from './support/front-end.mjs';

/** Longer than the front end takes to put asynchronous commits on disk. */
const WAL_FLUSHED_MS = 1000;

async function once(frontEnd, work) {
    const client = await Client.open(frontEnd.port);
    const result = await work(client);
    client.close();
    return result;
}

test('sigterm_with_an_open_transaction_keeps_what_was_committed', async (t) => {
    const dir = join(temporaryDirectory(t), 'data');
    const first = await FrontEnd.start(dir);
    await once(first, (client) => client.run('CREATE TABLE t (a int); INSERT INTO t VALUES (1)'));
    const open = await Client.open(first.port);
    await open.run('BEGIN; INSERT INTO t VALUES (2)');
    const idle = await Client.open(first.port);
    const stopped = first.stop();
    for (const client of [open, idle]) {
        assert.equal(String.fromCharCode((await client.next())[0]), 'E');
        assert.equal(await client.next(), null);
    }
    assert.equal(await stopped, 0);

    const second = await FrontEnd.start(dir);
    assert.equal(await once(second, (client) => client.value('SELECT count(*) FROM t')), '1');
    assert.equal(await second.stop(), 0);
});

test('sigkill_keeps_synchronous_commits_at_once_and_others_after_a_moment', async (t) => {
    const dir = join(temporaryDirectory(t), 'data');
    let frontEnd = await FrontEnd.start(dir);
    await once(frontEnd, (client) => client.run('CREATE TABLE t (a int)'));
    const lazily = 'BEGIN; SET LOCAL synchronous_commit = off; INSERT INTO t VALUES (1); COMMIT';
    let committed = 0;
    for (const [sql, wait_ms] of [['INSERT INTO t VALUES (1)', 0], [lazily, WAL_FLUSHED_MS]]) {
        await once(frontEnd, (client) => client.run(sql));
        committed++;
        await sleep(wait_ms);
        await frontEnd.stop('SIGKILL');
        frontEnd = await FrontEnd.start(dir);
        assert.equal(await once(frontEnd, (client) => client.value('SELECT count(*) FROM t')), String(committed), sql);
    }
    assert.equal(await frontEnd.stop(), 0);
});

test('sigkill_under_load_leaves_rows_and_ledger_in_agreement', async (t) => {
    const dir = join(temporaryDirectory(t), 'data');
    let frontEnd = await FrontEnd.start(dir);
    await once(frontEnd, (client) => client.run('CREATE TABLE ledger (n int); INSERT INTO ledger VALUES (0);'
        + "CREATE TABLE h (time timestamptz NOT NULL, v int); SELECT create_hypertable('h', 'time')"));
    const lines = Array.from({ length: 100 }, (_, i) => `2026-01-0${1 + (i % 9)}\t${i}\n`).join('');
    for (let round = 0; round < 3; round++) {
        const writer = await Client.open(frontEnd.port);
        let going = true;
        const load = (async () => {
            while (going) {
                await writer.copy('BEGIN; SET LOCAL synchronous_commit = off; UPDATE ledger SET n = n + 100; '
                    + 'COPY h FROM STDIN; COMMIT', lines);
            }
        })();
        await sleep(300);
        going = false;
        await frontEnd.stop('SIGKILL');
        await load;
        frontEnd = await FrontEnd.start(dir);
        const [[rows, ledger]] = (await once(frontEnd, (client) => client.run('SELECT (SELECT count(*) FROM h), n FROM ledger'))).rows;
        assert.equal(rows, ledger);
    }
    await frontEnd.stop();
});

test('a_data_directory_in_use_is_refused', async (t) => {
    const dir = join(temporaryDirectory(t), 'data');
    const first = await FrontEnd.start(dir);
    await assert.rejects(FrontEnd.start(dir), /in use by process/);
    assert.equal(await first.stop(), 0);
});

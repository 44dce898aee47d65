import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { closeStatement, frame, query, sync } from '../src/messages.mjs';
import { bind, Client, execute, parse, sslRequest, summary } from './support/client.mjs';
import { FrontEnd } from './support/front-end.mjs';

const IDLE_SECONDS = 3;

let directory;
let frontEnd;
const clients = [];

async function connect(parameters) {
    const client = await Client.open(frontEnd.port, parameters);
    clients.push(client);
    return client;
}

before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tidegate-embedded-'));
    frontEnd = await FrontEnd.start(join(directory, 'data'), '--idle-in-transaction-seconds', String(IDLE_SECONDS));
    const admin = await connect();
    await admin.run('CREATE TABLE t (a int, b text); CREATE TABLE u (a int); CREATE TABLE ledger (n int); '
        + 'INSERT INTO ledger VALUES (0); CREATE ROLE reader LOGIN; GRANT SELECT ON ledger TO reader');
});

after(async () => {
    clients.forEach((client) => client.vanish());
    await frontEnd.stop();
    rmSync(directory, { recursive: true, force: true });
});

test('start_says_what_it_is_for', () => {
    assert.match(frontEnd.log.join('\n'), /trying out and for tests.*DATABASE_URL/);
});

test('start_gives_the_extension_and_a_servers_settings', async () => {
    const client = await connect();
    assert.match(client.parameters.server_version, /^17\./);
    assert.equal(client.parameters.client_encoding, 'UTF8');
    assert.match(await client.value("SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'"), /^2\./);
    for (const [name, value] of [['enable_seqscan', 'on'], ['client_min_messages', 'notice'], ['search_path', '"$user", public']]) {
        assert.equal(await client.value(`SHOW ${name}`), value);
        await client.run('RESET ALL');
        assert.equal(await client.value(`SHOW ${name}`), value, `${name} after RESET ALL`);
    }
});

test('start_up_answers_ssl_requests_with_no', async () => {
    const client = await Client.dial(frontEnd.port);
    client.send(sslRequest());
    const [answer] = await new Promise((resolve) => client.socket.once('data', (data) => resolve(data.toString())));
    assert.equal(answer, 'N');
    client.vanish();
});

test('start_up_refuses_what_it_cannot_give', async () => {
    const cases = [
        [{ user: 'postgres', database: 'elsewhere' }, '3D000'],
        [{ user: 'postgres' , database: 'postgres', options: '-c work_mem=1MB' }, '08P01'],
        [{ user: 'postgres' , database: 'postgres', replication: 'database' }, '08P01'],
    ];
    for (const [parameters, code] of cases) {
        const { refusal } = await connect(parameters);
        assert.equal(refusal.C, code);
        assert.equal(refusal.S, 'FATAL');
    }
    const stranger = await connect({ user: 'nobody', database: 'postgres' });
    const { errors } = await stranger.run('SELECT 1');
    assert.deepEqual([errors[0].C, errors[0].S], ['28000', 'FATAL']);
});

test('users_have_their_own_privileges', async () => {
    const reader = await connect({ user: 'reader', database: 'postgres' });
    const owner = await connect();
    assert.equal(await reader.value('SELECT current_user'), 'reader');
    assert.equal(await owner.value('SELECT current_user'), 'postgres');
    assert.deepEqual((await reader.run('SELECT * FROM t')).errors.map((error) => error.C), ['42501']);
    assert.equal((await reader.run('SELECT * FROM ledger')).errors.length, 0);
});

test('copy_in_takes_text_and_says_how_many', async () => {
    const client = await connect();
    const { types, tags, status } = await client.copy('COPY t (a, b) FROM STDIN', '1\tone\n2\ttwo\n');
    assert.deepEqual([types, tags, status], ['GCZ', ['COPY 2'], 'I']);
    await client.run('TRUNCATE t');
});

test('copy_in_of_many_megabytes_in_one_message_arrives_whole', async () => {
    const client = await connect();
    const line = `1\t${'x'.repeat(997)}\n`;
    const { tags } = await client.copy('COPY t FROM STDIN', line.repeat(20000));
    assert.deepEqual(tags, ['COPY 20000']);
    assert.equal(await client.value('SELECT sum(length(b)) FROM t'), String(997 * 20000));
    await client.run('TRUNCATE t');
});

test('copy_in_several_times_in_one_string_commits_all', async () => {
    const client = await connect();
    const result = await client.copy(
        'BEGIN; COPY t FROM STDIN; SAVEPOINT s; COPY u FROM STDIN; UPDATE ledger SET n = n + 1; COMMIT', '1\tx\n', '1\n2\n');
    assert.deepEqual(result.tags, ['BEGIN', 'COPY 1', 'SAVEPOINT', 'COPY 2', 'UPDATE 1', 'COMMIT']);
    assert.equal(result.status, 'I');
    await client.run('TRUNCATE t, u');
});

test('copy_in_after_a_statement_that_raises_ignores_the_data', async () => {
    const client = await connect();
    const result = await client.copy('BEGIN; SELECT 1 / 0; COPY t FROM STDIN; COMMIT', '1\tx\n');
    assert.deepEqual(result.errors.map((error) => error.C), ['22012']);
    assert.equal(result.status, 'E');
    assert.deepEqual((await client.run('ROLLBACK')).tags, ['ROLLBACK']);
    assert.equal(await client.value('SELECT count(*) FROM t'), '0');
});

test('copy_in_with_a_bad_row_fails_in_the_servers_words', async () => {
    const client = await connect();
    const result = await client.copy('BEGIN; COPY t FROM STDIN; COPY u FROM STDIN; COMMIT', '1\tx\nno\ty\n', '1\n');
    assert.deepEqual([result.errors[0].C, result.errors[0].W], ['22P02', 'COPY t, line 2, column a: "no"']);
    assert.equal(result.status, 'E');
    await client.run('ROLLBACK');
});

test('copy_in_that_the_client_gives_up_changes_nothing', async () => {
    const client = await connect();
    const result = await client.copy('COPY t FROM STDIN; COPY u FROM STDIN',
        [frame('d', Buffer.from('1\tx\n')), frame('f', 'changed my mind')]);
    assert.deepEqual([result.errors[0].C, result.status], ['57014', 'I']);
    assert.equal(await client.value('SELECT count(*) FROM t'), '0');
});

test('copy_in_by_the_extended_protocol_ignores_sync_until_it_is_done', async () => {
    const client = await connect();
    client.send(parse('', 'COPY u FROM STDIN'), bind('', ''), execute(''), sync());
    assert.equal(String.fromCharCode((await client.next())[0]), 'G');
    client.send(frame('d', Buffer.from('7\n')), frame('c'), sync());
    const { tags, status } = summary(await client.untilReady());
    assert.deepEqual([tags, status], [['COPY 1'], 'I']);
    await client.run('TRUNCATE u');
});

test('copy_in_whose_client_vanishes_changes_nothing', async () => {
    const client = await connect();
    client.send(query('COPY t FROM STDIN'));
    await client.next();
    client.send(frame('d', Buffer.from('1\tx\n')));
    client.vanish();
    assert.equal(await (await connect()).value('SELECT count(*) FROM t'), '0');
});

test('copy_out_passes_through', async () => {
    const client = await connect();
    const { types, tags } = await client.run('COPY (SELECT * FROM generate_series(1, 3)) TO STDOUT');
    assert.deepEqual([types, tags], ['HdddcCZ', ['COPY 3']]);
});

test('extended_protocol_up_to_flush_and_after_an_error_up_to_sync', async () => {
    const client = await connect();
    client.send(parse('', 'SELECT 1'), bind('', ''), execute(''), frame('H'));
    const seen = [];
    while (summary(seen).tags.length === 0) {
        seen.push(await client.next());
    }
    assert.equal(summary(seen).types, '12DC');
    client.send(sync());
    assert.equal(summary(await client.untilReady()).status, 'I');

    client.send(parse('', 'SELECT nope'), bind('', ''), execute(''), parse('', 'SELECT 1'), bind('', ''), execute(''), sync());
    const failed = summary(await client.untilReady());
    assert.deepEqual([failed.types, failed.errors[0].C], ['EZ', '42703']);
    assert.equal(await client.value('SELECT 5'), '5');
});

test('prepared_statements_of_two_clients_have_nothing_to_do_with_each_other', async () => {
    const [one, two] = [await connect(), await connect()];
    for (const [client, value] of [[one, '1'], [two, '2']]) {
        client.send(parse('same', `SELECT ${value}`), sync());
        assert.equal(summary(await client.untilReady()).errors.length, 0);
    }
    for (const [client, value] of [[one, '1'], [two, '2']]) {
        client.send(bind('', 'same'), execute(''), sync());
        assert.deepEqual(summary(await client.untilReady()).rows, [[value]]);
    }
    await one.run('DEALLOCATE ALL');
    one.send(bind('', 'same'), sync());
    assert.equal(summary(await one.untilReady()).errors[0].C, '26000');
    two.send(bind('', 'same'), execute(''), closeStatement('same'), sync());
    assert.deepEqual(summary(await two.untilReady()).rows, [['2']]);
});

test('transactions_of_many_clients_are_not_interleaved', async () => {
    const before = Number(await (await connect()).value('SELECT n FROM ledger'));
    await Promise.all(Array.from({ length: 8 }, async () => {
        const client = await connect();
        for (let i = 0; i < 20; i++) {
            await client.run('BEGIN');
            const n = Number(await client.value('SELECT n FROM ledger'));
            await client.run(`UPDATE ledger SET n = ${n + 1}`);
            await client.run('COMMIT');
        }
        client.close();
    }));
    assert.equal(Number(await (await connect()).value('SELECT n FROM ledger')), before + 160);
});

test('a_client_that_vanishes_in_a_transaction_is_rolled_back', async () => {
    const client = await connect();
    await client.run('BEGIN; INSERT INTO u VALUES (1)');
    const waiting = (await connect()).value('SELECT count(*) FROM u');
    client.vanish();
    assert.equal(await waiting, '0');
});

test('a_client_that_vanishes_after_a_failed_message_is_rolled_back', async () => {
    const client = await connect();
    client.send(parse('', 'BEGIN'), bind('', ''), execute(''), parse('', 'SELECT nope'), frame('H'));
    await client.next();
    client.vanish();
    assert.equal(await (await connect()).value('SELECT 1'), '1');
});

test('a_client_that_is_silent_in_a_transaction_is_disconnected', async () => {
    const client = await connect();
    await client.run('BEGIN; INSERT INTO u VALUES (1)');
    const waiting = (await connect()).value('SELECT count(*) FROM u');
    const { errors } = summary(await client.untilReady());
    assert.deepEqual(errors.map((error) => [error.C, error.S]), [['25P03', 'FATAL']]);
    assert.equal(await waiting, '0');
});

test('a_cancel_request_takes_a_waiting_query_back', async () => {
    const [holder, waiter] = [await connect(), await connect()];
    await holder.run('BEGIN');
    const result = waiter.run('SELECT 1');
    const canceller = await Client.dial(frontEnd.port);
    canceller.send(waiter.cancelPacket());
    assert.equal(await canceller.next(), null);
    const { errors, status } = await result;
    assert.deepEqual([errors[0].C, status], ['57014', 'I']);
    await holder.run('COMMIT');
    assert.equal(await waiter.value('SELECT 1'), '1');
});

test('a_cancel_request_with_a_wrong_key_does_nothing', async () => {
    const [holder, waiter] = [await connect(), await connect()];
    await holder.run('BEGIN');
    const result = waiter.value('SELECT 1');
    const packet = waiter.cancelPacket();
    packet[15] ^= 1;
    const canceller = await Client.dial(frontEnd.port);
    canceller.send(packet);
    await canceller.next();
    await holder.run('COMMIT');
    assert.equal(await result, '1');
});

test('what_is_not_the_protocol_is_refused_and_harms_nobody', async () => {
    const http = await Client.dial(frontEnd.port);
    http.send(Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
    assert.equal(summary(await http.untilReady()).errors[0].C, '08P01');
    const odd = await connect();
    odd.send(frame('?'));
    assert.equal(summary(await odd.untilReady()).errors[0].C, '08P01');
    assert.equal(await (await connect()).value('SELECT 1'), '1');
});

test('hypertables_aggregates_and_compression_work', async () => {
    const client = await connect();
    const run = async (sql) => assert.deepEqual((await client.run(sql)).errors, [], sql);
    await run('CREATE TABLE h (time timestamptz NOT NULL, id int, v float8)');
    await run("SELECT create_hypertable('h', by_range('time', interval '1 day'))");
    await run("INSERT INTO h SELECT '2026-01-01Z'::timestamptz + g * interval '1 minute', g % 3, g FROM generate_series(0, 2999) g");
    await run("CREATE MATERIALIZED VIEW c WITH (timescaledb.continuous) AS SELECT time_bucket('1 hour', time) AS hour, id, "
        + 'sum(v) FROM h GROUP BY 1, 2 WITH NO DATA');
    await run("CALL refresh_continuous_aggregate('c', NULL, NULL)");
    await run("ALTER TABLE h SET (timescaledb.compress, timescaledb.compress_segmentby = 'id')");
    await run("SELECT compress_chunk(c) FROM show_chunks('h') c");
    assert.equal(await client.value('SELECT count(*) FROM c'), '150');
    assert.equal(await client.value('SELECT sum(v) FROM h'), String(2999 * 1500));
});

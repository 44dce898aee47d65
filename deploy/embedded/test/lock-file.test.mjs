import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { lock } from '../src/lock-file.mjs';
import { temporaryDirectory } from './support/front-end.mjs';

const ownStartTime = () => readFileSync('/proc/self/stat', 'utf8').split(') ').pop().split(' ')[19];

test('lock_of_a_live_process_is_respected_until_it_is_removed', (t) => {
    const path = join(temporaryDirectory(t), 'new', 'lock');
    const unlock = lock(path);
    assert.throws(() => lock(path), /in use by process/);
    unlock();
    assert.equal(existsSync(path), false);
});

test('lock_of_another_process_that_had_the_same_id_is_taken_over', (t) => {
    const path = join(temporaryDirectory(t), 'lock');
    writeFileSync(path, `${process.pid} ${Number(ownStartTime()) + 1}\n`);
    lock(path);
});

test('lock_of_a_process_that_ended_and_that_nobody_has_waited_for_is_taken_over', async (t) => {
    const path = join(temporaryDirectory(t), 'lock');
    // The shell starts a child, tells its id, and becomes a program that never waits for it.
    const shell = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 30'], { stdio: ['ignore', 'pipe', 'ignore'] });
    t.after(() => shell.kill());
    const [chunk] = await new Promise((resolve) => shell.stdout.once('data', (data) => resolve([data])));
    const pid = chunk.toString().trim();
    for (;;) {
        const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').pop().split(' ');
        if (fields[0] === 'Z') {
            writeFileSync(path, `${pid} ${fields[19]}\n`);
            break;
        }
        await new Promise((resolve) => setTimeout(resolve, 10));
    }
    lock(path);
});

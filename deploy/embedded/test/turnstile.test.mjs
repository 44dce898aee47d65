import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Cancelled, Turnstile } from '../src/turnstile.mjs';

test('turnstile_serves_in_the_order_of_asking', async () => {
    const turnstile = new Turnstile();
    const served = [];
    const visit = async (who) => {
        await turnstile.acquire(who);
        served.push(who);
        await new Promise(setImmediate);
        turnstile.release(who);
    };
    await Promise.all(['a', 'b', 'c', 'd'].map(visit));
    assert.deepEqual(served, ['a', 'b', 'c', 'd']);
});

test('turnstile_when_one_that_waits_is_cancelled_serves_the_next', async () => {
    const turnstile = new Turnstile();
    await turnstile.acquire('a');
    const b = turnstile.acquire('b');
    const c = turnstile.acquire('c');
    turnstile.cancel('b');
    turnstile.cancel('nobody');
    await assert.rejects(b, Cancelled);
    turnstile.release('a');
    await c;
    turnstile.release('c');
    await turnstile.acquire('d');
});

test('turnstile_is_released_by_its_holder_only', async () => {
    const turnstile = new Turnstile();
    await turnstile.acquire('a');
    assert.throws(() => turnstile.release('b'));
});

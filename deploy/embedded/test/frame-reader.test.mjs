import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FrameReader, ProtocolViolation } from '../src/frame-reader.mjs';
import { frame, query } from '../src/messages.mjs';

/** A stream of the given bytes, cut into chunks of n bytes. */
async function* chunks(bytes, n) {
    for (let i = 0; i < bytes.length; i += n) {
        yield bytes.subarray(i, i + n);
    }
}

async function readAll(reader) {
    const seen = [];
    for (let message = await reader.next(); message !== null; message = await reader.next()) {
        seen.push(message.toString('hex'));
    }
    return seen;
}

test('frame_reader_whatever_the_chunks_gives_the_same_frames', async () => {
    const frames = [query('SELECT 1'), frame('S'), frame('d', Buffer.alloc(100, 7)), frame('c')];
    const bytes = Buffer.concat(frames);
    for (const n of [1, 2, 3, 5, 7, 64, bytes.length]) {
        assert.deepEqual(await readAll(new FrameReader(chunks(bytes, n))), frames.map((each) => each.toString('hex')));
    }
});

test('frame_reader_at_a_stream_that_ends_within_a_frame_ends', async () => {
    const bytes = query('SELECT 1');
    for (let n = 0; n < bytes.length; n++) {
        const reader = new FrameReader(chunks(bytes.subarray(0, n), 4));
        assert.equal(await reader.next(), null);
    }
});

test('frame_reader_refuses_impossible_lengths', async () => {
    for (const length of [3, 0, -1, 0x7fffffff]) {
        const bytes = Buffer.alloc(5, 'Q');
        bytes.writeInt32BE(length, 1);
        await assert.rejects(new FrameReader(chunks(bytes, 5)).next(), ProtocolViolation);
    }
    const startup = Buffer.from('GET / HTTP/1.1\r\n');
    await assert.rejects(new FrameReader(chunks(startup, 16)).nextStartup(), ProtocolViolation);
});

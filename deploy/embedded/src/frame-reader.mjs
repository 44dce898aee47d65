/**
 * Cuts a socket's bytes into frames, with back-pressure: bytes are read only while a frame is
 * wanted, so a client that waits for its turn fills its own socket buffer and nothing else.
 */

// Longer than any sound message, shorter than what a port scanner's bytes are taken for.
const MAX_MESSAGE_BYTES = 1 << 30;
const MAX_STARTUP_BYTES = 10_000;

export class ProtocolViolation extends Error {}

export class FrameReader {
    #chunks = [];
    #length = 0;
    #source;

    /** @param {AsyncIterable<Buffer>} source */
    constructor(source) {
        this.#source = source[Symbol.asyncIterator]();
    }

    /** The next start-up packet (no type byte), or null at the end of the stream. */
    nextStartup() {
        return this.#next(0, MAX_STARTUP_BYTES);
    }

    /** The next message, or null at the end of the stream. */
    next() {
        return this.#next(1, MAX_MESSAGE_BYTES);
    }

    async #next(lengthOffset, limit) {
        if (!(await this.#fill(lengthOffset + 4))) {
            return null;
        }
        const n_bytes = lengthOffset + this.#peekLength(lengthOffset, limit);
        return (await this.#fill(n_bytes)) ? this.#take(n_bytes) : null;
    }

    #peekLength(offset, limit) {
        this.#joinFirst(offset + 4);
        const length = this.#chunks[0].readInt32BE(offset);
        if (length < 4 || length > limit) {
            throw new ProtocolViolation(`invalid message length ${length}`);
        }
        return length;
    }

    /** Reads until n_bytes are there; false when the stream ends before. */
    async #fill(n_bytes) {
        while (this.#length < n_bytes) {
            const { done, value } = await this.#source.next();
            if (done) {
                return false;
            }
            this.#chunks.push(value);
            this.#length += value.length;
        }
        return true;
    }

    /** Makes the first chunk hold at least n_bytes; a long message is thus copied only once. */
    #joinFirst(n_bytes) {
        if (this.#chunks[0].length < n_bytes) {
            this.#chunks = [Buffer.concat(this.#chunks, this.#length)];
        }
    }

    #take(n_bytes) {
        this.#joinFirst(n_bytes);
        const first = this.#chunks[0];
        this.#length -= n_bytes;
        if (first.length === n_bytes) {
            this.#chunks.shift();
        } else {
            this.#chunks[0] = first.subarray(n_bytes);
        }
        return first.subarray(0, n_bytes);
    }
}

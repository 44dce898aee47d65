/**
 * Listens, and makes a session of each connection.
 */

import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

import { Session } from './session.mjs';

export class Server {
    #backend;
    #idleInTransactionMs;
    #listener;
    /** Process id (of the protocol) -> {session, secret, done}. */
    #clients = new Map();
    #lastProcessId = 0;
    #closing = false;

    /**
     * @param {import('./backend.mjs').Backend} backend
     * @param {{idleInTransactionMs: number}} options
     */
    constructor(backend, { idleInTransactionMs }) {
        this.#backend = backend;
        this.#idleInTransactionMs = idleInTransactionMs;
        // A client may shut down its sending half and still want its answer.
        this.#listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#admit(socket));
    }

    /** Resolves when connections are accepted, with the address. */
    listen(host, port) {
        return new Promise((resolve, reject) => {
            this.#listener.once('error', reject);
            this.#listener.listen(port, host, () => resolve(this.#listener.address()));
        });
    }

    #admit(socket) {
        const processId = ++this.#lastProcessId;
        const secret = randomInt(0, 2 ** 31 - 1);
        const session = new Session(socket, this.#backend, {
            processId,
            secret,
            idleInTransactionMs: this.#idleInTransactionMs,
            onCancelRequest: (id, key) => this.#cancel(id, key),
        });
        // Errors reach the session through its reader; without a listener they would end the process.
        socket.on('error', () => {});
        const done = session.run().finally(() => this.#dismiss(processId));
        this.#clients.set(processId, { session, secret, done });
    }

    #cancel(processId, secret) {
        const client = this.#clients.get(processId);
        if (client?.secret === secret) {
            client.session.cancel();
        }
    }

    /** The last one out resets the shared session, so that the next ones find a fresh one. */
    async #dismiss(processId) {
        this.#clients.delete(processId);
        if (this.#clients.size > 0 || this.#closing) {
            return;
        }
        await this.#backend.acquire(this);
        try {
            await this.#backend.forgetSession();
        } finally {
            this.#backend.release(this);
        }
    }

    /** Ends all sessions (open transactions are rolled back) and shuts the database down. */
    async close() {
        this.#closing = true;
        this.#listener.close();
        const clients = [...this.#clients.values()];
        clients.forEach(({ session }) => session.close());
        await Promise.all(clients.map(({ done }) => done));
        await this.#backend.acquire(this);
        await this.#backend.close();
    }
}

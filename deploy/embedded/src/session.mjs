/**
 * One client's connection: start-up, then messages until it leaves.
 *
 * The backend belongs to a session from the first message that needs it until a ReadyForQuery says
 * that no transaction is open. A transaction is therefore never interleaved with another client's.
 *
 *   idle --message--> waiting --turn--> holding --ReadyForQuery I--> idle
 *                        |                 |
 *                        | CancelRequest   | client gone, or silent too long: ROLLBACK
 *                        v                 v
 *                      idle              closed
 */

import { Cancelled } from './turnstile.mjs';
import { copyStatements } from './copy-statements.mjs';
import { DATABASE } from './backend.mjs';
import { FrameReader, ProtocolViolation } from './frame-reader.mjs';
import * as messages from './messages.mjs';
import { PreparedStatements } from './prepared-statements.mjs';

const MAX_COPY_BYTES = 1 << 30;

/** Ends the connection with a FATAL message to the client. */
class Fatal extends Error {
    constructor(code, message, hint) {
        super(message);
        this.code = code;
        this.hint = hint;
    }
}

export class Session {
    #socket;
    #frames;
    #backend;
    #options;
    #user = '';
    #holds = false;
    #closing = false;
    /** Extended-protocol messages that wait for Sync or Flush. */
    #batch = [];
    #statements;

    /**
     * @param {import('node:net').Socket} socket
     * @param {import('./backend.mjs').Backend} backend
     * @param {{processId: number, secret: number, idleInTransactionMs: number,
     *          onCancelRequest: (processId: number, secret: number) => void}} options
     */
    constructor(socket, backend, options) {
        this.#socket = socket;
        this.#frames = new FrameReader(socket);
        this.#backend = backend;
        this.#options = options;
        this.#statements = new PreparedStatements(`c${options.processId}_`);
    }

    async run() {
        try {
            if (await this.#startUp()) {
                await this.#serve();
            }
        } catch (error) {
            this.#farewell(error);
        } finally {
            await this.#leave();
            this.#socket.destroySoon();
        }
    }

    /** Takes the session's waiting query back, as pg_cancel_backend would. */
    cancel() {
        this.#backend.cancel(this);
    }

    /** Ends the session from the server's side. */
    close() {
        this.#terminate('57P01', 'terminating connection due to administrator command');
    }

    /** Says why, and closes; the reader then sees the end of the stream, and the session leaves. */
    #terminate(code, message) {
        this.#closing = true;
        this.#socket.write(messages.errorResponse({ severity: 'FATAL', code, message }));
        this.#socket.destroySoon();
    }

    /** @returns {Promise<boolean>} whether there is a session to serve */
    async #startUp() {
        for (;;) {
            const packet = await this.#frames.nextStartup();
            if (packet === null) {
                return false;
            }
            const code = packet.length >= 8 ? packet.readInt32BE(4) : 0;
            if (code === messages.SSL_REQUEST || code === messages.GSSENC_REQUEST) {
                this.#socket.write('N');
            } else if (code === messages.CANCEL_REQUEST && packet.length >= 16) {
                this.#options.onCancelRequest(packet.readInt32BE(8), packet.readInt32BE(12));
                return false;
            } else if (code >>> 16 === messages.PROTOCOL_3 >>> 16) {
                this.#welcome(messages.readStartupParameters(packet));
                return true;
            } else {
                throw new Fatal('0A000', `unsupported frontend protocol ${code >>> 16}.${code & 0xffff}`);
            }
        }
    }

    #welcome(parameters) {
        const { user = '', database = user, options, replication } = parameters;
        if (database !== DATABASE) {
            throw new Fatal('3D000', `database "${database}" does not exist`,
                `The embedded database has one database: ${DATABASE}.`);
        }
        if (options || replication) {
            // One session serves all clients, so nothing can be set for one of them.
            throw new Fatal('08P01', `unsupported startup parameter: ${options ? 'options' : 'replication'}`,
                'The embedded database keeps to the contract of transaction pooling.');
        }
        this.#user = user;
        const reported = {
            ...this.#backend.parameters,
            application_name: parameters.application_name ?? '',
            is_superuser: user === 'postgres' ? 'on' : 'off',
            session_authorization: user,
        };
        this.#socket.write(Buffer.concat([
            messages.authenticationOk(),
            ...Object.entries(reported).map(([name, value]) => messages.parameterStatus(name, value)),
            messages.backendKeyData(this.#options.processId, this.#options.secret),
            messages.readyForQuery('I'),
        ]));
    }

    async #serve() {
        for (;;) {
            const message = await this.#nextMessage();
            if (message === null || messages.typeOf(message) === 'X') {
                return;
            }
            try {
                await this.#handle(message);
            } catch (error) {
                if (!(error instanceof Cancelled)) {
                    throw error;
                }
                this.#batch = [];
                this.#socket.write(Buffer.concat([
                    messages.errorResponse({ code: '57014', message: 'canceling statement due to user request' }),
                    messages.readyForQuery('I'),
                ]));
            }
        }
    }

    /** Reads on; a client that is silent with the backend in its hands stops all others. */
    async #nextMessage() {
        if (!this.#holds) {
            return this.#frames.next();
        }
        const timer = setTimeout(
            () => this.#terminate('25P03', 'terminating connection due to idle-in-transaction timeout'),
            this.#options.idleInTransactionMs);
        try {
            return await this.#frames.next();
        } finally {
            clearTimeout(timer);
        }
    }

    async #handle(message) {
        switch (messages.typeOf(message)) {
        case 'Q':
            return this.#simpleQuery(message);
        case 'F':
            return this.#execute([message]);
        case 'P':
        case 'B':
        case 'D':
        case 'C':
        case 'E':
            return this.#addToBatch(message);
        case 'S':
        case 'H':
            this.#batch.push(message);
            return this.#executeBatch();
        case 'd':
        case 'c':
        case 'f':
            // The rest of a COPY that has failed already: to be ignored, says the protocol.
            return undefined;
        default:
            throw new ProtocolViolation(`invalid frontend message type "${messages.typeOf(message)}"`);
        }
    }

    async #simpleQuery(message) {
        const sql = messages.readCString(message, 5).text;
        const forOwnStatements = this.#statements.deallocation(sql);
        if (forOwnStatements) {
            return this.#execute([messages.query(forOwnStatements)]);
        }
        const frames = [message];
        for (const copy of copyStatements(sql)) {
            // After a CopyFail the server skips the rest of the string.
            if (!(await this.#collectCopy(copy, frames))) {
                break;
            }
        }
        return this.#execute(frames);
    }

    async #addToBatch(message) {
        this.#batch.push(this.#statements.translate(message));
        const copy = this.#statements.copyOf(message);
        if (copy) {
            await this.#collectCopy(copy, this.#batch);
        }
    }

    /**
     * Answers a COPY FROM STDIN before the backend sees it, and gathers its data: the backend reads
     * them from the same call, as nobody could feed it while it runs.
     *
     * @returns {Promise<boolean>} whether the data are complete (false: the client gave up)
     */
    async #collectCopy(copy, frames) {
        this.#socket.write(messages.copyInResponse(copy));
        for (let n_bytes = 0; ; ) {
            const message = await this.#nextMessage();
            const type = message === null ? 'X' : messages.typeOf(message);
            if (type === 'd') {
                n_bytes += message.length;
                if (n_bytes > MAX_COPY_BYTES) {
                    throw new Fatal('54000', 'more than 1 GiB in one COPY');
                }
                frames.push(message);
            } else if (type === 'c' || type === 'f') {
                frames.push(message);
                return type === 'c';
            } else if (type === 'X') {
                throw new Fatal('08006', 'unexpected EOF on client connection during COPY from stdin');
            } else if (type !== 'S' && type !== 'H') {
                throw new ProtocolViolation(`unexpected message type "${type}" during COPY from stdin`);
            }
        }
    }

    #executeBatch() {
        const batch = this.#batch;
        this.#batch = [];
        return this.#execute(batch);
    }

    async #execute(frames) {
        await this.#takeTurn();
        const { answer, status } = await this.#backend.execute(frames);
        this.#write(answer);
        if (status === 'I') {
            this.#giveTurn();
        }
    }

    async #takeTurn() {
        if (this.#holds) {
            return;
        }
        await this.#backend.acquire(this);
        this.#holds = true;
        if (this.#closing || this.#socket.destroyed) {
            throw new Fatal('57P01', 'the client left while its query waited');
        }
        const problem = await this.#backend.become(this.#user);
        if (problem) {
            throw new Fatal('28000', problem);
        }
    }

    #giveTurn() {
        this.#holds = false;
        this.#backend.release(this);
    }

    #write(bytes) {
        if (!this.#socket.destroyed) {
            this.#socket.write(bytes);
        }
    }

    #farewell(error) {
        if (error instanceof Fatal) {
            this.#write(messages.errorResponse({ severity: 'FATAL', ...error, message: error.message }));
        } else if (error instanceof ProtocolViolation) {
            this.#write(messages.errorResponse({ severity: 'FATAL', code: '08P01', message: error.message }));
        } else if (!isDisconnect(error)) {
            throw error;
        }
    }

    /** Leaves the backend as it was found: no open transaction, no statements of this client. */
    async #leave() {
        const remains = this.#statements.closings();
        if (!this.#holds && remains.length === 0) {
            return;
        }
        if (!this.#holds) {
            await this.#backend.acquire(this);
            this.#holds = true;
        }
        // Sync first: the client may have gone between a failed message and its own Sync.
        const { status } = await this.#backend.execute([messages.sync(), messages.query('ROLLBACK'), ...remains]);
        if (status !== 'I') {
            throw new Error(`the backend is in state ${status} after ROLLBACK`);
        }
        this.#giveTurn();
    }
}

const DISCONNECTS = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ERR_STREAM_PREMATURE_CLOSE', 'ABORT_ERR']);

const isDisconnect = (error) => DISCONNECTS.has(error.code);

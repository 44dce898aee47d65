/** A client that speaks the protocol message by message, so that a test can do what no driver would. */

import { connect } from 'node:net';

import {
    bodyOf, CANCEL_REQUEST, frame, PROTOCOL_3, query, readErrorFields, SSL_REQUEST, typeOf,
} from '../../src/messages.mjs';
import { FrameReader } from '../../src/frame-reader.mjs';

export class Client {
    #frames;

    constructor(socket) {
        this.socket = socket;
        this.parameters = {};
        socket.on('error', () => {});
        this.#frames = new FrameReader(socket);
    }

    static async open(port, parameters = { user: 'postgres', database: 'postgres' }) {
        const client = await Client.dial(port);
        client.send(startup(parameters));
        const first = await client.untilReady();
        for (const message of first) {
            if (typeOf(message) === 'S') {
                const [name, value] = bodyOf(message).toString().split('\0');
                client.parameters[name] = value;
            } else if (typeOf(message) === 'K') {
                client.key = bodyOf(message);
            } else if (typeOf(message) === 'E') {
                client.refusal = readErrorFields(message);
            }
        }
        return client;
    }

    static dial(port) {
        return new Promise((resolve, reject) => {
            const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(new Client(socket)));
            socket.once('error', reject);
        });
    }

    send(...frames) {
        this.socket.write(Buffer.concat(frames));
    }

    /** The next message; null when the server has closed. */
    async next() {
        try {
            return await this.#frames.next();
        } catch {
            return null;
        }
    }

    /** Messages up to ReadyForQuery, or to the end of the connection. */
    async untilReady() {
        const seen = [];
        for (;;) {
            const message = await this.next();
            if (message === null) {
                return seen;
            }
            seen.push(message);
            if (typeOf(message) === 'Z') {
                return seen;
            }
        }
    }

    /** Runs a query string and returns what came back in a form that is easy to compare. */
    async run(sql) {
        this.send(query(sql));
        return summary(await this.untilReady());
    }

    /** The single value of a query. */
    async value(sql) {
        const { rows } = await this.run(sql);
        return rows[0][0];
    }

    /** A query string with the data of its COPYs, each sent when the server asks for it. */
    async copy(sql, ...parts) {
        this.send(query(sql));
        const seen = [];
        for (;;) {
            const message = await this.next();
            if (message === null) {
                return summary(seen);
            }
            if (typeOf(message) === 'G') {
                const data = parts.shift();
                this.send(...(Array.isArray(data) ? data : [frame('d', Buffer.from(data)), frame('c')]));
            }
            seen.push(message);
            if (typeOf(message) === 'Z') {
                return summary(seen);
            }
        }
    }

    cancelPacket() {
        const packet = Buffer.alloc(16);
        packet.writeInt32BE(16, 0);
        packet.writeInt32BE(CANCEL_REQUEST, 4);
        this.key.copy(packet, 8);
        return packet;
    }

    /** Leaves without a word, as a killed process does. */
    vanish() {
        this.socket.destroy();
    }

    close() {
        this.socket.end(frame('X'));
    }
}

export function startup(parameters) {
    const body = Buffer.from(`${Object.entries(parameters).flat().join('\0')}\0\0`);
    const packet = Buffer.alloc(8 + body.length);
    packet.writeInt32BE(packet.length, 0);
    packet.writeInt32BE(PROTOCOL_3, 4);
    body.copy(packet, 8);
    return packet;
}

export function sslRequest() {
    const packet = Buffer.alloc(8);
    packet.writeInt32BE(8, 0);
    packet.writeInt32BE(SSL_REQUEST, 4);
    return packet;
}

export const parse = (name, sql) => frame('P', name, sql, Buffer.alloc(2));
export const bind = (portal, statement) => frame('B', portal, statement, Buffer.alloc(6));
export const execute = (portal) => frame('E', portal, Buffer.alloc(4));

export function summary(messages) {
    const result = { types: messages.map(typeOf).join(''), tags: [], rows: [], errors: [], status: null };
    for (const message of messages) {
        switch (typeOf(message)) {
        case 'C':
            result.tags.push(bodyOf(message).toString('utf8', 0, message.length - 6));
            break;
        case 'D':
            result.rows.push(readRow(bodyOf(message)));
            break;
        case 'E':
            result.errors.push(readErrorFields(message));
            break;
        case 'Z':
            result.status = String.fromCharCode(message[5]);
            break;
        default:
        }
    }
    return result;
}

function readRow(body) {
    const row = [];
    for (let i = 0, offset = 2; i < body.readInt16BE(0); i++) {
        const length = body.readInt32BE(offset);
        offset += 4;
        row.push(length < 0 ? null : body.toString('utf8', offset, offset + length));
        offset += Math.max(length, 0);
    }
    return row;
}

/**
 * The messages of the PostgreSQL protocol (version 3) that the front end writes or reads itself.
 *
 * A frame is a whole message: a type byte (absent in start-up packets), a length that counts
 * itself, and the body.
 */

export const PROTOCOL_3 = 196608;
export const CANCEL_REQUEST = 80877102;
export const SSL_REQUEST = 80877103;
export const GSSENC_REQUEST = 80877104;

const HEADER_BYTES = 5;

/** A frame of the given type; strings among the parts become zero-terminated. */
export function frame(type, ...parts) {
    const body = Buffer.concat(parts.map((part) => (typeof part === 'string' ? cString(part) : part)));
    const header = Buffer.allocUnsafe(HEADER_BYTES);
    header[0] = type.charCodeAt(0);
    header.writeInt32BE(body.length + 4, 1);
    return Buffer.concat([header, body]);
}

export const typeOf = (message) => String.fromCharCode(message[0]);
export const bodyOf = (message) => message.subarray(HEADER_BYTES);

function cString(text) {
    return Buffer.from(`${text}\0`);
}

/** The zero-terminated string at `offset` of a buffer, and the offset after it. */
export function readCString(buffer, offset) {
    const end = buffer.indexOf(0, offset);
    return end < 0
        ? { text: buffer.toString('utf8', offset), next: buffer.length }
        : { text: buffer.toString('utf8', offset, end), next: end + 1 };
}

/** The parameters of a start-up message (pairs of strings, ended by an empty one). */
export function readStartupParameters(packet) {
    const parameters = {};
    for (let offset = 8; offset < packet.length && packet[offset] !== 0; ) {
        const name = readCString(packet, offset);
        const value = readCString(packet, name.next);
        parameters[name.text] = value.text;
        offset = value.next;
    }
    return parameters;
}

// What clients send.
export const query = (sql) => frame('Q', sql);
export const sync = () => frame('S');
export const closeStatement = (name) => frame('C', Buffer.from('S'), name);

// What the server sends.
export const authenticationOk = () => frame('R', Buffer.alloc(4));
export const parameterStatus = (name, value) => frame('S', name, value);
export const readyForQuery = (status) => frame('Z', Buffer.from(status));
export const commandComplete = (tag) => frame('C', tag);

export function backendKeyData(processId, secret) {
    const body = Buffer.allocUnsafe(8);
    body.writeInt32BE(processId, 0);
    body.writeInt32BE(secret, 4);
    return frame('K', body);
}

export function copyInResponse({ binary, columns }) {
    const format = binary ? 1 : 0;
    const body = Buffer.alloc(3 + 2 * columns);
    body[0] = format;
    body.writeInt16BE(columns, 1);
    for (let i = 0; i < columns; i++) {
        body.writeInt16BE(format, 3 + 2 * i);
    }
    return frame('G', body);
}

export function errorResponse({ severity = 'ERROR', code, message, hint }) {
    const fields = [['S', severity], ['V', severity], ['C', code], ['M', message]];
    if (hint) {
        fields.push(['H', hint]);
    }
    return frame('E', ...fields.map(([key, text]) => cString(key + text)), Buffer.alloc(1));
}

/** Each frame of an answer, as [type, frame]. */
export function* framesOf(answer) {
    for (let offset = 0; offset + HEADER_BYTES <= answer.length; ) {
        const end = offset + 1 + answer.readInt32BE(offset + 1);
        yield [String.fromCharCode(answer[offset]), answer.subarray(offset, end)];
        offset = end;
    }
}

/** The fields of an ErrorResponse by their letter. */
export function readErrorFields(message) {
    const fields = {};
    for (let offset = HEADER_BYTES; message[offset]; ) {
        const { text, next } = readCString(message, offset);
        fields[text[0]] = text.slice(1);
        offset = next;
    }
    return fields;
}

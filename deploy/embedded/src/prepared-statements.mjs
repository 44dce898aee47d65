/**
 * Keeps one client's prepared statements apart from the others', who share its backend session:
 * a name on the wire gets the client's prefix. (Statements of SQL's PREPARE are not seen.)
 *
 * Knows also which of them are COPY FROM STDIN, as the session has to answer those itself.
 */

import { copyStatements } from './copy-statements.mjs';
import { bodyOf, closeStatement, frame, readCString, sync, typeOf } from './messages.mjs';

const DEALLOCATE = /^\s*DEALLOCATE\s+(?:PREPARE\s+)?(?:"((?:[^"]|"")+)"|(\w+))\s*;?\s*$/i;

export class PreparedStatements {
    #prefix;
    /** The client's name of a statement -> its COPY, or null. The unnamed one is '' and is shared. */
    #copies = new Map();
    /** Portal -> statement. */
    #portals = new Map();

    constructor(prefix) {
        this.#prefix = prefix;
    }

    /** The message with the client's statement name replaced by the backend's. */
    translate(message) {
        const body = bodyOf(message);
        switch (typeOf(message)) {
        case 'P': {
            const name = readCString(body, 0);
            const sql = readCString(body, name.next).text;
            this.#copies.set(name.text, copyStatements(sql)[0] ?? null);
            return name.text === '' ? message : frame('P', this.#own(name.text), body.subarray(name.next));
        }
        case 'B': {
            const portal = readCString(body, 0);
            const name = readCString(body, portal.next);
            this.#portals.set(portal.text, name.text);
            return name.text === ''
                ? message
                : frame('B', portal.text, this.#own(name.text), body.subarray(name.next));
        }
        case 'D':
        case 'C': {
            const name = readCString(body, 1).text;
            const isStatement = body[0] === 'S'.charCodeAt(0);
            if (!isStatement || name === '') {
                return message;
            }
            if (typeOf(message) === 'C') {
                this.#copies.delete(name);
            }
            return frame(typeOf(message), body.subarray(0, 1), this.#own(name));
        }
        default:
            return message;
        }
    }

    /** The COPY FROM STDIN that an Execute message starts, or null. */
    copyOf(message) {
        if (typeOf(message) !== 'E') {
            return null;
        }
        const portal = readCString(bodyOf(message), 0).text;
        return this.#copies.get(this.#portals.get(portal)) ?? null;
    }

    /**
     * What stands for a client's DEALLOCATE: the same for its own statements only.
     *
     * @returns {string|null} null when the query string is something else
     */
    deallocation(sql) {
        const match = DEALLOCATE.exec(sql);
        if (!match) {
            return null;
        }
        const name = match[1]?.replaceAll('""', '"') ?? match[2].toLowerCase();
        const names = match[2]?.toUpperCase() === 'ALL' ? this.#names() : [name];
        if (names.some((each) => !this.#copies.has(each))) {
            return null;
        }
        names.forEach((each) => this.#copies.delete(each));
        return names.map((each) => `DEALLOCATE "${this.#own(each).replaceAll('"', '""')}"`).join('; ');
    }

    /** Messages that close what the client left open, up to a Sync; none when there is nothing. */
    closings() {
        const names = this.#names();
        return names.length === 0 ? [] : [...names.map((name) => closeStatement(this.#own(name))), sync()];
    }

    #names() {
        return [...this.#copies.keys()].filter((name) => name !== '');
    }

    #own(name) {
        return this.#prefix + name;
    }
}

/** The front end as a process of its own, on a data directory that outlives it. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../main.mjs', import.meta.url));

export function temporaryDirectory(t) {
    const dir = mkdtempSync(join(tmpdir(), 'tidegate-embedded-'));
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    return dir;
}

export class FrontEnd {
    /** @returns {Promise<FrontEnd>} when it accepts connections */
    static async start(dataDir, ...options) {
        const child = spawn(process.execPath, [MAIN, '--data-dir', dataDir, '--listen', '127.0.0.1:0', ...options],
            { stdio: ['ignore', 'ignore', 'pipe'] });
        const frontEnd = new FrontEnd();
        frontEnd.child = child;
        frontEnd.log = [];
        for await (const line of createInterface({ input: child.stderr })) {
            frontEnd.log.push(line);
            const ready = /ready at postgresql:\/\/postgres@127\.0\.0\.1:(\d+)\//.exec(line);
            if (ready) {
                frontEnd.port = Number(ready[1]);
                child.stderr.resume();
                return frontEnd;
            }
        }
        throw new Error(`the front end did not start: ${frontEnd.log.join('\n')}`);
    }

    /** @returns {Promise<number|null>} the exit status; null when a signal ended it */
    async stop(signal = 'SIGTERM') {
        if (this.child.exitCode === null && this.child.signalCode === null) {
            const exited = once(this.child, 'exit');
            this.child.kill(signal);
            await exited;
        }
        return this.child.exitCode;
    }
}

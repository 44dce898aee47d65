/**
 * Keeps two front ends off one data directory: the database's own lock knows nothing of processes.
 */

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * @param {string} path
 * @returns {() => void} removes the lock
 */
export function lock(path) {
    mkdirSync(dirname(path), { recursive: true });
    const holder = liveHolder(path);
    if (holder) {
        throw new Error(`the data directory is in use by process ${holder} (${path})`);
    }
    writeFileSync(path, `${process.pid} ${startTime(process.pid)}\n`);
    return () => rmSync(path, { force: true });
}

/** The process that the lock names, if it is still the same one: ids are used again. */
function liveHolder(path) {
    let text;
    try {
        text = readFileSync(path, 'utf8');
    } catch {
        return null;
    }
    const [pid, started] = text.trim().split(' ');
    return startTime(pid) === started ? pid : null;
}

/** When a process started, in ticks since the boot; null when there is none, or only its remains. */
function startTime(pid) {
    try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        // A process that was killed is over when the last of its threads is.
        const isOver = fields[0] === 'Z' && readdirSync(`/proc/${pid}/task`).length <= 1;
        return isOver ? null : fields[19];
    } catch {
        return null;
    }
}

#!/usr/bin/env node
/**
 * The embedded TimescaleDB as a server: `node main.mjs --data-dir DIR --listen HOST:PORT`.
 */

import { parseArgs } from 'node:util';

import { Backend, DATABASE, OWNER } from './src/backend.mjs';
import { lock } from './src/lock-file.mjs';
import { Server } from './src/server.mjs';

const HELP = `usage: main.mjs --data-dir DIR [--listen HOST:PORT] [--idle-in-transaction-seconds N]

Serves TimescaleDB (PGlite, in this process) to many clients, for trying out and for tests.

  --data-dir DIR                    where the database lives; created when missing
  --listen HOST:PORT                default 127.0.0.1:5432; port 0 takes a free one
  --idle-in-transaction-seconds N   roll back and disconnect a client that is silent for so long
                                    inside a transaction, as it keeps all others waiting (60)
`;

class UsageError extends Error {}

function readArguments() {
    let values;
    try {
        ({ values } = parseArgs({
            options: {
                'data-dir': { type: 'string' },
                listen: { type: 'string', default: '127.0.0.1:5432' },
                'idle-in-transaction-seconds': { type: 'string', default: '60' },
                help: { type: 'boolean', short: 'h', default: false },
            },
        }));
    } catch (error) {
        throw new UsageError(error.message);
    }
    if (values.help) {
        return { help: true };
    }
    const address = /^(?:\[([^\]]+)\]|([^:]*)):(\d+)$/.exec(values.listen);
    const idleSeconds = Number(values['idle-in-transaction-seconds']);
    if (!values['data-dir']) {
        throw new UsageError('--data-dir is missing');
    }
    if (!address || Number(address[3]) > 65535) {
        throw new UsageError(`--listen: HOST:PORT expected, not "${values.listen}"`);
    }
    if (!(idleSeconds > 0)) {
        throw new UsageError('--idle-in-transaction-seconds: a positive number expected');
    }
    return {
        dataDir: values['data-dir'],
        host: address[1] ?? (address[2] || '127.0.0.1'),
        port: Number(address[3]),
        idleInTransactionMs: idleSeconds * 1000,
    };
}

function log(text) {
    process.stderr.write(`embedded: ${text}\n`);
}

async function serve({ dataDir, host, port, idleInTransactionMs }) {
    const unlock = lock(`${dataDir.replace(/\/+$/, '')}.lock`);
    const backend = await Backend.open(dataDir);
    const server = new Server(backend, { idleInTransactionMs });
    const address = await server.listen(host, port);

    let stopping = false;
    const stop = async (signal) => {
        if (stopping) {
            return;
        }
        stopping = true;
        log(`${signal}: shutting down`);
        await server.close();
        unlock();
        log('shut down');
        process.exit(0);
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);

    const where = address.family === 'IPv6' ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`;
    log(`TimescaleDB ${backend.timescaledbVersion} on PostgreSQL ${backend.parameters.server_version} (PGlite)`);
    log('this is for trying out and for tests: one backend, no background workers; '
        + 'for production, point DATABASE_URL at a real server');
    log(`ready at postgresql://${OWNER}@${where}/${DATABASE}`);
}

try {
    const options = readArguments();
    if (options.help) {
        process.stdout.write(HELP);
    } else {
        await serve(options);
    }
} catch (error) {
    log(error.message);
    if (error instanceof UsageError) {
        process.stderr.write(HELP);
    }
    process.exit(error instanceof UsageError ? 2 : 1);
}

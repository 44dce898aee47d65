import assert from 'node:assert/strict';
import { test } from 'node:test';

import { copyStatements } from '../src/copy-statements.mjs';

const text = (columns = 0) => ({ binary: false, columns });
const binary = (columns = 0) => ({ binary: true, columns });

const CASES = [
    ['SELECT 1', []],
    ['COPY t FROM STDIN', [text()]],
    ['copy t (a, b) from stdin', [text(2)]],
    ['COPY "s"."t" (a, "b,c") FROM STDIN (FORMAT binary)', [binary(2)]],
    ["COPY t FROM STDIN WITH (FORMAT 'binary')", [binary()]],
    ['COPY t FROM STDIN BINARY', [binary()]],
    ['COPY BINARY t FROM STDIN', [binary()]],
    ['COPY t FROM STDIN (FORMAT csv, HEADER)', [text()]],
    ['COPY t TO STDOUT', []],
    ['COPY (SELECT 1) TO STDOUT', []],
    ["COPY t FROM '/etc/hosts'", []],
    ["COPY t FROM PROGRAM 'cat stdin'", []],
    ['BEGIN; SELECT advance(1); COPY t (a) FROM STDIN (FORMAT binary); COMMIT', [binary(1)]],
    ['COPY a FROM STDIN; SAVEPOINT s; COPY b (x, y, z) FROM STDIN BINARY', [text(), binary(3)]],
    ["SELECT 'COPY t FROM STDIN'", []],
    ["SELECT 'it''s; COPY t FROM STDIN'", []],
    ["SELECT E'\\'; COPY t FROM STDIN; --'", []],
    ["SELECT '\\'; COPY t FROM STDIN", [text()]],
    ['SELECT $$; COPY t FROM STDIN; $$', []],
    ['SELECT $q$ $$ ; COPY t FROM STDIN; $q$; COPY u FROM STDIN', [text()]],
    ['SELECT $1; COPY t FROM STDIN', [text()]],
    ['-- COPY a FROM STDIN\nCOPY b FROM STDIN', [text()]],
    ['/* COPY a /* nested */ FROM STDIN; */ COPY b FROM STDIN', [text()]],
    ['COPY /* a comment */ t -- another\n FROM\n STDIN', [text()]],
    ['SELECT "copy" FROM stdin', []],
    ['COPY "from" FROM STDIN', [text()]],
    ['COPY t ("stdin") TO STDOUT', []],
    ["COPY t FROM STDIN WITH (NULL 'x;y', DELIMITER ','); SELECT 1", [text()]],
    ["COPY t FROM 'unterminated STDIN", []],
    ['COPY', []],
    [' ; ; COPY t FROM STDIN ; ', [text()]],
];

for (const [sql, expected] of CASES) {
    test(`copy_statements: ${sql}`, () => {
        assert.deepEqual(copyStatements(sql), expected);
    });
}

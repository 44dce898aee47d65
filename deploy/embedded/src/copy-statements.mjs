/**
 * Finds the `COPY ... FROM STDIN` statements of a query string.
 *
 * The front end has to answer them before the backend sees the string, so it reads just enough SQL
 * to tell a statement from a comment, a literal or a quoted name that merely looks like one.
 */

// Cheap test first: most query strings hold no COPY, and some are megabytes long.
const MAY_COPY_FROM_STDIN = /\bcopy\b[\s\S]*\bstdin\b/i;

const WORD_START = /[A-Za-z_\u0080-\uffff]/;
const WORD = /[A-Za-z0-9_$\u0080-\uffff]*/y;
const DOLLAR_QUOTE = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y;

/**
 * @param {string} sql
 * @returns {{binary: boolean, columns: number}[]} one entry per COPY FROM STDIN, in order; `columns`
 *          is 0 where the statement names none
 */
export function copyStatements(sql) {
    if (!MAY_COPY_FROM_STDIN.test(sql)) {
        return [];
    }
    const found = [];
    for (const tokens of statements(sql)) {
        const copy = copyFromStdin(tokens);
        if (copy) {
            found.push(copy);
        }
    }
    return found;
}

/** What a statement's tokens say, if they are a COPY FROM STDIN. */
function copyFromStdin(tokens) {
    if (tokens[0] !== 'COPY') {
        return null;
    }
    let depth = 0;
    let columns = 0;
    for (let i = 1; i < tokens.length; i++) {
        if (tokens[i] === '(') {
            depth++;
            columns = 1;
        } else if (tokens[i] === ')') {
            depth--;
        } else if (tokens[i] === ',') {
            columns++;
        } else if (depth === 0 && tokens[i] === 'FROM') {
            const isStdin = tokens[i + 1] === 'STDIN';
            // `COPY BINARY t FROM STDIN` is the form of old clients; elsewhere it is an option.
            const options = tokens.slice(i + 2);
            const binary = tokens[1] === 'BINARY' || options.includes('BINARY') || options.includes("'BINARY'");
            return isStdin ? { binary, columns } : null;
        }
    }
    return null;
}

/**
 * Splits a query string into statements, each an array of tokens: bare words in upper case,
 * literals in single quotes and upper case, quoted names in double quotes, single signs as they are.
 */
function* statements(sql) {
    let tokens = [];
    let i = 0;
    while (i < sql.length) {
        const c = sql[i];
        if (c === ';') {
            yield tokens;
            tokens = [];
            i++;
        } else if (sql.startsWith('--', i)) {
            i = endOfLine(sql, i);
        } else if (sql.startsWith('/*', i)) {
            i = endOfBlockComment(sql, i);
        } else if (c === "'" || c === '"') {
            const escapes = c === "'" && tokens[tokens.length - 1] === 'E' && /e/i.test(sql[i - 1] ?? '');
            const end = endOfQuoted(sql, i, escapes);
            const text = sql.slice(i, end);
            tokens.push(c === "'" ? text.toUpperCase() : text);
            i = end;
        } else if (c === '$') {
            i = endOfDollarQuoted(sql, i);
            tokens.push('$');
        } else if (WORD_START.test(c)) {
            WORD.lastIndex = i;
            const word = WORD.exec(sql)[0];
            tokens.push(word.toUpperCase());
            i += word.length;
        } else {
            if (c.trim() !== '') {
                tokens.push(c);
            }
            i++;
        }
    }
    yield tokens;
}

function endOfLine(sql, i) {
    const end = sql.indexOf('\n', i);
    return end < 0 ? sql.length : end + 1;
}

/** Block comments nest in PostgreSQL. */
function endOfBlockComment(sql, i) {
    let depth = 0;
    while (i < sql.length) {
        if (sql.startsWith('/*', i)) {
            depth++;
            i += 2;
        } else if (sql.startsWith('*/', i)) {
            depth--;
            i += 2;
            if (depth === 0) {
                return i;
            }
        } else {
            i++;
        }
    }
    return sql.length;
}

function endOfQuoted(sql, i, escapes) {
    const quote = sql[i];
    for (i++; i < sql.length; i++) {
        if (escapes && sql[i] === '\\') {
            i++;
        } else if (sql[i] === quote) {
            if (sql[i + 1] !== quote) {
                return i + 1;
            }
            i++;
        }
    }
    return sql.length;
}

/** `$tag$ ... $tag$`; a lone `$` (of a parameter) is one sign. */
function endOfDollarQuoted(sql, i) {
    DOLLAR_QUOTE.lastIndex = i;
    const opening = DOLLAR_QUOTE.exec(sql);
    if (!opening) {
        return i + 1;
    }
    const end = sql.indexOf(opening[0], i + opening[0].length);
    return end < 0 ? sql.length : end + opening[0].length;
}

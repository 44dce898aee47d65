#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "config_nodes_internal.h"
#include "config_syntax_internal.h"
#include "config_tokens_internal.h"

enum {
    MAX_DEPTH = 32,
    MAX_EXPLAINED = 10, /* what comes later is most often a consequence */
    TEXT_BYTES = 512,
};

typedef enum expect { EXPECT_NAME, EXPECT_EQUALS, EXPECT_VALUE, EXPECT_AFTER } expect_t;

typedef struct frame {
    char open; /* '{', '(', '[' */
    int node;  /* the setting whose value this is; -1: the text itself */
    int line;
    int n_elements;
    bool after_comma;
} frame_t;

typedef struct outliner {
    const tg_config_source_t *source;
    tg_config_tokens_t tokens;
    tg_config_nodes_t nodes;
    frame_t frames[MAX_DEPTH];
    int depth; /* frames[depth] is the innermost */
    expect_t expect;
    int current;      /* node that the next mistake is about */
    int long_text;    /* first line of the first text that goes over several lines; 0: none */
    int long_end;     /* and its last line */
    int long_current; /* and the node that it belongs to */
    bool over;
    const char **wide; /* as in tg_config_outline_t */
    size_t n_wide;
    tg_config_problems_t *problems;
    bool explain; /* libconfig has refused the text: say why */
    size_t n_before;
} outliner_t;

static frame_t *
innermost(outliner_t *outliner)
{
    return &outliner->frames[outliner->depth];
}

static bool
in_group(outliner_t *outliner)
{
    return innermost(outliner)->open == '{';
}

static void
add_at(outliner_t *outliner, int node, const tg_config_place_t *place, const char *text)
{
    char key[TG_CONFIG_KEY_BYTES];
    tg_config_nodes_key(&outliner->nodes, node, key);
    tg_config_problems_add(outliner->problems, place, key[0] != '\0' ? key : "syntax", "%s", text);
}

/* A text whose closing quote is missing swallows what follows up to the next quote, and nothing
 * after it makes sense: then it is the only thing worth saying. */
static bool
blame_long_text(outliner_t *outliner)
{
    if (outliner->long_text == 0) {
        return false;
    }
    tg_config_place_t place = tg_config_source_place(outliner->source, outliner->long_text);
    tg_config_place_t end = tg_config_source_place(outliner->source, outliner->long_end);
    char text[TEXT_BYTES];
    (void)snprintf(
        text, sizeof text,
        "the string that begins here goes on to line %d; close it with \" on its own line",
        end.line);
    add_at(outliner, outliner->long_current, &place, text);
    outliner->over = true;
    return true;
}

static void
add_problem(outliner_t *outliner, int node, int line, const char *text)
{
    tg_config_place_t place = tg_config_source_place(outliner->source, line);
    add_at(outliner, node, &place, text);
    if (tg_config_problems_total(outliner->problems) - outliner->n_before >= MAX_EXPLAINED) {
        outliner->over = true;
    }
}

/* What libconfig will refuse, or has refused: told only then. */
static void mistake(outliner_t *outliner, int node, int line, const char *format, ...)
    TG_PRINTF(4, 5);

static void
mistake(outliner_t *outliner, int node, int line, const char *format, ...)
{
    if (!outliner->explain || outliner->over || blame_long_text(outliner)) {
        return;
    }
    char text[TEXT_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    add_problem(outliner, node, line, text);
}

/* What we refuse whatever libconfig says. */
static void
refuse(outliner_t *outliner, int line, const char *text)
{
    if (!outliner->over) {
        add_problem(outliner, innermost(outliner)->node, line, text);
    }
    outliner->over = true;
}

static void
check_single(outliner_t *outliner, int index)
{
    int twin = outliner->explain ? tg_config_nodes_twin(&outliner->nodes, index) : -1;
    if (twin >= 0) {
        tg_config_place_t first =
            tg_config_source_place(outliner->source, outliner->nodes.items[twin].line);
        mistake(outliner, index, outliner->nodes.items[index].line,
                "is given a second time; it is in line %d of %s already, remove one of them",
                first.line, first.file);
    }
}

static void
add_node(outliner_t *outliner, const char *name, size_t n_name, int line)
{
    frame_t *frame = innermost(outliner);
    int added =
        tg_config_nodes_add(&outliner->nodes, &(tg_config_node_t){.parent = frame->node,
                                                                  .name = name,
                                                                  .n_name = n_name,
                                                                  .index = frame->n_elements++,
                                                                  .line = line});
    if (added < 0) {
        refuse(outliner, line, "there are too many settings; at most 10000 are allowed");
        return;
    }
    outliner->current = added;
    check_single(outliner, added);
}

static void
push_frame(outliner_t *outliner, const tg_config_token_t *token)
{
    if (outliner->depth == MAX_DEPTH - 1) {
        refuse(outliner, token->line,
               "groups and lists are nested too deep; at most 32 are allowed");
        return;
    }
    outliner->frames[++outliner->depth] =
        (frame_t){.open = token->sign, .node = outliner->current, .line = token->line};
    outliner->expect = token->sign == '{' ? EXPECT_NAME : EXPECT_VALUE;
}

static char
closing(char open)
{
    static const char PAIRS[] = "{}()[]";
    return strchr(PAIRS, open)[1];
}

static void
pop_frame(outliner_t *outliner, const tg_config_token_t *token)
{
    frame_t *frame = innermost(outliner);
    if (outliner->depth == 0) {
        mistake(outliner, -1, token->line, "'%c' closes nothing; remove it", token->sign);
        outliner->over = true;
        return;
    }
    if (closing(frame->open) != token->sign) {
        tg_config_place_t opened = tg_config_source_place(outliner->source, frame->line);
        mistake(outliner, frame->node, token->line,
                "'%c' cannot close the '%c' of line %d; write '%c' first", token->sign, frame->open,
                opened.line, closing(frame->open));
        outliner->over = true;
        return;
    }
    if (frame->open != '{' && frame->after_comma) {
        mistake(outliner, frame->node, token->line,
                "a comma before '%c' has nothing to separate; "
                "remove it",
                token->sign);
    }
    outliner->current = frame->node;
    outliner->depth--;
    outliner->expect = EXPECT_AFTER;
}

static bool
opens(const tg_config_token_t *token)
{
    return tg_config_token_is(token, '{') || tg_config_token_is(token, '(') ||
           tg_config_token_is(token, '[');
}

static bool
closes(const tg_config_token_t *token)
{
    return tg_config_token_is(token, '}') || tg_config_token_is(token, ')') ||
           tg_config_token_is(token, ']');
}

/* Skips what follows on the line, so that one mistake is not told twice. */
static void
skip_rest(outliner_t *outliner, int line)
{
    for (;;) {
        tg_config_tokens_t before = outliner->tokens;
        tg_config_token_t token = tg_config_tokens_pop(&outliner->tokens);
        bool stop = token.kind == TG_TOKEN_END || token.line != line || closes(&token) ||
                    token.kind == TG_TOKEN_UNENDED || tg_config_token_is(&token, ';') ||
                    tg_config_token_is(&token, ',');
        if (stop) {
            outliner->tokens = before;
            return;
        }
    }
}

static bool
word_is(const tg_config_token_t *token, const char *word)
{
    return token->n_bytes == strlen(word) && strncasecmp(token->text, word, token->n_bytes) == 0;
}

static void
bare_word(outliner_t *outliner, const tg_config_token_t *token)
{
    bool yes = word_is(token, "yes") || word_is(token, "on");
    if (yes || word_is(token, "no") || word_is(token, "off")) {
        mistake(outliner, outliner->current, token->line,
                "a truth value is true or false; write %s", yes ? "true" : "false");
    } else {
        /* Not repeated here: it may be a password. */
        char what[TG_CONFIG_KEY_BYTES];
        tg_config_nodes_remedy(&outliner->nodes, outliner->current, what);
        mistake(outliner, outliner->current, token->line,
                "the value is no number, and a string needs double quotes; %s", what);
    }
    skip_rest(outliner, token->line);
}

static void
note_wide(outliner_t *outliner, const tg_config_token_t *token)
{
    if (tg_config_token_is_wide(token) && outliner->n_wide < TG_CONFIG_MAX_NODES) {
        outliner->wide[outliner->n_wide++] = token->text + token->n_bytes;
    }
}

static void
take_value(outliner_t *outliner, const tg_config_token_t *token)
{
    frame_t *frame = innermost(outliner);
    if (frame->open != '{' && closes(token)) {
        pop_frame(outliner, token);
        return;
    }
    if (frame->open != '{' && !tg_config_token_is(token, ',')) {
        add_node(outliner, NULL, 0, token->line);
        frame->after_comma = false;
    }
    if (opens(token)) {
        if (frame->open == '[') {
            mistake(outliner, frame->node, token->line,
                    "[ ] holds numbers or strings only; write a list of groups as ( { ... }, { ... "
                    "} )");
        }
        push_frame(outliner, token);
        return;
    }
    outliner->expect = EXPECT_AFTER;
    bool accepted = !outliner->explain && token->kind == TG_TOKEN_WORD;
    if (accepted || tg_config_token_is_scalar(token)) {
        note_wide(outliner, token);
        return;
    }
    if (token->kind == TG_TOKEN_WORD) {
        bare_word(outliner, token);
        return;
    }
    char what[TG_CONFIG_KEY_BYTES];
    tg_config_nodes_remedy(&outliner->nodes, outliner->current, what);
    mistake(outliner, outliner->current, token->line, "a value is missing before '%c'; %s",
            token->sign, what);
    if (closes(token)) {
        pop_frame(outliner, token);
    } else if (in_group(outliner)) {
        outliner->expect = tg_config_token_is(token, '=') ? EXPECT_VALUE : EXPECT_NAME;
    } else {
        outliner->expect = EXPECT_VALUE;
    }
}

static void
bad_name(outliner_t *outliner, const tg_config_token_t *token)
{
    int parent = innermost(outliner)->node;
    if (token->kind == TG_TOKEN_TEXT) {
        mistake(outliner, parent, token->line,
                "a name is expected here and is written without quotes: name = value;");
    } else if (memchr(token->text, '.', token->n_bytes) != NULL) {
        mistake(outliner, parent, token->line,
                "a name cannot have dots; write outer: { inner = value; }; and, in properties, "
                "underscores for dots");
    } else if (memcmp(token->text, "@include", token->n_bytes < 8 ? token->n_bytes : 8) == 0) {
        mistake(
            outliner, parent, token->line,
            "an included file is named in quotes on a line of its own; write @include \"file\"");
    } else {
        mistake(outliner, parent, token->line,
                "a name is expected here; it has only letters, digits, _ and -: name = value;");
    }
    skip_rest(outliner, token->line);
    outliner->expect = EXPECT_AFTER;
}

static void
take_name(outliner_t *outliner, const tg_config_token_t *token)
{
    frame_t *frame = innermost(outliner);
    if (tg_config_token_is_name(token)) {
        add_node(outliner, token->text, token->n_bytes, token->line);
        outliner->expect = EXPECT_EQUALS;
    } else if (closes(token)) {
        pop_frame(outliner, token);
    } else if (opens(token)) {
        mistake(outliner, frame->node, token->line,
                "a name is missing before '%c'; a list of groups is written ( { ... }, { ... } )",
                token->sign);
        outliner->over = true;
    } else if (token->kind == TG_TOKEN_SIGN) {
        mistake(outliner, frame->node, token->line, "there is a '%c' too many; remove it",
                token->sign);
    } else {
        bad_name(outliner, token);
    }
}

static void
take_equals(outliner_t *outliner, const tg_config_token_t *token)
{
    outliner->expect = EXPECT_VALUE;
    if (tg_config_token_is(token, '=')) {
        return;
    }
    char what[TG_CONFIG_KEY_BYTES];
    tg_config_nodes_remedy(&outliner->nodes, outliner->current, what);
    mistake(outliner, outliner->current, outliner->nodes.items[outliner->current].line,
            "= is missing after the name; %s", what);
    if (tg_config_token_is(token, ';') || tg_config_token_is(token, ',')) {
        outliner->expect = EXPECT_NAME;
    } else if (closes(token)) {
        pop_frame(outliner, token);
    } else if (opens(token)) {
        push_frame(outliner, token);
    } else {
        outliner->expect = EXPECT_AFTER;
        skip_rest(outliner, token->line);
    }
}

static void
take_after(outliner_t *outliner, const tg_config_token_t *token, bool after_text)
{
    if (closes(token)) {
        pop_frame(outliner, token);
    } else if (after_text && token->kind == TG_TOKEN_TEXT) {
        return; /* texts side by side are one */
    } else if (in_group(outliner)) {
        outliner->expect = EXPECT_NAME;
        if (!tg_config_token_is(token, ';') && !tg_config_token_is(token, ',')) {
            take_name(outliner, token);
        }
    } else if (tg_config_token_is(token, ',')) {
        innermost(outliner)->after_comma = true;
        outliner->expect = EXPECT_VALUE;
    } else if (token->kind == TG_TOKEN_SIGN && !opens(token)) {
        frame_t *frame = innermost(outliner);
        tg_config_place_t opened = tg_config_source_place(outliner->source, frame->line);
        mistake(outliner, frame->node, token->line,
                "the '%c' of line %d is not closed before '%c'; write '%c' first", frame->open,
                opened.line, token->sign, closing(frame->open));
        outliner->over = true;
    } else {
        mistake(outliner, innermost(outliner)->node, token->line,
                "a comma is missing between two elements; write ','");
        take_value(outliner, token);
    }
}

static void
take_end(outliner_t *outliner)
{
    if (outliner->depth > 0) {
        frame_t *frame = innermost(outliner);
        mistake(outliner, frame->node, frame->line,
                "the '%c' that begins here is never closed; write '%c'", frame->open,
                closing(frame->open));
    } else if (outliner->expect == EXPECT_EQUALS || outliner->expect == EXPECT_VALUE) {
        char what[TG_CONFIG_KEY_BYTES];
        tg_config_nodes_remedy(&outliner->nodes, outliner->current, what);
        mistake(outliner, outliner->current, outliner->nodes.items[outliner->current].line,
                "a value is missing; %s", what);
    }
    outliner->over = true;
}

static void
take_unended(outliner_t *outliner, const tg_config_token_t *token)
{
    if (token->sign == '*') {
        refuse(outliner, token->line, "the comment that begins here never ends; close it with */");
    } else {
        mistake(outliner, outliner->current, token->line,
                "the string that begins here never ends; close it with \"");
    }
    outliner->over = true;
}

static void
note_long_text(outliner_t *outliner, const tg_config_token_t *token)
{
    if (token->kind == TG_TOKEN_TEXT && token->end_line > token->line && outliner->long_text == 0) {
        outliner->long_text = token->line;
        outliner->long_end = token->end_line;
        outliner->long_current = outliner->current;
    }
}

static void
outline(outliner_t *outliner)
{
    bool after_text = false;
    while (!outliner->over) {
        tg_config_token_t token = tg_config_tokens_pop(&outliner->tokens);
        if (token.kind == TG_TOKEN_END) {
            take_end(outliner);
        } else if (token.kind == TG_TOKEN_UNENDED) {
            take_unended(outliner, &token);
        } else if (outliner->expect == EXPECT_NAME) {
            take_name(outliner, &token);
        } else if (outliner->expect == EXPECT_EQUALS) {
            take_equals(outliner, &token);
        } else if (outliner->expect == EXPECT_VALUE) {
            take_value(outliner, &token);
        } else {
            take_after(outliner, &token, after_text);
        }
        note_long_text(outliner, &token);
        after_text = token.kind == TG_TOKEN_TEXT;
    }
}

static tg_status_t
prepare(outliner_t *outliner, const tg_config_source_t *source, tg_arena_t *arena,
        tg_config_problems_t *problems)
{
    const char *text = (const char *)source->text.data;
    *outliner = (outliner_t){
        .source = source,
        .tokens = {.at = text, .end = text + source->text.n_bytes, .line = 1},
        .wide = tg_arena_calloc(arena, TG_CONFIG_MAX_NODES, sizeof *outliner->wide),
        .problems = problems,
        .n_before = tg_config_problems_total(problems),
        .frames = {{.open = '{', .node = -1}},
        .current = -1,
    };
    tg_config_nodes_init(&outliner->nodes, arena);
    return outliner->nodes.items == NULL || outliner->wide == NULL ? TG_ERR_NO_MEMORY : TG_OK;
}

tg_status_t
tg_config_syntax_outline(const tg_config_source_t *source, tg_arena_t *arena,
                         tg_config_problems_t *problems, tg_config_outline_t *ret_outline)
{
    outliner_t outliner;
    TG_TRY(prepare(&outliner, source, arena, problems));
    outliner.tokens.exact = true;
    outline(&outliner);
    if (tg_config_problems_total(problems) > outliner.n_before) {
        return TG_ERR_CONFIG;
    }
    int *lines = tg_arena_calloc(arena, (size_t)outliner.nodes.n_items + 1, sizeof *lines);
    if (lines == NULL) {
        return TG_ERR_NO_MEMORY;
    }
    for (int i = 0; i < outliner.nodes.n_items; i++) {
        lines[i] = outliner.nodes.items[i].line;
    }
    *ret_outline = (tg_config_outline_t){.lines = lines,
                                         .n_lines = (size_t)outliner.nodes.n_items,
                                         .wide = outliner.wide,
                                         .n_wide = outliner.n_wide};
    return TG_OK;
}

tg_status_t
tg_config_syntax_explain(const tg_config_source_t *source, tg_arena_t *arena, const char *refusal,
                         int line, tg_config_problems_t *problems)
{
    outliner_t outliner;
    TG_TRY(prepare(&outliner, source, arena, problems));
    outliner.explain = true;
    outline(&outliner);
    if (tg_config_problems_total(problems) == outliner.n_before) {
        outliner.over = false;
        int node = tg_config_nodes_at(&outliner.nodes, line);
        bool mixed = strstr(refusal, "mismatched element type") != NULL;
        char what[TG_CONFIG_KEY_BYTES];
        tg_config_nodes_remedy(&outliner.nodes, node, what);
        mistake(&outliner, node, line, "%s; %s",
                mixed ? "is of another type than the elements before it" : refusal, what);
    }
    return TG_OK;
}

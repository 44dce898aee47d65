#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    tg_reaction_t reaction;
} STATUSES[TG_STATUS_COUNT] = {
    [TG_OK] = {"ok", TG_REACTION_NONE},
    [TG_ERR_AGAIN] = {"again", TG_REACTION_RETRY},
    [TG_ERR_UNAVAILABLE] = {"unavailable", TG_REACTION_RETRY},
    [TG_ERR_TIMEOUT] = {"timeout", TG_REACTION_RETRY},
    [TG_ERR_NO_MEMORY] = {"no_memory", TG_REACTION_RETRY},
    [TG_ERR_FULL] = {"full", TG_REACTION_RETRY},
    [TG_ERR_CONFLICT] = {"conflict", TG_REACTION_RETRY},
    [TG_ERR_PERMISSION] = {"permission", TG_REACTION_RETRY},
    [TG_ERR_MISSING] = {"missing", TG_REACTION_RETRY},
    [TG_ERR_IO] = {"io", TG_REACTION_RETRY},
    [TG_ERR_INVALID] = {"invalid", TG_REACTION_POISON},
    [TG_ERR_TRUNCATED] = {"truncated", TG_REACTION_POISON},
    [TG_ERR_TRAILING] = {"trailing", TG_REACTION_POISON},
    [TG_ERR_OUT_OF_RANGE] = {"out_of_range", TG_REACTION_POISON},
    [TG_ERR_TOO_LARGE] = {"too_large", TG_REACTION_POISON},
    [TG_ERR_UNSUPPORTED] = {"unsupported", TG_REACTION_POISON},
    [TG_ERR_MISMATCH] = {"mismatch", TG_REACTION_POISON},
    [TG_ERR_NOT_FOUND] = {"not_found", TG_REACTION_POISON},
    [TG_ERR_CONSTRAINT] = {"constraint", TG_REACTION_POISON},
    [TG_ERR_UNROUTED] = {"unrouted", TG_REACTION_POISON},
    [TG_ERR_FENCED] = {"fenced", TG_REACTION_ABORT},
    [TG_ERR_LOST] = {"lost", TG_REACTION_ABORT},
    [TG_ERR_CONFIG] = {"config", TG_REACTION_FATAL},
    [TG_ERR_MISSING_OFFSETS] = {"missing_offsets", TG_REACTION_FATAL},
    [TG_ERR_CANCELLED] = {"cancelled", TG_REACTION_FATAL},
    [TG_ERR_INTERNAL] = {"internal", TG_REACTION_FATAL},
};

static const char *const REACTIONS[] = {
    [TG_REACTION_NONE] = "none",   [TG_REACTION_RETRY] = "retry", [TG_REACTION_POISON] = "poison",
    [TG_REACTION_ABORT] = "abort", [TG_REACTION_FATAL] = "fatal",
};

const char *
tg_status_name(tg_status_t status)
{
    return status < TG_STATUS_COUNT ? STATUSES[status].name : "unknown";
}

tg_reaction_t
tg_status_reaction(tg_status_t status)
{
    return status < TG_STATUS_COUNT ? STATUSES[status].reaction : TG_REACTION_FATAL;
}

const char *
tg_reaction_name(tg_reaction_t reaction)
{
    return reaction <= TG_REACTION_FATAL ? REACTIONS[reaction] : "unknown";
}

/* Through a copy: the arguments may well be parts of err->text. */
static void TG_PRINTF(2, 0) format_text(tg_error_t *err, const char *format, va_list args)
{
    char text[TG_ERROR_TEXT_BYTES];
    (void)vsnprintf(text, sizeof text, format, args);
    memcpy(err->text, text, strlen(text) + 1);
}

tg_status_t
tg_error_set(tg_error_t *err, tg_status_t status, const char *format, ...)
{
    if (err == NULL) {
        return status;
    }
    va_list args;
    va_start(args, format);
    format_text(err, format, args);
    va_end(args);
    err->status = status;
    err->sqlstate[0] = '\0';
    return status;
}

tg_status_t
tg_error_wrap(tg_error_t *err, tg_status_t status, const char *format, ...)
{
    if (err == NULL) {
        return status;
    }
    char cause[TG_ERROR_TEXT_BYTES];
    memcpy(cause, err->text, sizeof cause);
    va_list args;
    va_start(args, format);
    format_text(err, format, args);
    va_end(args);
    err->status = status;
    size_t n = strlen(err->text);
    (void)snprintf(err->text + n, sizeof err->text - n, ": %s", cause);
    return status;
}

void
tg_error_set_sqlstate(tg_error_t *err, const char *sqlstate)
{
    if (err != NULL) {
        (void)snprintf(err->sqlstate, sizeof err->sqlstate, "%s", sqlstate != NULL ? sqlstate : "");
    }
}

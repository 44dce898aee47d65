/*
 * The migrations that the build has compiled in (embed_migrations.cmake).
 */
#ifndef TG_DATABASE_MIGRATIONS_INTERNAL_H
#define TG_DATABASE_MIGRATIONS_INTERNAL_H

#include <stddef.h>

typedef struct tg_migration {
    int version;
    const char *name;
    const char *checksum; /* SHA-256 of the file, hexadecimal */
    const char *sql;
} tg_migration_t;

/* In the order of their versions, which are 1, 2, 3 ... without gaps. */
extern const tg_migration_t TG_MIGRATIONS[];
extern const size_t TG_N_MIGRATIONS;

#endif

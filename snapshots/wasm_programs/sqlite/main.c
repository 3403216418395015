/* Executes the SQL on the standard input, in a database in memory or in the file that the argument names, and prints
   the rows. */
#include <stdio.h>

#include "sqlite3.h"

static char sql[1 << 16];

static int print_row(void *context, int columns, char **values, char **names) {
    (void)context, (void)names;
    for (int i = 0; i < columns; i++) printf("%s%s", i ? "|" : "", values[i] ? values[i] : "NULL");
    putchar('\n');
    return 0;
}

int main(int argc, char **argv) {
    sql[fread(sql, 1, sizeof sql - 1, stdin)] = 0;
    sqlite3 *db;
    char *message = NULL;
    const char *name = argc > 1 ? argv[1] : ":memory:";
    /* Without locks of files, which WASI does not have. */
    int error = sqlite3_open_v2(name, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "unix-none");
    if (error == SQLITE_OK) error = sqlite3_exec(db, sql, print_row, NULL, &message);
    if (error != SQLITE_OK) fprintf(stderr, "error: %s\n", message ? message : sqlite3_errmsg(db));
    sqlite3_close(db);
    return error;
}

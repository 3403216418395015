/* What the tests in C share. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vsp.h>

/* Ends the test unless the condition holds. */
#define CHECK(condition)                                                                       \
    do {                                                                                       \
        if (!(condition)) {                                                                    \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);      \
            exit(EXIT_FAILURE);                                                                \
        }                                                                                      \
    } while (0)

/* Ends the test unless both statuses are the same. */
#define STATUS(expected, call) check_status(__FILE__, __LINE__, #call, expected, call)

static inline void check_status(const char *file, int line, const char *call, vsp_status expected, vsp_status status) {
    if (status != expected) {
        fprintf(stderr, "%s:%d: %s is %s, not %s\n", file, line, call, vsp_status_name(status),
                vsp_status_name(expected));
        exit(EXIT_FAILURE);
    }
}

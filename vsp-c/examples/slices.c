/* A program gets fuel in slices, is saved, and goes on in another instance. It is the same on microcontrollers. */
#include <stdio.h>
#include <stdlib.h>
#include <vsp.h>

#include "total.h"

/* What the host keeps for each instance. */
struct notes {
    uint64_t count;
    uint64_t last;
};

static vsp_status note(vsp_caller *caller, const uint64_t *args, uint64_t *results) {
    struct notes *notes = vsp_caller_user(caller);
    (void)results;
    notes->count++;
    notes->last = args[0];
    /* It costs as much as twenty instructions. */
    return vsp_caller_charge(caller, 20);
}

static const vsp_host hosts[] = {{"host", "note", note, 1, 0}};

/* Ends the example if the status is not the expected one. */
static void expect(const char *what, vsp_status expected, vsp_status status) {
    printf("%s: %s\n", what, vsp_status_name(status));
    if (status != expected) {
        exit(EXIT_FAILURE);
    }
}

int main(void) {
    static uint8_t state[1024];
    size_t length = 0;
    unsigned slices = 0;
    vsp_program *program = NULL;
    vsp_instance *instance = NULL;
    vsp_options options = VSP_OPTIONS_DEFAULT;
    vsp_outcome outcome;
    struct notes notes = {0, 0};
    const uint64_t hundred = 100;

    if (vsp_features() & VSP_FEATURE_BARE_METAL) {
        static uint64_t arena[1024];
        if (vsp_init_arena(arena, sizeof arena) != VSP_OK) {
            return EXIT_FAILURE;
        }
    }

    expect("a file that is none", VSP_E_FILE, vsp_load(NULL, (const uint8_t *)"SILC?", 5, VSP_COPY, NULL, &program));
    expect("load", VSP_OK, vsp_load(NULL, total_silc, sizeof total_silc, VSP_BORROW, NULL, &program));
    expect("no host functions", VSP_E_IMPORT, vsp_instance_new(program, NULL, 0, NULL, NULL, NULL, &instance));

    options.fuel = 150;
    options.stack_cells = 128;
    expect("instance", VSP_OK, vsp_instance_new(program, hosts, 1, &notes, &options, NULL, &instance));
    expect("call", VSP_OUT_OF_FUEL, vsp_call(instance, "total", &hundred, 1, &outcome));
    while (++slices < 10 && outcome.status == VSP_OUT_OF_FUEL) {
        vsp_add_fuel(instance, 150);
        vsp_resume(instance, NULL, 0, &outcome);
    }
    printf("%u slices, %lu notes, the last one is %lu\n", slices, (unsigned long)notes.count,
           (unsigned long)notes.last);

    expect("save", VSP_OK, vsp_save(instance, state, sizeof state, &length));
    expect("free", VSP_OK, vsp_instance_free(instance));
    printf("%u bytes\n", (unsigned)length);

    options.fuel = 10000;
    expect("restore", VSP_OK,
           vsp_restore(program, state, length, hosts, 1, &notes, &options, NULL, &instance));
    expect("it waits for", VSP_OUT_OF_FUEL, vsp_instance_status(instance, &outcome));
    expect("resume", VSP_OK, vsp_resume(instance, NULL, 0, &outcome));
    printf("the total is %lu, after %lu notes\n", (unsigned long)outcome.values[0],
           (unsigned long)notes.count);

    expect("free", VSP_OK, vsp_instance_free(instance));
    expect("free", VSP_OK, vsp_program_free(program));
    if (vsp_features() & VSP_FEATURE_BARE_METAL) {
        size_t used = 1;
        if (vsp_arena_use(&used, NULL) != VSP_OK || used != 0) {
            return EXIT_FAILURE;
        }
    }
    return outcome.values[0] == 5050 ? EXIT_SUCCESS : EXIT_FAILURE;
}

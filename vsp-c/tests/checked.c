/* The feature `checked` finds handles that were freed, or are of another kind. */
#include "../examples/total.h"
#include "check.h"

static vsp_caller *kept;

static vsp_status note(vsp_caller *caller, const uint64_t *args, uint64_t *results) {
    (void)args, (void)results;
    kept = caller;
    STATUS(VSP_E_HANDLE, vsp_program_free((vsp_program *)(void *)caller));
    return VSP_OK;
}

static const vsp_host hosts[] = {{"host", "note", note, 1, 0}};

int main(void) {
    vsp_engine *engine;
    vsp_program *program, *other;
    vsp_instance *instance;
    const uint64_t one = 1;
    uint32_t number;
    unsigned round;

    CHECK(vsp_features() & VSP_FEATURE_CHECKED);
    STATUS(VSP_OK, vsp_engine_new(VSP_ENGINE_INTERP, NULL, &engine));
    STATUS(VSP_OK, vsp_load(engine, total_silc, sizeof total_silc, VSP_COPY, NULL, &program));
    STATUS(VSP_OK, vsp_instance_new(program, hosts, 1, NULL, NULL, NULL, &instance));
    STATUS(VSP_OK, vsp_call(instance, "total", &one, 1, NULL));

    /* Another kind. */
    STATUS(VSP_E_HANDLE, vsp_program_free((vsp_program *)(void *)instance));
    STATUS(VSP_E_HANDLE, vsp_instance_free((vsp_instance *)(void *)program));
    STATUS(VSP_E_HANDLE, vsp_engine_free((vsp_engine *)(void *)program));
    STATUS(VSP_E_HANDLE, vsp_reset((vsp_instance *)(void *)engine));
    STATUS(VSP_E_HANDLE, vsp_find_export((vsp_program *)(void *)engine, "total", &number));
    STATUS(VSP_E_HANDLE, vsp_load((vsp_engine *)(void *)program, total_silc, sizeof total_silc, 0, NULL, &other));
    STATUS(VSP_E_HANDLE, vsp_interrupt((vsp_instance *)((char *)(void *)instance + 1)));

    /* Twice, and after that. */
    STATUS(VSP_OK, vsp_engine_free(engine));
    STATUS(VSP_E_HANDLE, vsp_engine_free(engine));
    STATUS(VSP_OK, vsp_program_free(program));
    STATUS(VSP_E_HANDLE, vsp_program_free(program));
    STATUS(VSP_E_HANDLE, vsp_instance_new(program, hosts, 1, NULL, NULL, NULL, &instance));
    STATUS(VSP_OK, vsp_call(instance, "total", &one, 1, NULL));
    STATUS(VSP_OK, vsp_instance_free(instance));
    for (round = 0; round < 100; round++) {
        /* The memory of freed handles is not used for others. */
        vsp_program *another;
        STATUS(VSP_OK, vsp_load(NULL, total_silc, sizeof total_silc, VSP_BORROW, NULL, &another));
        CHECK(another != program);
        STATUS(VSP_OK, vsp_program_free(another));
        STATUS(VSP_E_HANDLE, vsp_instance_free(instance));
        STATUS(VSP_E_HANDLE, vsp_call(instance, "total", &one, 1, NULL));
        STATUS(VSP_E_HANDLE, vsp_interrupt(instance));
    }
    return EXIT_SUCCESS;
}

/* A WebAssembly module, in all engines: its start function, and an exported one. */
#include "check.h"

/* (module
 *   (global (mut i32) (i32.const 5))
 *   (func (export "add") (param i32 i32) (result i32)
 *     (i32.add (i32.add (local.get 0) (local.get 1)) (global.get 0)))
 *   (func (global.set 0 (i32.const 7)))
 *   (start 1)) */
static const uint8_t module[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00,
    /* types */ 0x01, 0x0a, 0x02, 0x60, 0x02, 0x7f, 0x7f, 0x01, 0x7f, 0x60, 0x00, 0x00,
    /* functions */ 0x03, 0x03, 0x02, 0x00, 0x01,
    /* globals */ 0x06, 0x06, 0x01, 0x7f, 0x01, 0x41, 0x05, 0x0b,
    /* exports */ 0x07, 0x07, 0x01, 0x03, 0x61, 0x64, 0x64, 0x00, 0x00,
    /* start */ 0x08, 0x01, 0x01,
    /* code */ 0x0a, 0x13, 0x02, 0x0a, 0x00, 0x20, 0x00, 0x20, 0x01, 0x6a, 0x23, 0x00, 0x6a, 0x0b,
    0x06, 0x00, 0x41, 0x07, 0x24, 0x00, 0x0b,
};

int main(void) {
    /* What the host gives can have any upper half. */
    const uint64_t args[2] = {2, 3 | (uint64_t)1 << 40};
    vsp_options options = VSP_OPTIONS_DEFAULT;
    uint32_t kind, start;

    options.stack_cells = VSP_WASM_STACK_CELLS;
    for (kind = VSP_ENGINE_AUTO; kind <= VSP_ENGINE_TIER2; kind++) {
        vsp_engine *engine = NULL;
        vsp_program *program = NULL;
        vsp_instance *instance = NULL;
        vsp_outcome outcome;
        if (kind >= VSP_ENGINE_TIER1 && !(vsp_features() & VSP_FEATURE_JIT)) {
            STATUS(VSP_E_ENGINE, vsp_engine_new(kind, NULL, &engine));
            continue;
        }
        STATUS(VSP_OK, vsp_engine_new(kind, NULL, &engine));
        STATUS(VSP_OK, vsp_load_wasm(engine, module, sizeof module, NULL, &program));
        STATUS(VSP_OK, vsp_engine_free(engine));
        STATUS(VSP_OK, vsp_instance_new(program, NULL, 0, NULL, &options, NULL, &instance));
        STATUS(VSP_OK, vsp_start_function(program, &start));
        STATUS(VSP_OK, vsp_call(instance, "add", args, 2, &outcome));
        CHECK(outcome.values[0] == 10);
        STATUS(VSP_OK, vsp_call_function(instance, start, NULL, 0, NULL));
        STATUS(VSP_OK, vsp_call(instance, "add", args, 2, &outcome));
        CHECK(outcome.values[0] == 12);
        STATUS(VSP_OK, vsp_program_free(program));
        STATUS(VSP_OK, vsp_instance_free(instance));
    }
    return EXIT_SUCCESS;
}

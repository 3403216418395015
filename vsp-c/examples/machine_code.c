/* The same program in every engine: same result, same fuel. */
#include <stdio.h>
#include <stdlib.h>
#include <vsp.h>

static const char source[] =
    ".export fib\n"
    ".func fib (1) -> 1\n"
    "    JLTUI   R0, 2, done\n"
    "    MOV     R1, R0\n"
    "    SUBI    R0, R1, 1\n"
    "    CALL    fib\n"
    "    XCHG    R0, R1\n"
    "    SUBI    R0, 2\n"
    "    CALL    fib\n"
    "    ADD     R0, R1\n"
    "done:\n"
    "    RET\n"
    ".end\n";

static int run(const char *name, uint32_t kind) {
    char text[200];
    vsp_message message = {text, sizeof text, 0};
    vsp_engine *engine = NULL;
    vsp_program *program = NULL;
    vsp_instance *instance = NULL;
    vsp_options options = VSP_OPTIONS_DEFAULT;
    vsp_outcome outcome;
    const uint64_t argument = 20;
    int64_t fuel = 0;
    int is_right;

    if (vsp_engine_new(kind, &message, &engine) == VSP_E_ENGINE) {
        printf("%-6s  %s\n", name, text);
        return !(vsp_features() & VSP_FEATURE_JIT);
    }
    if (vsp_load_text(engine, source, "fib.sil", &message, &program) != VSP_OK) {
        printf("%-6s  %s\n", name, text);
        return 0;
    }
    options.fuel = 1000000;
    if (vsp_instance_new(program, NULL, 0, NULL, &options, &message, &instance) != VSP_OK) {
        printf("%-6s  %s\n", name, text);
        return 0;
    }
    vsp_call(instance, "fib", &argument, 1, &outcome);
    vsp_fuel(instance, &fuel);
    printf("%-6s  %lu, with %ld units of fuel\n", name, (unsigned long)outcome.values[0],
           (long)(1000000 - fuel));
    is_right = outcome.status == VSP_OK && outcome.values[0] == 6765;
    vsp_instance_free(instance);
    vsp_program_free(program);
    vsp_engine_free(engine);
    return is_right;
}

int main(void) {
    int are_right = run("interp", VSP_ENGINE_INTERP);
    are_right &= run("tier1", VSP_ENGINE_TIER1);
    are_right &= run("tier2", VSP_ENGINE_TIER2);
    are_right &= run("auto", VSP_ENGINE_AUTO);
    return are_right ? EXIT_SUCCESS : EXIT_FAILURE;
}

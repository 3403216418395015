/* What is wrong is refused with a status: null pointers, wrong lengths and numbers, damaged files and states. */
#include "../examples/total.h"
#include "check.h"

static vsp_status note(vsp_caller *caller, const uint64_t *args, uint64_t *results) {
    (void)caller, (void)args, (void)results;
    return VSP_OK;
}

static const vsp_host hosts[] = {{"host", "note", note, 1, 0}};

static void libraries(void) {
    CHECK(vsp_version() == VSP_VERSION);
    CHECK(strcmp(vsp_status_name(VSP_E_BOUNDS), "VSP_E_BOUNDS") == 0);
    CHECK(strcmp(vsp_status_name(77), "unknown status") == 0);
    CHECK(strcmp(vsp_trap_name(VSP_TRAP_DIVISION), "DivideByZero") == 0);
    CHECK(strcmp(vsp_trap_name(0), "unknown trap") == 0);
    STATUS(VSP_E_UNSUPPORTED, vsp_init_arena(NULL, 0));
    STATUS(VSP_E_ARGUMENT, vsp_init_allocator(NULL, NULL, NULL));
    STATUS(VSP_E_UNSUPPORTED, vsp_arena_use(NULL, NULL));
    STATUS(VSP_OK, vsp_engine_free(NULL));
    STATUS(VSP_OK, vsp_program_free(NULL));
    STATUS(VSP_OK, vsp_instance_free(NULL));
}

static void programs(vsp_program *program) {
    vsp_program *other = NULL;
    vsp_engine *engine = NULL;
    vsp_export export_;
    vsp_import import_;
    vsp_text text;
    const uint8_t *bytes;
    size_t length;
    uint32_t number, line;

    STATUS(VSP_E_ARGUMENT, vsp_engine_new(4, NULL, &engine));
    STATUS(VSP_E_ARGUMENT, vsp_engine_new(VSP_ENGINE_INTERP, NULL, NULL));
    STATUS(VSP_E_ARGUMENT, vsp_load(NULL, NULL, 10, VSP_COPY, NULL, &other));
    STATUS(VSP_E_ARGUMENT, vsp_load(NULL, total_silc, SIZE_MAX, VSP_COPY, NULL, &other));
    STATUS(VSP_E_ARGUMENT, vsp_load(NULL, total_silc, sizeof total_silc, 2, NULL, &other));
    STATUS(VSP_E_ARGUMENT, vsp_load(NULL, total_silc, sizeof total_silc, VSP_COPY, NULL, NULL));
    STATUS(VSP_E_FILE, vsp_load(NULL, NULL, 0, VSP_COPY, NULL, &other));
    STATUS(VSP_E_ARGUMENT, vsp_load_text(NULL, NULL, "x", NULL, &other));
    STATUS(VSP_E_ARGUMENT, vsp_load_text(NULL, "", "\xff", NULL, &other));
    CHECK(other == NULL);

    STATUS(VSP_E_ARGUMENT, vsp_program_bytes(program, NULL, &length));
    STATUS(VSP_E_ARGUMENT, vsp_program_bytes(NULL, &bytes, &length));
    STATUS(VSP_OK, vsp_program_bytes(program, &bytes, &length));
    CHECK(length == sizeof total_silc && memcmp(bytes, total_silc, length) == 0);
    STATUS(VSP_E_NOT_FOUND, vsp_find_export(program, "totals", &number));
    STATUS(VSP_E_ARGUMENT, vsp_find_export(program, NULL, &number));
    STATUS(VSP_E_ARGUMENT, vsp_find_export(program, "total", NULL));
    STATUS(VSP_OK, vsp_export_at(program, 0, &export_));
    CHECK(export_.name.length == 6 && memcmp(export_.name.bytes, "divide", 6) == 0);
    CHECK(export_.params == 2 && export_.results == 1);
    STATUS(VSP_E_NOT_FOUND, vsp_export_at(program, 2, &export_));
    STATUS(VSP_OK, vsp_import_at(program, 0, &import_));
    CHECK(import_.module.length == 4 && import_.name.length == 4 && import_.params == 1 && import_.results == 0);
    STATUS(VSP_E_NOT_FOUND, vsp_import_at(program, UINT32_MAX, &import_));
    STATUS(VSP_OK, vsp_function_type(program, export_.function, &number, &line));
    CHECK(number == 2 && line == 1);
    STATUS(VSP_E_NOT_FOUND, vsp_function_type(program, 2, &number, &line));
    STATUS(VSP_OK, vsp_function_name(program, export_.function, &text));
    CHECK(text.length == 6);
    STATUS(VSP_OK, vsp_source_line(program, export_.function, 0, &text, &line));
    CHECK(text.length == 9 && line == 21);
    STATUS(VSP_E_NOT_FOUND, vsp_source_line(program, export_.function, 2, &text, &line));
    STATUS(VSP_E_NOT_FOUND, vsp_find_global(program, "call", &number));
    STATUS(VSP_E_NOT_FOUND, vsp_start_function(program, &number));
}

static void damaged_programs(void) {
    uint8_t copy[sizeof total_silc];
    size_t at;
    for (at = 0; at < sizeof copy; at++) {
        char text[100];
        vsp_message message = {text, sizeof text, 0};
        vsp_program *program = NULL;
        memcpy(copy, total_silc, sizeof copy);
        copy[at] ^= 0x10;
        STATUS(VSP_E_FILE, vsp_load(NULL, copy, sizeof copy, VSP_COPY, &message, &program));
        CHECK(program == NULL && message.length > 0 && strlen(text) == (message.length < 99 ? message.length : 99));
        STATUS(VSP_E_FILE, vsp_load(NULL, total_silc, at, VSP_COPY, NULL, &program));
    }
}

static void instances(vsp_program *program) {
    vsp_instance *instance = NULL;
    vsp_options options = VSP_OPTIONS_DEFAULT;
    vsp_host wrong = {"host", "note", note, 1, 1};

    STATUS(VSP_E_ARGUMENT, vsp_instance_new(NULL, hosts, 1, NULL, NULL, NULL, &instance));
    STATUS(VSP_E_ARGUMENT, vsp_instance_new(program, NULL, 1, NULL, NULL, NULL, &instance));
    STATUS(VSP_E_ARGUMENT, vsp_instance_new(program, hosts, 1, NULL, NULL, NULL, NULL));
    STATUS(VSP_E_IMPORT, vsp_instance_new(program, hosts, 0, NULL, NULL, NULL, &instance));
    STATUS(VSP_E_IMPORT_TYPE, vsp_instance_new(program, &wrong, 1, NULL, NULL, NULL, &instance));
    wrong.params = 9;
    STATUS(VSP_E_ARGUMENT, vsp_instance_new(program, &wrong, 1, NULL, NULL, NULL, &instance));
    wrong.params = 1;
    wrong.results = 0;
    wrong.call = NULL;
    STATUS(VSP_E_ARGUMENT, vsp_instance_new(program, &wrong, 1, NULL, NULL, NULL, &instance));
    wrong.call = note;
    wrong.name = NULL;
    STATUS(VSP_E_ARGUMENT, vsp_instance_new(program, &wrong, 1, NULL, NULL, NULL, &instance));
    options.reserved = 1;
    STATUS(VSP_E_ARGUMENT, vsp_instance_new(program, hosts, 1, NULL, &options, NULL, &instance));
    options.reserved = 0;
    options.stack_cells = 63;
    STATUS(VSP_E_OPTION, vsp_instance_new(program, hosts, 1, NULL, &options, NULL, &instance));
    options.stack_cells = 64;
    options.memory = 17;
    STATUS(VSP_E_OPTION, vsp_instance_new(program, hosts, 1, NULL, &options, NULL, &instance));
    CHECK(instance == NULL);
}

static void calls(vsp_program *program) {
    const uint64_t args[9] = {1, 0};
    vsp_instance *instance;
    vsp_outcome outcome;
    vsp_pending pending;
    uint8_t byte, *bytes;
    uint64_t value;
    int64_t fuel;
    uint32_t function, word;
    size_t size;
    char text[24];
    vsp_message message = {text, sizeof text, 0};

    STATUS(VSP_OK, vsp_instance_new(program, hosts, 1, NULL, NULL, NULL, &instance));
    STATUS(VSP_E_ARGUMENT, vsp_call(NULL, "total", args, 1, &outcome));
    CHECK(outcome.status == VSP_E_ARGUMENT && outcome.count == 0);
    STATUS(VSP_E_ARGUMENT, vsp_call(instance, NULL, args, 1, NULL));
    STATUS(VSP_E_ARGUMENT, vsp_call(instance, "total", NULL, 1, NULL));
    STATUS(VSP_E_NOT_FOUND, vsp_call(instance, "totals", args, 1, NULL));
    STATUS(VSP_E_NOT_FOUND, vsp_call_function(instance, 2, args, 1, NULL));
    STATUS(VSP_E_COUNT, vsp_call(instance, "total", args, 0, NULL));
    STATUS(VSP_E_COUNT, vsp_call(instance, "total", args, 9, NULL));
    STATUS(VSP_E_COUNT, vsp_call(instance, "total", args, SIZE_MAX, NULL));
    STATUS(VSP_E_STATE, vsp_resume(instance, NULL, 0, NULL));
    STATUS(VSP_E_COUNT, vsp_resume(instance, args, 5, NULL));
    STATUS(VSP_E_STATE, vsp_fail(instance, 1, NULL));
    STATUS(VSP_E_STATE, vsp_pending_call(instance, &pending));
    STATUS(VSP_E_STATE, vsp_report(instance, &message));
    STATUS(VSP_E_ARGUMENT, vsp_report(instance, NULL));
    STATUS(VSP_E_NOT_FOUND, vsp_frame(instance, 0, &function, &word));
    STATUS(VSP_OK, vsp_instance_status(instance, NULL));
    STATUS(VSP_OK, vsp_reset(instance));

    STATUS(VSP_TRAPPED, vsp_call(instance, "divide", args, 2, &outcome));
    CHECK(outcome.trap == VSP_TRAP_DIVISION && outcome.code == 0 && outcome.word == 0);
    STATUS(VSP_OK, vsp_frame(instance, 0, &function, &word));
    CHECK(function == outcome.function && word == 0);
    STATUS(VSP_OK, vsp_report(instance, &message));
    CHECK(message.length > sizeof text && strcmp(text, "division by zero\n  at f") == 0);
    message.room = 0;
    STATUS(VSP_OK, vsp_report(instance, &message));
    message.text = NULL;
    STATUS(VSP_OK, vsp_report(instance, &message));
    message.room = 1;
    STATUS(VSP_E_ARGUMENT, vsp_report(instance, &message));

    STATUS(VSP_E_STATE, vsp_fuel(instance, &fuel));
    STATUS(VSP_E_STATE, vsp_set_fuel(instance, 1));
    STATUS(VSP_E_STATE, vsp_add_fuel(instance, 1));
    STATUS(VSP_OK, vsp_memory_size(instance, &size));
    STATUS(VSP_OK, vsp_memory(instance, size - 1, 1, &bytes));
    STATUS(VSP_E_BOUNDS, vsp_memory(instance, size, 1, &bytes));
    STATUS(VSP_E_BOUNDS, vsp_read(instance, UINT64_MAX, &byte, 1));
    STATUS(VSP_E_BOUNDS, vsp_read(instance, 1, &byte, SIZE_MAX));
    STATUS(VSP_OK, vsp_read(instance, size, NULL, 0));
    STATUS(VSP_E_ARGUMENT, vsp_read(instance, 0, NULL, 1));
    STATUS(VSP_E_BOUNDS, vsp_write(instance, size, &byte, 1));
    STATUS(VSP_E_ARGUMENT, vsp_write(instance, 0, NULL, 1));
    STATUS(VSP_E_NOT_FOUND, vsp_global(instance, 1, &value));
    STATUS(VSP_E_NOT_FOUND, vsp_set_global(instance, UINT32_MAX, 1));
    STATUS(VSP_E_ARGUMENT, vsp_global(instance, 0, NULL));
    STATUS(VSP_OK, vsp_instance_free(instance));
}

static int32_t stop(void *user, const void *bytes, size_t length) {
    (void)user, (void)bytes, (void)length;
    return 1;
}

static void states(vsp_program *program) {
    vsp_options options = VSP_OPTIONS_DEFAULT;
    vsp_instance *instance, *other = NULL;
    uint8_t state[200], copy[200];
    const uint64_t ten = 10;
    size_t size, length, at;
    unsigned accepted = 0;

    options.fuel = 20;
    STATUS(VSP_OK, vsp_instance_new(program, hosts, 1, NULL, &options, NULL, &instance));
    STATUS(VSP_OUT_OF_FUEL, vsp_call(instance, "total", &ten, 1, NULL));
    STATUS(VSP_E_STATE, vsp_call(instance, "total", &ten, 1, NULL));
    STATUS(VSP_OK, vsp_save_size(instance, &size));
    CHECK(size <= sizeof state);
    STATUS(VSP_E_ROOM, vsp_save(instance, state, size - 1, &length));
    CHECK(length == size);
    STATUS(VSP_E_ARGUMENT, vsp_save(instance, NULL, size, &length));
    STATUS(VSP_E_ARGUMENT, vsp_save(instance, state, size, NULL));
    STATUS(VSP_E_ARGUMENT, vsp_save_to(instance, NULL, NULL));
    STATUS(VSP_E_WRITER, vsp_save_to(instance, stop, NULL));
    STATUS(VSP_OK, vsp_save(instance, state, sizeof state, &length));
    STATUS(VSP_OK, vsp_instance_free(instance));

    options.stack_cells = 64;
    STATUS(VSP_E_OPTION, vsp_restore(program, state, length, hosts, 1, NULL, &options, NULL, &other));
    STATUS(VSP_E_IMPORT, vsp_restore(program, state, length, NULL, 0, NULL, NULL, NULL, &other));
    STATUS(VSP_E_ARGUMENT, vsp_restore(program, NULL, length, hosts, 1, NULL, NULL, NULL, &other));
    STATUS(VSP_E_SNAPSHOT, vsp_restore(program, state, 0, hosts, 1, NULL, NULL, NULL, &other));
    for (at = 0; at < length; at++) {
        memcpy(copy, state, length);
        copy[at] ^= 1;
        accepted += vsp_restore(program, copy, length, hosts, 1, NULL, NULL, NULL, &other) != VSP_E_SNAPSHOT;
        STATUS(VSP_E_SNAPSHOT, vsp_restore(program, state, at, hosts, 1, NULL, NULL, NULL, &other));
    }
    CHECK(accepted == 0 && other == NULL);
}

static void texts(void) {
    char text[200];
    vsp_message message = {text, sizeof text, 0};
    vsp_program *program = NULL;

    if (vsp_features() & VSP_FEATURE_TEXT) {
        STATUS(VSP_E_TEXT, vsp_load_text(NULL, ".func f (0) -> 0\n JMQ x\n.end\n", "f.sil", &message, &program));
        CHECK(strncmp(text, "f.sil: line 2, column 2: there is no instruction", 48) == 0);
    } else {
        STATUS(VSP_E_UNSUPPORTED, vsp_load_text(NULL, "", "f.sil", NULL, &program));
    }
    if (vsp_features() & VSP_FEATURE_WASM) {
        STATUS(VSP_E_WASM, vsp_load_wasm(NULL, (const uint8_t *)"\0asm\1\0\0", 7, &message, &program));
        CHECK(message.length > 0);
    } else {
        STATUS(VSP_E_UNSUPPORTED, vsp_load_wasm(NULL, (const uint8_t *)"", 0, NULL, &program));
    }
    CHECK(program == NULL);
}

int main(void) {
    vsp_program *program;
    libraries();
    STATUS(VSP_OK, vsp_load(NULL, total_silc, sizeof total_silc, VSP_BORROW, NULL, &program));
    programs(program);
    damaged_programs();
    instances(program);
    calls(program);
    states(program);
    texts();
    STATUS(VSP_OK, vsp_program_free(program));
    return EXIT_SUCCESS;
}

/* Calls that stop: YIELD, pending host functions, interruption by signals and threads, failures of host functions; and
 * what a host function cannot do. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "check.h"

static const char source[] =
    ".import host.ask (2) -> 2\n"
    ".import host.copy (2) -> 0\n"
    ".export ask\n.export copy\n.export yield\n.export spin\n.export halt\n"
    ".global sum = 7\n"
    ".data greeting \"hello\"\n"
    ".func ask (2) -> 2\n SYSCALL host.ask\n ADD R0, R1\n RET\n.end\n"
    ".func copy (2) -> 0\n SYSCALL host.copy\n RET\n.end\n"
    ".func yield (1) -> 1\n YIELD R0\n ADDI R0, R0, 1\n RET\n.end\n"
    ".func spin (0) -> 0\nagain: JMP again\n.end\n"
    ".func halt (1) -> 0\n HLT R0\n.end\n";

struct host {
    vsp_instance *instance;
    uint64_t mode;
    char text[8];
};

enum { ANSWER, WAIT, FAIL, FAIL_SILENTLY, REFUSE, USE_INSTANCE };

static vsp_status ask(vsp_caller *caller, const uint64_t *args, uint64_t *results) {
    struct host *host = vsp_caller_user(caller);
    switch (host->mode) {
    case WAIT:
        return VSP_PENDING;
    case FAIL:
        return vsp_caller_fail(caller, 99, "nobody knows");
    case FAIL_SILENTLY:
        return vsp_caller_fail(caller, 98, NULL);
    case REFUSE:
        return VSP_E_NOT_FOUND;
    case USE_INSTANCE:
        STATUS(VSP_E_BUSY, vsp_call(host->instance, "yield", args, 1, NULL));
        STATUS(VSP_E_BUSY, vsp_instance_free(host->instance));
        STATUS(VSP_E_BUSY, vsp_reset(host->instance));
        STATUS(VSP_OK, vsp_interrupt(host->instance));
        break;
    default:
        break;
    }
    results[0] = args[0] * 10;
    results[1] = args[1];
    return VSP_OK;
}

static vsp_status copy(vsp_caller *caller, const uint64_t *args, uint64_t *results) {
    struct host *host = vsp_caller_user(caller);
    uint8_t *bytes = NULL;
    size_t size = 0;
    vsp_status status;
    (void)results;
    CHECK(args[1] < sizeof host->text || args[1] > 1000);
    status = vsp_caller_read(caller, args[0], (uint8_t *)host->text, (size_t)args[1]);
    if (status != VSP_OK) {
        return status;
    }
    STATUS(VSP_OK, vsp_caller_write(caller, args[0], (const uint8_t *)"HE", 2));
    STATUS(VSP_OK, vsp_caller_memory_size(caller, &size));
    STATUS(VSP_E_BOUNDS, vsp_caller_memory(caller, size, 1, &bytes));
    STATUS(VSP_E_ARGUMENT, vsp_caller_memory(caller, 0, 1, NULL));
    STATUS(VSP_E_ARGUMENT, vsp_caller_memory(NULL, 0, 1, &bytes));
    STATUS(VSP_OK, vsp_caller_memory(caller, 2, 1, &bytes));
    *bytes = 'L';
    CHECK(vsp_caller_user(NULL) == NULL);
    return VSP_OK;
}

static const vsp_host hosts[] = {{"host", "ask", ask, 2, 2}, {"host", "copy", copy, 2, 0}};

static void host_calls(vsp_program *program, struct host *host) {
    const uint64_t args[2] = {4, 2}, hello[2] = {0, 5}, outside[2] = {0, 1000000};
    vsp_instance *instance = host->instance;
    vsp_outcome outcome;
    vsp_pending pending;
    vsp_import import_;
    char text[200];
    vsp_message message = {text, sizeof text, 0};

    STATUS(VSP_OK, vsp_call(instance, "ask", args, 2, &outcome));
    CHECK(outcome.count == 2 && outcome.values[0] == 42 && outcome.values[1] == 2);

    host->mode = WAIT;
    STATUS(VSP_PENDING, vsp_call(instance, "ask", args, 2, &outcome));
    CHECK(outcome.count == 1 && outcome.values[0] == 0);
    STATUS(VSP_OK, vsp_pending_call(instance, &pending));
    CHECK(pending.import == 0 && pending.count == 2 && pending.args[0] == 4 && pending.args[1] == 2);
    STATUS(VSP_OK, vsp_import_at(program, pending.import, &import_));
    CHECK(memcmp(import_.name.bytes, "ask", 3) == 0);
    STATUS(VSP_PENDING, vsp_instance_status(instance, &outcome));
    STATUS(VSP_E_COUNT, vsp_resume(instance, args, 1, &outcome));
    STATUS(VSP_OK, vsp_resume(instance, args, 2, &outcome));
    CHECK(outcome.values[0] == 6);
    STATUS(VSP_PENDING, vsp_call(instance, "ask", args, 2, &outcome));
    STATUS(VSP_TRAPPED, vsp_fail(instance, 5, &outcome));
    CHECK(outcome.trap == VSP_TRAP_HOST && outcome.code == 5);

    host->mode = FAIL;
    STATUS(VSP_TRAPPED, vsp_call(instance, "ask", args, 2, &outcome));
    CHECK(outcome.trap == VSP_TRAP_HOST && outcome.code == 99);
    STATUS(VSP_OK, vsp_report(instance, &message));
    CHECK(strncmp(text, "host function host.ask failed: nobody knows\n  at function ask", 61) == 0);
    host->mode = FAIL_SILENTLY;
    STATUS(VSP_TRAPPED, vsp_call(instance, "ask", args, 2, &outcome));
    CHECK(outcome.code == 98);
    host->mode = REFUSE;
    STATUS(VSP_TRAPPED, vsp_call(instance, "ask", args, 2, &outcome));
    STATUS(VSP_OK, vsp_report(instance, &message));
    CHECK(outcome.code == 0 && strstr(text, "E_NOT_FOUND") != NULL);
    host->mode = USE_INSTANCE;
    STATUS(VSP_INTERRUPTED, vsp_call(instance, "ask", args, 2, &outcome));
    STATUS(VSP_OK, vsp_clear_interrupt(instance));
    STATUS(VSP_OK, vsp_resume(instance, NULL, 0, &outcome));
    CHECK(outcome.values[0] == 42);

    STATUS(VSP_OK, vsp_call(instance, "copy", hello, 2, NULL));
    CHECK(strcmp(host->text, "hello") == 0);
    STATUS(VSP_OK, vsp_read(instance, 0, (uint8_t *)host->text, 5));
    CHECK(strcmp(host->text, "HELlo") == 0);
    STATUS(VSP_TRAPPED, vsp_call(instance, "copy", outside, 2, &outcome));
    CHECK(outcome.trap == VSP_TRAP_HOST);
}

static vsp_instance *running;

static void on_alarm(int signal) {
    (void)signal;
    vsp_interrupt(running);
}

static void *interrupt_soon(void *instance) {
    const struct timespec pause = {0, 20000000};
    nanosleep(&pause, NULL);
    STATUS(VSP_E_BUSY, vsp_reset(instance));
    STATUS(VSP_OK, vsp_interrupt(instance));
    return NULL;
}

static void interruptions(vsp_instance *instance) {
    pthread_t thread;
    vsp_outcome outcome;
    struct sigaction action;

    CHECK(pthread_create(&thread, NULL, interrupt_soon, instance) == 0);
    STATUS(VSP_INTERRUPTED, vsp_call(instance, "spin", NULL, 0, &outcome));
    CHECK(pthread_join(thread, NULL) == 0);
    /* It stays interrupted. */
    STATUS(VSP_INTERRUPTED, vsp_resume(instance, NULL, 0, &outcome));
    STATUS(VSP_OK, vsp_clear_interrupt(instance));

    running = instance;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_alarm;
    CHECK(sigaction(SIGALRM, &action, NULL) == 0);
    alarm(1);
    STATUS(VSP_INTERRUPTED, vsp_resume(instance, NULL, 0, &outcome));
    STATUS(VSP_OK, vsp_clear_interrupt(instance));
    STATUS(VSP_OK, vsp_reset(instance));
}

struct file {
    uint8_t bytes[100000];
    size_t length;
};

static int32_t append(void *user, const void *bytes, size_t length) {
    struct file *file = user;
    CHECK(length <= 4096 && file->length + length <= sizeof file->bytes);
    memcpy(file->bytes + file->length, bytes, length);
    file->length += length;
    return 0;
}

/* Idle and waiting instances are saved and restored. */
static void states(vsp_program *program, struct host *host) {
    static struct file file;
    const uint64_t seven = 7, thirty = 30;
    vsp_instance *instance = host->instance, *restored;
    vsp_outcome outcome;
    uint32_t global;
    uint64_t value = 0;
    void *user = NULL;
    size_t size = 0;

    STATUS(VSP_HALTED, vsp_call(instance, "halt", &seven, 1, &outcome));
    CHECK(outcome.count == 1 && outcome.values[0] == 7);
    STATUS(VSP_OK, vsp_find_global(program, "sum", &global));
    STATUS(VSP_OK, vsp_set_global(instance, global, 8));
    STATUS(VSP_OK, vsp_write(instance, 1, (const uint8_t *)"!", 1));

    STATUS(VSP_OK, vsp_save_to(instance, append, &file));
    STATUS(VSP_OK, vsp_save_size(instance, &size));
    CHECK(size == file.length);
    STATUS(VSP_OK, vsp_restore(program, file.bytes, file.length, hosts, 2, host, NULL, NULL, &restored));
    STATUS(VSP_OK, vsp_instance_status(restored, &outcome));
    STATUS(VSP_OK, vsp_global(restored, global, &value));
    STATUS(VSP_OK, vsp_read(restored, 0, (uint8_t *)host->text, 2));
    CHECK(value == 8 && host->text[1] == '!');
    STATUS(VSP_YIELDED, vsp_call(restored, "yield", &seven, 1, &outcome));
    CHECK(outcome.values[0] == 7);
    file.length = 0;
    STATUS(VSP_OK, vsp_save_to(restored, append, &file));
    STATUS(VSP_OK, vsp_instance_free(restored));

    STATUS(VSP_OK, vsp_restore(program, file.bytes, file.length, hosts, 2, NULL, NULL, NULL, &restored));
    STATUS(VSP_OK, vsp_set_user(restored, host));
    STATUS(VSP_OK, vsp_user(restored, &user));
    CHECK(user == host);
    STATUS(VSP_YIELDED, vsp_instance_status(restored, &outcome));
    /* Values and outcome can be in the same place. */
    outcome.values[0] = thirty;
    STATUS(VSP_OK, vsp_resume(restored, outcome.values, 1, &outcome));
    CHECK(outcome.values[0] == 31);
    /* The program can be freed first. */
    STATUS(VSP_OK, vsp_program_free(program));
    STATUS(VSP_YIELDED, vsp_call(restored, "yield", &seven, 1, &outcome));
    STATUS(VSP_OK, vsp_instance_free(restored));
}

int main(void) {
    vsp_program *program = NULL;
    struct host host = {NULL, ANSWER, ""};
    char text[300];
    vsp_message message = {text, sizeof text, 0};
    if (vsp_load_text(NULL, source, "suspensions.sil", &message, &program) != VSP_OK) {
        fprintf(stderr, "%s\n", text);
        return EXIT_FAILURE;
    }
    STATUS(VSP_OK, vsp_instance_new(program, hosts, 2, &host, NULL, NULL, &host.instance));
    host_calls(program, &host);
    interruptions(host.instance);
    states(program, &host);
    STATUS(VSP_OK, vsp_instance_free(host.instance));
    return EXIT_SUCCESS;
}

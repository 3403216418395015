/* On bare metal: with every amount of memory that is too little, functions return VSP_E_OUT_OF_MEMORY, and nothing is
 * lost. With enough, a program is loaded, called, saved, restored and finished. */
#include "check.h"
#include "total.h"

/* Memory that is counted. */
struct heap {
    size_t used;
    size_t limit;
    size_t most;
};

static void *allocate(void *user, size_t size, size_t align) {
    struct heap *heap = user;
    void *memory;
    CHECK(size > 0 && align <= 8);
    if (size > heap->limit - heap->used) {
        return NULL;
    }
    memory = malloc(size);
    CHECK(memory != NULL);
    heap->used += size;
    if (heap->used > heap->most) {
        heap->most = heap->used;
    }
    return memory;
}

static void release(void *user, void *memory, size_t size, size_t align) {
    struct heap *heap = user;
    (void)align;
    CHECK(memory != NULL && size <= heap->used);
    heap->used -= size;
    free(memory);
}

static vsp_status note(vsp_caller *caller, const uint64_t *args, uint64_t *results) {
    (void)caller, (void)args, (void)results;
    return VSP_OK;
}

static const vsp_host hosts[] = {{"host", "note", note, 1, 0}};

/* Does everything that there is memory for. Returns the number of the step that there was none for. */
static int use(void) {
    static uint8_t state[512];
    const uint64_t ten = 10;
    vsp_program *program = NULL;
    vsp_instance *instance = NULL, *restored = NULL;
    vsp_options options = VSP_OPTIONS_DEFAULT;
    vsp_outcome outcome;
    size_t length = 0;
    vsp_status status;
    int step = 0;

    options.fuel = 20;
    options.stack_cells = 64;
    status = vsp_load(NULL, total_silc, sizeof total_silc, VSP_COPY, NULL, &program);
    if (status == VSP_OK) {
        step++;
        status = vsp_instance_new(program, hosts, 1, NULL, &options, NULL, &instance);
    }
    if (status == VSP_OK) {
        step++;
        STATUS(VSP_OUT_OF_FUEL, vsp_call(instance, "total", &ten, 1, &outcome));
        status = vsp_save(instance, state, sizeof state, &length);
    }
    if (status == VSP_OK) {
        step++;
        options.fuel = 1000;
        status = vsp_restore(program, state, length, hosts, 1, NULL, &options, NULL, &restored);
    }
    if (status == VSP_OK) {
        step++;
        STATUS(VSP_OK, vsp_resume(restored, NULL, 0, &outcome));
        CHECK(outcome.values[0] == 55);
    } else {
        STATUS(VSP_E_OUT_OF_MEMORY, status);
    }
    STATUS(VSP_OK, vsp_instance_free(restored));
    STATUS(VSP_OK, vsp_instance_free(instance));
    STATUS(VSP_OK, vsp_program_free(program));
    return step;
}

int main(void) {
    static struct heap heap;
    int seen[5] = {0, 0, 0, 0, 0};
    unsigned number;
    vsp_program *program = NULL;

    STATUS(VSP_E_OUT_OF_MEMORY, vsp_load(NULL, total_silc, sizeof total_silc, VSP_COPY, NULL, &program));
    STATUS(VSP_E_ARGUMENT, vsp_init_arena(NULL, 1000));
    STATUS(VSP_E_STATE, vsp_arena_use(NULL, NULL));
    STATUS(VSP_OK, vsp_init_allocator(allocate, release, &heap));
    STATUS(VSP_E_STATE, vsp_init_allocator(allocate, release, &heap));
    STATUS(VSP_E_STATE, vsp_init_arena(seen, 1000));
    for (heap.limit = 0; !seen[4]; heap.limit += 4) {
        int step = use();
        seen[step]++;
        CHECK(heap.used == 0);
    }
    for (number = 0; number < 5; number++) {
        CHECK(seen[number] > 0);
    }
    printf("no more than %lu bytes are needed\n", (unsigned long)heap.most);
    return EXIT_SUCCESS;
}

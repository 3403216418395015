/* VSP for C and C++: a virtual machine that runs untrusted programs. docs/c.md is its manual, with examples.
 *
 * Rules for all functions
 * -----------------------
 * Status    Nearly every function returns a vsp_status: 0 is success, a positive one says how a call of a program
 *           ended otherwise, a negative one that the function was refused. After a refusal nothing has changed,
 *           and what the function would have stored is not stored, but for what is said below.
 * Pointers  A pointer that must not be null, is null or is not aligned gives VSP_E_ARGUMENT. All other pointers
 *           have to be valid for what is said; the library cannot find out. An array of no items can be null.
 * Texts     `const char *` parameters end with a zero byte and are UTF-8 (else VSP_E_ARGUMENT).
 * Handles   vsp_engine, vsp_program and vsp_instance belong to whoever created them, who frees each of them once.
 *           A library that was built with the feature `checked` answers the use of a freed handle, or of one of
 *           another kind, with VSP_E_HANDLE; without it, that is undefined.
 * Threads   All functions can be called by any thread. Engines and programs can be used by several threads at
 *           once, and are freed when no other function uses them. An instance runs one function at a time: a
 *           second one, also one that a host function calls, gets VSP_E_BUSY. vsp_interrupt and
 *           vsp_clear_interrupt can be called at any time, also in signal and interrupt handlers. On bare metal
 *           only one function at a time may run that is marked [allocates].
 * Panics    A mistake inside the library ends as VSP_E_PANIC; on bare metal it calls abort(). Functions of C must
 *           neither throw nor longjmp through the library.
 */
#ifndef VSP_H
#define VSP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this header: major << 16 | minor << 8 | patch. vsp_version() is that of the library. Versions
 * with the same major and, before 1.0, the same minor number go together. */
#define VSP_VERSION 0x000100u

#define VSP_MAX_ARGS 8    /* a function has at most as many parameters */
#define VSP_MAX_RESULTS 4 /* and results */

/* ---- Statuses ------------------------------------------------------------------------------------------------ */

/* A vsp_status is one of these numbers. (It is no enum, because the size of enums depends on compilers' options.) */
typedef int32_t vsp_status;

enum {
    VSP_OK = 0,                /* done; of a call: the function returned */
    VSP_HALTED = 1,            /* the program executed HLT; values[0] is its value */
    VSP_OUT_OF_FUEL = 2,       /* suspended: add fuel and resume */
    VSP_INTERRUPTED = 3,       /* suspended by vsp_interrupt: clear that and resume */
    VSP_YIELDED = 4,           /* suspended: values[0] is the value of the YIELD, which waits for one */
    VSP_PENDING = 5,           /* suspended: a host function has no results yet; values[0] is its import */
    VSP_TRAPPED = 6,           /* the program trapped; the instance can be called again */

    VSP_E_ARGUMENT = -1,       /* a null pointer, a text that is not UTF-8, a number out of its range */
    VSP_E_HANDLE = -2,         /* no handle of this kind, or a freed one (feature `checked`) */
    VSP_E_BUSY = -3,           /* the instance runs */
    VSP_E_OUT_OF_MEMORY = -4,  /* there is no memory */
    VSP_E_FILE = -5,           /* the bytes are not a program */
    VSP_E_VERIFY = -6,         /* the code of the program breaks a rule */
    VSP_E_IMPORT = -7,         /* the program imports a function that the table does not have */
    VSP_E_IMPORT_TYPE = -8,    /* the table has it with other numbers of parameters or results */
    VSP_E_OPTION = -9,         /* a size of memory or stack is not possible */
    VSP_E_NOT_FOUND = -10,     /* there is no such function, export, global, name, line or frame */
    VSP_E_COUNT = -11,         /* wrong number of arguments or values */
    VSP_E_STATE = -12,         /* the instance is suspended, or is not, or is not metered */
    VSP_E_BOUNDS = -13,        /* a part of the range is outside the memory of the instance */
    VSP_E_ROOM = -14,          /* the room of the caller is too small */
    VSP_E_SNAPSHOT = -15,      /* the bytes are not a saved state of this program */
    VSP_E_TEXT = -16,          /* the text has errors */
    VSP_E_WASM = -17,          /* the module is refused */
    VSP_E_ENGINE = -18,        /* there is no machine code here, or it cannot be made of this program */
    VSP_E_UNSUPPORTED = -19,   /* this build of the library cannot do that (vsp_features) */
    VSP_E_WRITER = -20,        /* the writer did not take the bytes */
    VSP_E_PANIC = -21          /* a mistake inside the library: please report it */
};

/* Returns the name of a status, "VSP_TRAPPED" for example, or "unknown status". The text is constant. */
const char *vsp_status_name(vsp_status status);

/* Room for a text about an error. Before a call the caller sets `text` and `room`; `text` can be null if `room` is 0.
 * Functions with a parameter `message` (which can be null) set `length` to the length of the whole text in bytes,
 * without the zero at its end, or to 0 if there is none, and store as much as fits in `room` bytes, always with a
 * zero at the end. A text that was cut can end inside a UTF-8 character. Builds for bare metal have no texts
 * unless the feature `messages` is on. */
typedef struct vsp_message {
    char *text;
    size_t room;
    size_t length;
} vsp_message;

/* A text that belongs to a program and lives as long as the program. It has no zero at its end. */
typedef struct vsp_text {
    const char *bytes;
    size_t length;
} vsp_text;

/* ---- The library --------------------------------------------------------------------------------------------- */

/* Returns the version of the library. */
uint32_t vsp_version(void);

/* What a library was built with. */
enum {
    VSP_FEATURE_MESSAGES = 1,   /* errors as texts */
    VSP_FEATURE_TEXT = 2,       /* vsp_load_text */
    VSP_FEATURE_WASM = 4,       /* vsp_load_wasm */
    VSP_FEATURE_JIT = 8,        /* machine code */
    VSP_FEATURE_CHECKED = 16,   /* handles are checked */
    VSP_FEATURE_BARE_METAL = 32, /* vsp_init_arena, vsp_init_allocator */
    VSP_FEATURE_FLOAT = 64,     /* programs can use binary64 */
    VSP_FEATURE_MATH = 128,     /* and FMATH */
    VSP_FEATURE_BYTESIL = 256   /* programs can use ByteSil numbers */
};

/* Returns the bits of all features that the library has. */
uint32_t vsp_features(void);

/* Gives the library `length` bytes (256 or more) for everything that it allocates. They belong to it from now on.
 * Call this or vsp_init_allocator once, before all functions that allocate; a second call gives VSP_E_STATE. Only
 * on bare metal: elsewhere the library uses malloc, and this gives VSP_E_UNSUPPORTED. Allocating and freeing take
 * time that grows with the number of free pieces. Running a program allocates nothing. */
vsp_status vsp_init_arena(void *memory, size_t length);

/* Allocates `size` bytes (1 or more) at a multiple of `align` (a power of two). Returns null if there is no
 * memory. */
typedef void *(*vsp_allocate)(void *user, size_t size, size_t align);

/* Frees memory that was allocated with this size and alignment. */
typedef void (*vsp_release)(void *user, void *memory, size_t size, size_t align);

/* Gives the library functions that allocate and free, which get `user`. They must not call the library. Otherwise as
 * vsp_init_arena. */
vsp_status vsp_init_allocator(vsp_allocate allocate, vsp_release release, void *user);

/* Stores the numbers of bytes of the arena that are used and that are free. Both pointers can be null. VSP_E_STATE
 * without an arena. */
vsp_status vsp_arena_use(size_t *used, size_t *free_bytes);

/* ---- Engines ------------------------------------------------------------------------------------------------- */

/* What programs are loaded with. A null pointer is the interpreter; all engines give the same results, traps, fuel
 * and saved states. */
typedef struct vsp_engine vsp_engine;

enum {
    VSP_ENGINE_AUTO = 0,   /* the interpreter, and machine code for what runs often; the interpreter if there is none */
    VSP_ENGINE_INTERP = 1, /* the interpreter */
    VSP_ENGINE_TIER1 = 2,  /* machine code that is made fast; VSP_E_ENGINE without the feature `jit` */
    VSP_ENGINE_TIER2 = 3   /* machine code that runs fast; likewise */
};

/* Creates an engine, for any number of programs. It can be freed before they are. [allocates] */
vsp_status vsp_engine_new(uint32_t kind, vsp_message *message, vsp_engine **engine);

/* Frees an engine. Null is allowed. [allocates] */
vsp_status vsp_engine_free(vsp_engine *engine);

/* ---- Programs ------------------------------------------------------------------------------------------------ */

/* A verified program, for any number of instances. It never changes. */
typedef struct vsp_program vsp_program;

enum {
    VSP_COPY = 0,  /* the bytes are copied */
    VSP_BORROW = 1 /* the bytes stay as they are until the program and its instances are freed: for programs in flash */
};

/* Reads, verifies and, if the engine does that, compiles a program: the bytes of a .silc file. `engine` can be null.
 * VSP_E_FILE, VSP_E_VERIFY, VSP_E_ENGINE, VSP_E_OUT_OF_MEMORY. [allocates] */
vsp_status vsp_load(vsp_engine *engine, const uint8_t *bytes, size_t length, uint32_t flags, vsp_message *message,
                    vsp_program **program);

/* Assembles a text, and loads it. `file_name` is the name of the file in source lines. VSP_E_TEXT with all errors
 * in the message; VSP_E_UNSUPPORTED without the feature `text`; and as vsp_load. [allocates] */
vsp_status vsp_load_text(vsp_engine *engine, const char *text, const char *file_name, vsp_message *message,
                         vsp_program **program);

/* Translates a WebAssembly module, and loads it. Instances of what compilers make need a larger stack than others:
 * vsp_options.stack_cells = VSP_WASM_STACK_CELLS. VSP_E_WASM; VSP_E_UNSUPPORTED without the feature `wasm`; and as
 * vsp_load. [allocates] */
vsp_status vsp_load_wasm(vsp_engine *engine, const uint8_t *bytes, size_t length, vsp_message *message,
                         vsp_program **program);

#define VSP_WASM_STACK_CELLS (1u << 20)

/* Frees a program. Its instances go on: they keep what they need. Null is allowed. [allocates] */
vsp_status vsp_program_free(vsp_program *program);

/* Stores where the bytes of the .silc file are, and how many. They belong to the program and live as long as it. */
vsp_status vsp_program_bytes(vsp_program *program, const uint8_t **bytes, size_t *length);

/* Stores the number of the function that is exported under this name. VSP_E_NOT_FOUND. */
vsp_status vsp_find_export(vsp_program *program, const char *name, uint32_t *function);

/* A function that the host can call by name. */
typedef struct vsp_export {
    vsp_text name;
    uint32_t function;
    uint8_t params;  /* 0 to 8 */
    uint8_t results; /* 0 to 4 */
} vsp_export;

/* Stores the export with this number, from 0, in the order of their names. VSP_E_NOT_FOUND after the last one. */
vsp_status vsp_export_at(vsp_program *program, uint32_t index, vsp_export *item);

/* A function that the program wants of its host. */
typedef struct vsp_import {
    vsp_text module;
    vsp_text name;
    uint8_t params;
    uint8_t results;
} vsp_import;

/* Stores the import with this number, from 0. VSP_E_NOT_FOUND after the last one. */
vsp_status vsp_import_at(vsp_program *program, uint32_t index, vsp_import *item);

/* Stores the numbers of parameters and results of a function. VSP_E_NOT_FOUND. */
vsp_status vsp_function_type(vsp_program *program, uint32_t function, uint32_t *params, uint32_t *results);

/* Stores the name of a function: its debug name, or one under which it is exported. VSP_E_NOT_FOUND if it has
 * none. */
vsp_status vsp_function_name(vsp_program *program, uint32_t function, vsp_text *name);

/* Stores the source file and line (from 1) of a word of a function. VSP_E_NOT_FOUND if the program does not say
 * it. */
vsp_status vsp_source_line(vsp_program *program, uint32_t function, uint32_t word, vsp_text *file, uint32_t *line);

/* Stores the number of the global with this debug name. VSP_E_NOT_FOUND. */
vsp_status vsp_find_global(vsp_program *program, const char *name, uint32_t *global);

/* Stores the number of the start function of what was a WebAssembly module: the host calls it once in each
 * instance, before all else. VSP_E_NOT_FOUND if it has none. [allocates] */
vsp_status vsp_start_function(vsp_program *program, uint32_t *function);

/* ---- Host functions ------------------------------------------------------------------------------------------ */

/* The running program, as a host function reaches it, during its call and in its thread only. */
typedef struct vsp_caller vsp_caller;

/* A function that programs can call. `args` are as many as its type says, and `results` is room for four. What it
 * returns:
 *   VSP_OK           the program goes on with the results;
 *   VSP_PENDING      the program is suspended until vsp_resume gets the results, or vsp_fail is called;
 *   vsp_caller_fail() the program traps;
 *   any other status  the program traps with code 0, and the report has the name of the status.
 * It must not call functions with the instance that calls it, which get VSP_E_BUSY; vsp_interrupt is allowed. */
typedef vsp_status (*vsp_host_function)(vsp_caller *caller, const uint64_t *args, uint64_t *results);

/* An entry of a table of host functions. A program gets the functions that it imports, by module and name; others
 * in the table do not matter, but have to be valid. The library copies what it needs: the table can be constant,
 * in flash, or temporary. */
typedef struct vsp_host {
    const char *module;
    const char *name;
    vsp_host_function call;
    uint8_t params;  /* 0 to 8 */
    uint8_t results; /* 0 to 4 */
} vsp_host;

/* Returns the user pointer of the instance; null if `caller` is not valid. */
void *vsp_caller_user(vsp_caller *caller);

/* Stores the size of the program's memory in bytes. */
vsp_status vsp_caller_memory_size(vsp_caller *caller, size_t *size);

/* Stores a pointer to `length` bytes of the program's memory from `address`, valid until the host function returns.
 * VSP_E_BOUNDS: the program chose the address, and returning this status makes it trap. */
vsp_status vsp_caller_memory(vsp_caller *caller, uint64_t address, size_t length, uint8_t **bytes);

/* Copies `length` bytes out of the program's memory. VSP_E_BOUNDS. */
vsp_status vsp_caller_read(vsp_caller *caller, uint64_t address, uint8_t *to, size_t length);

/* Copies `length` bytes into the program's memory. VSP_E_BOUNDS. */
vsp_status vsp_caller_write(vsp_caller *caller, uint64_t address, const uint8_t *from, size_t length);

/* Takes fuel for work that costs more than an instruction. The program is suspended after the host function if
 * there is not enough. Nothing happens if the instance is not metered. */
vsp_status vsp_caller_charge(vsp_caller *caller, uint64_t units);

/* Notes that the host function fails with this code and text, which can be null, and returns VSP_TRAPPED:
 * `return vsp_caller_fail(caller, 3, "no such key");` [allocates, with the feature `messages`] */
vsp_status vsp_caller_fail(vsp_caller *caller, uint32_t code, const char *text);

/* ---- Instances ----------------------------------------------------------------------------------------------- */

/* A program with memory, globals, a stack and fuel. */
typedef struct vsp_instance vsp_instance;

#define VSP_NO_LIMIT UINT64_MAX

/* The options of an instance. Start with VSP_OPTIONS_DEFAULT. */
typedef struct vsp_options {
    uint64_t memory;         /* bytes: a multiple of 16, at least the program's minimum; 0: the minimum */
    uint64_t memory_maximum; /* the bytes to which it can grow: a multiple of 16; 0: the program's maximum */
    uint64_t fuel;           /* about the number of instructions, 0 to INT64_MAX; VSP_NO_LIMIT: not metered */
    uint32_t stack_cells;    /* cells of 8 bytes, 64 to 2^28; 0: 65,536 */
    uint32_t reserved;       /* 0 */
} vsp_options;

#define VSP_OPTIONS_DEFAULT {0, 0, VSP_NO_LIMIT, 0, 0}

/* Creates an instance. `hosts` are `count` host functions; `user` is the pointer that they get with vsp_caller_user;
 * `options` can be null for the default ones. VSP_E_IMPORT, VSP_E_IMPORT_TYPE, VSP_E_OPTION, VSP_E_OUT_OF_MEMORY.
 * [allocates] */
vsp_status vsp_instance_new(vsp_program *program, const vsp_host *hosts, size_t count, void *user,
                            const vsp_options *options, vsp_message *message, vsp_instance **instance);

/* Frees an instance. VSP_E_BUSY if it runs. Null is allowed. [allocates] */
vsp_status vsp_instance_free(vsp_instance *instance);

/* Stores the user pointer. */
vsp_status vsp_user(vsp_instance *instance, void **user);

/* Changes the user pointer. */
vsp_status vsp_set_user(vsp_instance *instance, void *user);

/* ---- Calls --------------------------------------------------------------------------------------------------- */

/* The kinds of traps. */
enum {
    VSP_TRAP_EXPLICIT = 1,           /* a TRAP instruction; `code` is its number */
    VSP_TRAP_MEMORY = 2,             /* a memory access out of bounds */
    VSP_TRAP_DIVISION = 3,           /* a division by zero */
    VSP_TRAP_STACK = 4,              /* the stack is full */
    VSP_TRAP_INDIRECT_CALL = 5,      /* an indirect call of no function, or of one with another type */
    VSP_TRAP_HOST = 6,               /* a host function failed; `code` is its code */
    VSP_TRAP_GLOBAL = 7              /* a global that does not exist */
};

/* Returns the name of a kind of trap, "DivideByZero" for example, or "unknown trap". The text is constant. */
const char *vsp_trap_name(uint32_t trap);

/* How a call ended. Fields that are not named for a status are 0. */
typedef struct vsp_outcome {
    vsp_status status;
    uint32_t count;                   /* the number of values */
    uint64_t values[VSP_MAX_RESULTS]; /* VSP_OK: the results; VSP_HALTED, VSP_YIELDED, VSP_PENDING: one value */
    uint32_t function;                /* suspended, or trapped: the number of the function, */
    uint32_t word;                    /* and of the word in it */
    uint32_t trap;                    /* VSP_TRAPPED: the kind of trap, */
    uint32_t code;                    /* and its code */
} vsp_outcome;

/* Calls an exported function with `count` arguments. Runs until it returns, halts, traps or is suspended;
 * `outcome`, which can be null, gets the details, also those of a refusal: a status. It can be part of what `args`
 * points to. VSP_E_NOT_FOUND, VSP_E_COUNT, VSP_E_STATE if the instance is suspended. */
vsp_status vsp_call(vsp_instance *instance, const char *name, const uint64_t *args, size_t count, vsp_outcome *outcome);

/* Calls the function with this number, exported or not. As vsp_call, and faster. */
vsp_status vsp_call_function(vsp_instance *instance, uint32_t function, const uint64_t *args, size_t count,
                             vsp_outcome *outcome);

/* Goes on with a suspended call: with no values after VSP_OUT_OF_FUEL and VSP_INTERRUPTED, one after VSP_YIELDED, the
 * results of the host function after VSP_PENDING. VSP_E_COUNT, VSP_E_STATE if the instance is not suspended. */
vsp_status vsp_resume(vsp_instance *instance, const uint64_t *values, size_t count, vsp_outcome *outcome);

/* Ends a pending host call with an error: the program traps with VSP_TRAP_HOST and this code, and this returns
 * VSP_TRAPPED. VSP_E_STATE if no call is pending. */
vsp_status vsp_fail(vsp_instance *instance, uint32_t code, vsp_outcome *outcome);

/* Abandons a suspended call. Memory and globals stay as they are. */
vsp_status vsp_reset(vsp_instance *instance);

/* Asks the program to stop at its next safepoint, with VSP_INTERRUPTED, until vsp_clear_interrupt is called. Can
 * be called by any thread, signal handler or interrupt handler, while the instance exists. */
vsp_status vsp_interrupt(vsp_instance *instance);

/* Takes vsp_interrupt back. */
vsp_status vsp_clear_interrupt(vsp_instance *instance);

/* Stores why the instance is suspended, and returns the status: VSP_OK if it is not. For restored instances, too. */
vsp_status vsp_instance_status(vsp_instance *instance, vsp_outcome *outcome);

/* A host call whose results are not there yet. */
typedef struct vsp_pending {
    uint32_t import; /* its number: vsp_import_at */
    uint32_t count;  /* the number of arguments */
    uint64_t args[VSP_MAX_ARGS];
} vsp_pending;

/* Stores the pending host call. VSP_E_STATE if there is none. */
vsp_status vsp_pending_call(vsp_instance *instance, vsp_pending *pending);

/* Stores the location of a frame of an instance that is suspended or has trapped, from 0 for the innermost.
 * VSP_E_NOT_FOUND after the last one. */
vsp_status vsp_frame(vsp_instance *instance, uint32_t depth, uint32_t *function, uint32_t *word);

/* Describes the trap that ended the last call, or where the instance is suspended, in a line for each frame, with
 * names and source lines. VSP_E_STATE if neither; VSP_E_UNSUPPORTED without the feature `messages`. [allocates] */
vsp_status vsp_report(vsp_instance *instance, vsp_message *message);

/* ---- Fuel ---------------------------------------------------------------------------------------------------- */

/* Stores the balance of fuel, which can be slightly negative. VSP_E_STATE if the instance is not metered. */
vsp_status vsp_fuel(vsp_instance *instance, int64_t *fuel);

/* Sets the balance of fuel; numbers above INT64_MAX count as INT64_MAX. VSP_E_STATE. */
vsp_status vsp_set_fuel(vsp_instance *instance, uint64_t fuel);

/* Adds to the balance of fuel, up to INT64_MAX. VSP_E_STATE. */
vsp_status vsp_add_fuel(vsp_instance *instance, uint64_t fuel);

/* ---- Memory and globals -------------------------------------------------------------------------------------- */

/* Stores the size of the memory in bytes. A program can make its memory grow. */
vsp_status vsp_memory_size(vsp_instance *instance, size_t *size);

/* Stores a pointer to `length` bytes of the memory from `address`, valid until the next function that gets this
 * instance. VSP_E_BOUNDS. */
vsp_status vsp_memory(vsp_instance *instance, uint64_t address, size_t length, uint8_t **bytes);

/* Copies `length` bytes out of the memory. VSP_E_BOUNDS. */
vsp_status vsp_read(vsp_instance *instance, uint64_t address, uint8_t *to, size_t length);

/* Copies `length` bytes into the memory. VSP_E_BOUNDS. */
vsp_status vsp_write(vsp_instance *instance, uint64_t address, const uint8_t *from, size_t length);

/* Stores the value of a global. VSP_E_NOT_FOUND. */
vsp_status vsp_global(vsp_instance *instance, uint32_t global, uint64_t *value);

/* Changes the value of a global. VSP_E_NOT_FOUND. */
vsp_status vsp_set_global(vsp_instance *instance, uint32_t global, uint64_t value);

/* ---- Saved states -------------------------------------------------------------------------------------------- */

/* A saved state has memory, globals, frames, fuel, and what the instance waits for: of an idle instance, too. It
 * has neither the program nor what the host has. It can be restored in every engine and on every architecture.
 * After a trap the frames are not saved. */

/* Stores the number of bytes that vsp_save needs now. It takes as long, and as much memory. [allocates] */
vsp_status vsp_save_size(vsp_instance *instance, size_t *size);

/* Saves the state to `room` bytes at `to`, and stores the number of bytes in `length`. If there is not enough room
 * it stores the number that is needed, and returns VSP_E_ROOM. VSP_E_OUT_OF_MEMORY. [allocates: as many bytes as
 * the state has] */
vsp_status vsp_save(vsp_instance *instance, uint8_t *to, size_t room, size_t *length);

/* Takes bytes of a state, in order. Returns 0, or another number to stop. It must not use the instance. */
typedef int32_t (*vsp_writer)(void *user, const void *bytes, size_t length);

/* Saves the state in pieces of at most 4,096 bytes, which the writer gets with `user`. VSP_E_WRITER if it stops.
 * VSP_E_OUT_OF_MEMORY. [allocates: as many bytes as the state has] */
vsp_status vsp_save_to(vsp_instance *instance, vsp_writer write, void *user);

/* Creates an instance from a saved state of the same program, byte for byte. Sizes in the options have to be 0 or
 * those of the state. With VSP_NO_LIMIT the fuel is that of the state, else it is replaced. vsp_instance_status
 * says what to do next. VSP_E_SNAPSHOT, and as vsp_instance_new. [allocates] */
vsp_status vsp_restore(vsp_program *program, const uint8_t *saved, size_t length, const vsp_host *hosts, size_t count,
                       void *user, const vsp_options *options, vsp_message *message, vsp_instance **instance);

#ifdef __cplusplus
}
#endif

#endif

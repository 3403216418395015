// A console for a small device, without a library: it reads commands, one per line, sets pins, and answers.
//
//     clang-19 --target=wasm32 -Oz -std=c17 -nostdlib -Wl,--no-entry,--stack-first,-z,stack-size=512 \
//         -Wl,--export=__heap_base,--strip-all -o console.wasm console.c
//     vsp build console.wasm --heap 0
//
// The command `vsp` provides the functions of `sys` with its standard input and output, a board with a serial line.

typedef unsigned int u32;

__attribute__((import_module("sys"), import_name("read"))) u32 sys_read(char *to, u32 length);
__attribute__((import_module("sys"), import_name("write"))) u32 sys_write(const char *from, u32 length);
__attribute__((import_module("board"), import_name("set_pin"))) void set_pin(u32 pin, u32 level);

enum { PINS = 16, LINE = 80 };

static char input[LINE];         // received, and not yet consumed
static u32 taken, received;
static unsigned char levels[PINS];

static const char HELP[] = "set PIN LEVEL\nget PIN\nall\n";

static u32 length_of(const char *text) {
    u32 length = 0;
    while (text[length]) length++;
    return length;
}

static void print(const char *text) { sys_write(text, length_of(text)); }

static void print_number(u32 number) {
    char digits[10];
    u32 at = sizeof digits;
    do digits[--at] = '0' + number % 10;
    while (number /= 10);
    sys_write(digits + at, sizeof digits - at);
}

// Returns the next byte, or -1 at the end of the input.
static int next_byte(void) {
    if (taken == received) {
        received = sys_read(input, sizeof input);
        taken = 0;
        if (received == 0) return -1;
    }
    return (unsigned char)input[taken++];
}

// Reads a line of at most LINE - 1 bytes; the rest of a longer one is dropped. Returns 0 at the end of the input.
static int read_line(char *line) {
    u32 length = 0;
    int byte = next_byte();
    if (byte < 0) return 0;
    for (; byte >= 0 && byte != '\n'; byte = next_byte())
        if (length < LINE - 1 && byte != '\r') line[length++] = byte;
    line[length] = 0;
    return 1;
}

// If the text starts with this word, returns what follows it and the spaces; otherwise 0.
static const char *after(const char *text, const char *word) {
    while (*word)
        if (*text++ != *word++) return 0;
    if (*text && *text != ' ') return 0;
    while (*text == ' ') text++;
    return text;
}

// Reads a number below the limit, and the spaces after it. Returns 0 if there is none.
static const char *read_number(const char *text, u32 limit, u32 *number) {
    const char *start = text;
    for (*number = 0; *text >= '0' && *text <= '9'; text++) {
        *number = *number * 10 + (*text - '0');
        if (*number >= limit) return 0;
    }
    if (text == start) return 0;
    while (*text == ' ') text++;
    return text;
}

static void print_pin(u32 pin) {
    print_number(pin);
    print(levels[pin] ? " on\n" : " off\n");
}

// Executes a command. Returns whether it was one.
static int execute(const char *line) {
    const char *rest;
    u32 pin, level;
    if ((rest = after(line, "set")) && (rest = read_number(rest, PINS, &pin))) {
        if (!(rest = read_number(rest, 2, &level)) || *rest) return 0;
        levels[pin] = level;
        set_pin(pin, level);
    } else if ((rest = after(line, "get")) && (rest = read_number(rest, PINS, &pin))) {
        if (*rest) return 0;
        print_pin(pin);
    } else if ((rest = after(line, "all")) && !*rest) {
        for (pin = 0; pin < PINS; pin++)
            if (levels[pin]) print_pin(pin);
    } else if ((rest = after(line, "help")) && !*rest) {
        print(HELP);
    } else {
        return 0;
    }
    return 1;
}

// Executes all commands. Returns how many there were.
__attribute__((export_name("run"))) u32 run(void) {
    char line[LINE];
    u32 commands = 0;
    while (read_line(line)) {
        if (!*line) continue;
        if (execute(line)) commands++;
        else print("?\n");
    }
    return commands;
}

/* Compresses the standard input with a Huffman code into a file, reads that again, and prints what it saw:
   the C library with files, sorting, function pointers, allocation and formatted numbers. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct node {
    uint64_t weight;
    int order;
    struct node *zero, *one;
};

struct code {
    int byte, length;
    uint64_t bits;
};

struct buffer {
    unsigned char *bytes;
    size_t length, capacity;
};

static void fail(const char *format, ...) {
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    exit(1);
}

static void push(struct buffer *buffer, int byte) {
    if (buffer->length == buffer->capacity) {
        buffer->capacity = buffer->capacity ? buffer->capacity * 2 : 16;
        buffer->bytes = realloc(buffer->bytes, buffer->capacity);
        if (!buffer->bytes) fail("no memory for %zu bytes\n", buffer->capacity);
    }
    buffer->bytes[buffer->length++] = (unsigned char)byte;
}

static struct buffer read_all(FILE *file) {
    struct buffer buffer = {0};
    for (int c; (c = getc(file)) != EOF;) push(&buffer, c);
    return buffer;
}

static int heavier_first(const void *a, const void *b) {
    const struct node *x = *(struct node *const *)a, *y = *(struct node *const *)b;
    if (x->weight != y->weight) return x->weight < y->weight ? 1 : -1;
    return y->order - x->order;
}

static int shorter_first(const void *a, const void *b) {
    const struct code *x = a, *y = b;
    return x->length != y->length ? x->length - y->length : x->byte - y->byte;
}

static void assign(const struct node *node, struct code *codes, uint64_t bits, int length) {
    if (!node->zero) {
        codes[node->order] = (struct code){node->order, length, bits};
        return;
    }
    assign(node->zero, codes, bits << 1, length + 1);
    assign(node->one, codes, bits << 1 | 1, length + 1);
}

static uint32_t crc32(const struct buffer *buffer) {
    uint32_t crc = ~UINT32_C(0);
    for (size_t i = 0; i < buffer->length; i++) {
        crc ^= buffer->bytes[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xEDB88320) : 0);
    }
    return ~crc;
}

int main(int argc, char **argv) {
    const char *path = argc > 1 ? argv[1] : "code.bin";
    struct buffer text = read_all(stdin), packed = {0}, unpacked = {0};
    printf("%zu bytes, CRC-32 %08" PRIx32 "\n", text.length, crc32(&text));

    static struct node nodes[512];
    static struct code codes[256];
    struct node *heap[256];
    int count = 0, used = 256, different;
    for (int i = 0; i < 256; i++) nodes[i].order = i;
    for (size_t i = 0; i < text.length; i++) nodes[text.bytes[i]].weight++;
    for (int i = 0; i < 256; i++)
        if (nodes[i].weight) heap[count++] = &nodes[i];
    different = count;
    if (count < 2) fail("two different bytes are needed\n");
    while (count > 1) {
        qsort(heap, (size_t)count, sizeof *heap, heavier_first);
        struct node *zero = heap[--count], *one = heap[--count];
        nodes[used] = (struct node){zero->weight + one->weight, used, zero, one};
        heap[count++] = &nodes[used++];
    }
    assign(heap[0], codes, 0, 0);

    unsigned bit = 0, byte = 0;
    double entropy = 0;
    for (size_t i = 0; i < text.length; i++) {
        const struct code *code = &codes[text.bytes[i]];
        for (int left = code->length; left--;) {
            byte = byte << 1 | (code->bits >> left & 1);
            if (++bit % 8 == 0) push(&packed, (int)byte & 255);
        }
        entropy -= log2((double)nodes[text.bytes[i]].weight / (double)text.length);
    }
    for (unsigned left = bit; left % 8; left++) byte <<= 1;
    if (bit % 8) push(&packed, (int)byte & 255);
    printf("%u bits in %zu bytes, entropy %.4f bits: %.3f%%\n", bit, packed.length, entropy, 100.0 * bit / entropy);

    FILE *file = fopen(path, "wb");
    if (!file) fail("%s: %s\n", path, strerror(errno));
    if (fwrite(packed.bytes, 1, packed.length, file) != packed.length || fclose(file)) fail("%s: not written\n", path);
    file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END)) fail("%s: %s\n", path, strerror(errno));
    printf("the file has %ld bytes\n", ftell(file));
    rewind(file);
    packed = read_all(file);
    fclose(file);
    if (remove(path) || fopen(path, "rb")) fail("%s is still there\n", path);
    printf("removed: %s\n", errno == ENOENT ? "yes" : strerror(errno));

    const struct node *node = heap[0];
    for (unsigned i = 0; i < bit; i++) {
        node = packed.bytes[i / 8] >> (7 - i % 8) & 1 ? node->one : node->zero;
        if (!node->zero) push(&unpacked, node->order), node = heap[0];
    }
    printf("CRC-32 again %08" PRIx32 "\n", crc32(&unpacked));

    qsort(codes, 256, sizeof *codes, shorter_first);
    for (int i = 256 - different; i < 256 && i < 256 - different + 4; i++) {
        printf("%3d ", codes[i].byte);
        for (int left = codes[i].length; left--;) putchar('0' + (int)(codes[i].bits >> left & 1));
        putchar('\n');
    }
    struct tm date;
    time_t moment = INT64_C(4102444799);
    char line[64];
    strftime(line, sizeof line, "%Y-%m-%d %H:%M:%S, day %j", gmtime_r(&moment, &date));
    long double third = 1.0L / 3;
    printf("%s\n%a %e %.10g %.20Lf %lld\n", line, 0.1, 1e-310, strtod("2.5e-3", NULL), third, llround(-2.5));
    return 0;
}

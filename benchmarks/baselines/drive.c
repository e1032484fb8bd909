/* The loop around the network functions: receive a burst from templates, call each NF once, transmit. */
#include "frame.h"

struct nf {
    process_t process;
    void *state;
};

/* A template's place. */
struct entry {
    uint32_t line; /* where it begins, in lines of 64 bytes */
    uint32_t length;
};

/* All words have 64 bits: benchmarks/harness/baseline.py has the same list. */
struct worker {
    struct descriptor *burst;
    uint8_t *pool; /* frame 0 */
    uint64_t stride;
    uint64_t burst_size;
    const uint32_t *all; /* positions 0, 1, 2, ... */
    struct list *list;
    const struct nf *nfs;
    uint64_t nf_count;
    const uint8_t *first; /* template */
    const uint8_t *end;
    const uint8_t *at;
    uint64_t length; /* of every template, at most 64 bytes; 0 where they differ or are longer */
    const struct entry *index;
    const struct entry *index_end;
    const struct entry *index_at;
    int64_t time;
    int64_t gap;
};

/* Half a line at once: one load and one store where the processor has vectors of 32 bytes. */
typedef uint64_t half __attribute__((vector_size(32), aligned(1), may_alias));

static inline void copy_line(uint8_t *restrict to, const uint8_t *restrict from)
{
    half low = ((const half *)from)[0], high = ((const half *)from)[1];
    ((half *)to)[0] = low;
    ((half *)to)[1] = high;
}

/* A function of its own, at a line's beginning: so that its speed doesn't depend on the code before it. */
#define OWN static __attribute__((noinline, aligned(64)))

/* Write `count` packets of up to a line into frames: short_packets of src/wirebrick/ports/memory/native.py. */
OWN void receive_short(struct worker *w, uint32_t count)
{
    struct descriptor *restrict d = w->burst;
    uint8_t *restrict data = w->pool + HEADROOM;
    const uint8_t *restrict at = w->at;
    const uint8_t *first = w->first, *end = w->end;
    const uint64_t stride = w->stride;
    const uint32_t length = (uint32_t)w->length;
    int64_t time = w->time;
    const int64_t gap = w->gap;
    for (uint32_t i = 0; i < count; i++) {
        copy_line(data, at);
        d[i] = (struct descriptor){data, length, length, time, 0, NO_PORT, i};
        data += stride;
        time += gap;
        at += 64;
        if (at == end)
            at = first;
    }
    w->at = at;
    w->time = time;
}

/* Write `count` packets of any lengths into frames: mixed_packets. */
OWN void receive_mixed(struct worker *w, uint32_t count)
{
    struct descriptor *restrict d = w->burst;
    uint8_t *restrict data = w->pool + HEADROOM;
    const uint8_t *restrict first = w->first;
    const struct entry *restrict entry = w->index_at;
    const struct entry *index = w->index, *end = w->index_end;
    const uint64_t stride = w->stride;
    int64_t time = w->time;
    const int64_t gap = w->gap;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *at = first + 64 * (uint64_t)entry->line;
        const uint32_t length = entry->length;
        for (uint64_t line = 0; line < length; line += 64)
            copy_line(data + line, at + line);
        d[i] = (struct descriptor){data, length, length, time, 0, NO_PORT, i};
        data += stride;
        time += gap;
        if (++entry == end)
            entry = index;
    }
    w->index_at = entry;
    w->time = time;
}

static inline void receive(struct worker *w, uint32_t count)
{
    if (w->length != 0)
        receive_short(w, count);
    else
        receive_mixed(w, count);
}

/* Call each NF with what the one before it left. */
static inline uint64_t chain(struct worker *w, uint32_t count)
{
    const uint32_t *in = w->all;
    uint32_t *out = w->list->position;
    for (uint64_t i = 0; i < w->nf_count; i++) {
        count = w->nfs[i].process(w->nfs[i].state, w->burst, in, count, out);
        in = out;
    }
    w->list->count = count;
    return count;
}

/* Receive one burst; how many. */
uint64_t receive_burst(struct worker *w)
{
    receive(w, (uint32_t)w->burst_size);
    return w->burst_size;
}

/* Process one burst that is there already; the list has what leaves, and stays. */
uint64_t process_burst(struct worker *w, uint64_t count)
{
    return chain(w, (uint32_t)count);
}

/* Run `packets` packets through the NFs, in bursts; how many leave. */
uint64_t drive(struct worker *w, uint64_t packets)
{
    uint64_t sent = 0;
    while (packets > 0) {
        uint64_t count = packets < w->burst_size ? packets : w->burst_size;
        receive(w, (uint32_t)count);
        sent += chain(w, (uint32_t)count);
        w->list->count = 0; /* null: takes them all */
        packets -= count;
    }
    return sent;
}

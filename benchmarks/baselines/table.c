/*
 * table: count packets and bytes of each flow, IPv4 and IPv6, untagged or behind one or two VLAN tags, as the NF
 * count_flows of benchmarks/harness/chains.py does. Open addressing with linear probing, one cache line a slot, at
 * most half of the slots taken. The flows of a burst are found in two passes: hash all and prefetch, then look up.
 */
#include "flows.h"

#define BURST 64

struct slot {
    struct key key; /* rest 0: no key */
    uint64_t packets, bytes;
    int64_t last_seen;
};
_Static_assert(sizeof(struct slot) == 64, "a cache line");

/* All words have 64 bits: benchmarks/experiments/table.py fills them in. */
struct table {
    struct slot *slots;
    uint64_t mask; /* number of slots - 1 */
    uint64_t capacity;
    uint64_t flows;   /* there are */
    uint64_t refused; /* packets of flows that found the table full */
};

/* The slot of a flow, entered on first sight; NULL where there is no room. */
static inline struct slot *find(struct table *t, const struct key *key, uint64_t at)
{
    for (;; at = (at + 1) & t->mask) {
        struct slot *slot = &t->slots[at];
        if (likely(same(&slot->key, key)))
            return slot;
        if (slot->key.rest == 0) {
            if (t->flows == t->capacity)
                return NULL;
            t->flows++;
            slot->key = *key;
            return slot;
        }
    }
}

static inline void count_burst(struct table *t, const struct descriptor *burst, const uint32_t *in, uint32_t count)
{
    struct key keys[BURST];
    uint64_t places[BURST];
    uint32_t from[BURST];
    const uint8_t *segment;
    uint32_t flows = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct descriptor *d = &burst[in[i]];
        if (unlikely(!flow(&keys[flows], d->data, d->length, d->wire, &segment)))
            continue;
        places[flows] = hash(&keys[flows]) & t->mask;
        __builtin_prefetch(&t->slots[places[flows]], 1);
        from[flows++] = in[i];
    }
    for (uint32_t i = 0; i < flows; i++) {
        const struct descriptor *d = &burst[from[i]];
        struct slot *slot = find(t, &keys[i], places[i]);
        if (unlikely(slot == NULL)) {
            t->refused++;
            continue;
        }
        slot->packets++;
        slot->bytes += d->wire;
        slot->last_seen = d->time;
    }
}

uint32_t table(void *state, const struct descriptor *burst, const uint32_t *in, uint32_t count, uint32_t *out)
{
    for (uint32_t first = 0; first < count; first += BURST)
        count_burst(state, burst, in + first, count - first < BURST ? count - first : BURST);
    if (out != in)
        memcpy(out, in, count * sizeof *in);
    return count;
}

/*
 * monitor: what the NF monitor does with its defaults. Packets and bytes of each flow, as in table.c; TCP connections
 * by their state, with the times of their handshakes and a histogram of round trips. Both tables: open addressing with
 * linear probing, at most half of the slots taken. Packets of known flows without SYN, FIN or RST look at the second
 * one only while a handshake goes on between the same ports.
 */
#include "flows.h"

#define BURST 64
#define PORTS 4096
#define STEPS 16
#define BUCKETS (STEPS * 60)

enum { NONE, SYN_SENT, SYN_RECEIVED, ESTABLISHED, CLOSING, CLOSED, RESET, REFUSED, MIDDLE };
enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

struct slot {
    struct key key; /* rest 0: no key */
    uint64_t packets, bytes;
    int64_t last_seen;
};
_Static_assert(sizeof(struct slot) == 64, "a cache line");

struct connection {
    struct key key;
    int64_t opened, answered, established;
    int64_t last_seen;
    uint8_t state, turned, fins, repeated;
    uint8_t padding[52];
};
_Static_assert(sizeof(struct connection) == 128, "two cache lines");

/* All words have 64 bits: benchmarks/experiments/monitor.py fills them in. */
struct monitor {
    struct slot *slots;
    uint64_t mask; /* number of slots - 1 */
    uint64_t capacity;
    uint64_t flows;   /* there are */
    uint64_t refused; /* packets of flows that found the table full */
    struct connection *connections;
    uint64_t connection_mask;
    uint64_t connection_capacity;
    uint64_t connection_count;
    uint8_t *shaking; /* by the ports: a handshake goes on */
    uint64_t *trips;  /* three histograms */
};

static inline struct slot *find(struct monitor *m, const struct key *key, uint64_t at)
{
    for (;; at = (at + 1) & m->mask) {
        struct slot *slot = &m->slots[at];
        if (likely(same(&slot->key, key)))
            return slot;
        if (slot->key.rest == 0) {
            if (m->flows == m->capacity)
                return NULL;
            m->flows++;
            slot->key = *key;
            return slot;
        }
    }
}

static struct connection *find_connection(struct monitor *m, const struct key *key)
{
    for (uint64_t at = hash(key) & m->connection_mask;; at = (at + 1) & m->connection_mask) {
        struct connection *found = &m->connections[at];
        if (same(&found->key, key))
            return found;
        if (found->key.rest == 0) {
            if (m->connection_count == m->connection_capacity)
                return NULL;
            m->connection_count++;
            found->key = *key;
            return found;
        }
    }
}

static void note_trip(uint64_t *histogram, int64_t nanoseconds)
{
    uint64_t value = nanoseconds > 0 ? (uint64_t)nanoseconds / 1000 : 0;
    uint64_t number = value;
    if (value >= 2 * STEPS) {
        uint32_t doublings = 59 - (uint32_t)__builtin_clzll(value);
        number = doublings * STEPS + (value >> doublings);
    }
    histogram[number < BUCKETS ? number : BUCKETS - 1]++;
}

static __attribute__((noinline)) void follow(struct monitor *m, const struct key *flow, uint8_t flags, int64_t now)
{
    uint16_t src_port = flow->rest & 0xffff, dst_port = flow->rest >> 16 & 0xffff;
    __uint128_t src = (__uint128_t)flow->src[0] << 64 | flow->src[1];
    __uint128_t dst = (__uint128_t)flow->dst[0] << 64 | flow->dst[1];
    int turned = src > dst || (src == dst && src_port > dst_port);
    struct key key = *flow;
    if (turned) {
        memcpy(key.src, flow->dst, sizeof key.src);
        memcpy(key.dst, flow->src, sizeof key.dst);
        key.rest = (flow->rest & ~0xffffffffull) | dst_port | (uint32_t)src_port << 16;
    }
    struct connection *c = find_connection(m, &key);
    if (c == NULL)
        return;
    c->last_seen = now;
    uint8_t *shaking = &m->shaking[(src_port ^ dst_port) & (PORTS - 1)];
    int state = c->state, by_client = c->turned == turned;
    if (flags & RST) {
        if (state == SYN_SENT || state == SYN_RECEIVED)
            c->state = by_client ? RESET : REFUSED;
        else if (state != CLOSED && state != REFUSED)
            c->state = RESET;
        *shaking = 0;
    } else if ((flags & (SYN | ACK)) == (SYN | ACK)) {
        if (state == SYN_SENT && !by_client) {
            c->state = SYN_RECEIVED;
            c->answered = now;
            *shaking = 1;
        } else if (state == SYN_RECEIVED) {
            c->repeated = 1;
        } else if (state == NONE) {
            c->state = MIDDLE;
            c->turned = !turned;
        }
    } else if (flags & SYN) {
        if (state == SYN_SENT && by_client) {
            c->repeated = 1;
        } else if (state != SYN_RECEIVED && state != ESTABLISHED && state != CLOSING) {
            c->state = SYN_SENT;
            c->turned = (uint8_t)turned;
            c->opened = now;
            c->answered = c->established = 0;
            c->fins = c->repeated = 0;
        }
    } else {
        if (state == SYN_RECEIVED && by_client) {
            c->state = ESTABLISHED;
            c->established = now;
            if (!c->repeated) {
                note_trip(m->trips, c->answered - c->opened);
                note_trip(m->trips + BUCKETS, now - c->answered);
                note_trip(m->trips + 2 * BUCKETS, now - c->opened);
            }
        } else if (state == NONE) {
            c->state = MIDDLE;
            c->turned = (uint8_t)turned;
            by_client = 1;
        }
        if (state != SYN_RECEIVED || by_client)
            *shaking = 0;
        if (flags & FIN && state != RESET && state != REFUSED) {
            c->fins |= by_client ? 1 : 2;
            c->state = c->fins == 3 ? CLOSED : CLOSING;
        }
    }
}

static inline void monitor_burst(struct monitor *m, const struct descriptor *burst, const uint32_t *in,
                                 uint32_t count)
{
    struct key keys[BURST];
    uint64_t places[BURST];
    const uint8_t *segments[BURST];
    uint32_t from[BURST];
    uint32_t flows = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct descriptor *d = &burst[in[i]];
        if (unlikely(!flow(&keys[flows], d->data, d->length, d->wire, &segments[flows])))
            continue;
        places[flows] = hash(&keys[flows]) & m->mask;
        __builtin_prefetch(&m->slots[places[flows]], 1);
        from[flows++] = in[i];
    }
    for (uint32_t i = 0; i < flows; i++) {
        const struct descriptor *d = &burst[from[i]];
        struct slot *slot = find(m, &keys[i], places[i]);
        if (unlikely(slot == NULL)) {
            m->refused++;
            continue;
        }
        slot->packets++;
        slot->bytes += d->wire;
        slot->last_seen = d->time;
        if (segments[i] != NULL) {
            uint8_t flags = segments[i][13];
            uint64_t ports = keys[i].rest;
            if (flags & (SYN | FIN | RST) || slot->packets == 1 || m->shaking[(ports ^ ports >> 16) & (PORTS - 1)])
                follow(m, &keys[i], flags, d->time);
        }
    }
}

uint32_t monitor(void *state, const struct descriptor *burst, const uint32_t *in, uint32_t count, uint32_t *out)
{
    for (uint32_t first = 0; first < count; first += BURST)
        monitor_burst(state, burst, in + first, count - first < BURST ? count - first : BURST);
    if (out != in)
        memcpy(out, in, count * sizeof *in);
    return count;
}

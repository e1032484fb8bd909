/*
 * conntrack: packets of known connections pass, both ways; what begins one is judged by the rules (here: one that allows
 * all) and entered. What src/wirebrick/state/connections*.py does with UDP, SCTP, other protocols and, taken up loosely,
 * TCP over IPv4: keys with their ends in order, timeouts by state, a ring of half-open connections, sequence numbers
 * and windows kept up to date. IPv6, ICMP and TCP handshakes are not here: frames of those are passed unseen, and
 * counted. Open addressing with linear probing, one cache line a slot, at most half of the slots taken; the connections
 * of a burst are found in two passes: hash all and prefetch, then look up.
 */
#include "ip.h"

#ifdef __SSE4_2__
#include <nmmintrin.h>
#endif

#define BURST 64
#define TIME_SHIFT 24

struct side {
    uint32_t end, acked, edge;
};

struct slot {
    uint64_t addresses, rest; /* lower end first; rest 0: no connection */
    uint32_t until;           /* when it expires, in steps of 2**24 ns */
    uint8_t state, began_lower, half_open, fins;
    uint32_t serial;
    uint32_t entry; /* its place in the ring */
    struct side sides[2]; /* who began, who answers */
    uint16_t windows[2];
    uint32_t last;
};
_Static_assert(sizeof(struct slot) == 64, "a cache line");

struct entry {
    uint32_t slot, serial;
};

/* All words have 64 bits: benchmarks/experiments/conntrack.py fills them in. */
struct conntrack {
    struct slot *slots;
    uint64_t mask; /* number of slots - 1 */
    uint64_t capacity;
    struct entry *ring;
    uint64_t room, oldest, used;
    uint64_t serial;
    uint64_t connections; /* there are */
    uint64_t refused;
    uint64_t dropped;
    uint64_t unseen;
    uint64_t rule_hits;
};

enum { ONE_WAY = 1, TWO_WAY, QUERY, OTHER_ONE_WAY, OTHER, SYN, SYN_ACK, ESTABLISHED, CLOSING, TIME_WAIT, RESET };

/* Seconds; as TIMEOUTS in connections.py. */
static const uint32_t seconds[] = {0, 120, 300, 60, 600, 600, 240, 240, 7440, 240, 240, 10};

struct seen {
    uint64_t addresses, rest;
    const uint8_t *upper;
    uint64_t place;
    uint32_t from_upper, data;
    uint8_t protocol;
};

static inline uint32_t hash(uint64_t addresses, uint64_t rest)
{
#ifdef __SSE4_2__
    return (uint32_t)_mm_crc32_u64(_mm_crc32_u64(0x9e3779b9, addresses), rest);
#else
    uint64_t sum = (addresses ^ rest << 7) * 0x9e3779b97f4a7c15u;
    sum = (sum ^ sum >> 32 ^ rest) * 0xbb67ae8584caa73bu;
    return (uint32_t)(sum >> 32);
#endif
}

/* TCP flags that make sense together: SYN, SYN+ACK, RST, RST+ACK, ACK, FIN+ACK, some with URG. */
static inline int sensible(uint8_t flags)
{
    const uint64_t ok = 1ull << 2 | 1ull << 34 | 1ull << 18 | 1ull << 4 | 1ull << 20 | 1ull << 16 | 1ull << 48 |
                        1ull << 17 | 1ull << 49;
    return ok >> (flags & 0x37) & 1;
}

enum { DROP = -1, UNSEEN = 0, FOUND = 1 };

/* What identifies a packet's connection. */
static inline int look(struct seen *s, const struct descriptor *d)
{
    const uint8_t *data = d->data;
    if (unlikely(d->length < ETHERNET))
        return UNSEEN;
    uint32_t at = ETHERNET;
    uint16_t ethertype = big16(load16(data + 12));
    for (int tags = 0; tags < 2 && (ethertype == 0x8100 || ethertype == 0x88a8 || ethertype == 0x9100); tags++) {
        if (d->length < at + 4)
            return DROP;
        ethertype = big16(load16(data + at + 2));
        at += 4;
    }
    if (unlikely(ethertype != ETHERTYPE_IPV4))
        return UNSEEN;
    const uint8_t *ip = data + at;
    uint32_t left = d->length - at;
    uint32_t size = ipv4(ip, left, d->wire - at);
    if (unlikely(size == 0))
        return DROP;
    uint16_t fragment = big16(load16(ip + 6));
    if (unlikely(fragment & 0x3fff))
        return UNSEEN;
    uint32_t total = big16(load16(ip + 2));
    uint32_t length = (total < left ? total : left) - size, claimed = total - size;
    const uint8_t *upper = ip + size;
    uint32_t src_port = 0, dst_port = 0;
    s->protocol = ip[9];
    s->data = 0;
    if (s->protocol == 17) {
        if (unlikely(length < 8 || big16(load16(upper + 4)) < 8 || big16(load16(upper + 4)) > claimed))
            return DROP;
    } else if (s->protocol == 6) {
        if (unlikely(length < 20))
            return DROP;
        uint32_t header = (upper[12] >> 4) * 4u;
        if (unlikely(header < 20 || header > length || !sensible(upper[13])))
            return DROP;
        if (unlikely(upper[13] & 2))
            return UNSEEN;
        s->data = claimed - header;
    } else if (s->protocol == 1) {
        return UNSEEN;
    } else if (s->protocol == 132 && unlikely(length < 12)) {
        return DROP;
    }
    if (s->protocol == 17 || s->protocol == 6 || s->protocol == 132) {
        src_port = big16(load16(upper));
        dst_port = big16(load16(upper + 2));
    }
    uint64_t one = (uint64_t)big32(load32(ip + 12)) << 16 | src_port;
    uint64_t two = (uint64_t)big32(load32(ip + 16)) << 16 | dst_port;
    uint64_t upper_first = -(uint64_t)(one > two), change = (one ^ two) & upper_first;
    uint64_t low = one ^ change, high = two ^ change;
    s->from_upper = upper_first & 1;
    s->addresses = low >> 16 | high >> 16 << 32;
    s->rest = (low & 0xffff) | (high & 0xffff) << 16 | (uint64_t)s->protocol << 32 | 4ull << 40;
    s->upper = upper;
    return FOUND;
}

/* Take a connection out, moving those behind it that would not be found any more. */
static void take_out(struct conntrack *t, uint64_t hole)
{
    t->connections--;
    for (uint64_t at = hole;;) {
        at = (at + 1) & t->mask;
        if (t->slots[at].rest == 0)
            break;
        uint64_t home = hash(t->slots[at].addresses, t->slots[at].rest) & t->mask;
        if (((at - home) & t->mask) >= ((at - hole) & t->mask)) {
            struct slot *moved = &t->slots[hole];
            *moved = t->slots[at];
            if (t->ring[moved->entry].serial == moved->serial)
                t->ring[moved->entry].slot = (uint32_t)hole;
            hole = at;
        }
    }
    t->slots[hole].rest = 0;
}

static inline int32_t distance(uint32_t later, uint32_t earlier)
{
    return (int32_t)(later - earlier);
}

static inline void renew(struct slot *slot, int64_t now)
{
    slot->until = (uint32_t)(now >> TIME_SHIFT) + (uint32_t)(((uint64_t)seconds[slot->state] * 1000000000) >> TIME_SHIFT) + 1;
}

/* A segment of a TCP connection that was taken up loosely. */
static inline void segment(struct slot *slot, uint32_t answers, const struct seen *s)
{
    const uint8_t *tcp = s->upper;
    struct side *own = &slot->sides[answers], *other = &slot->sides[1 - answers];
    uint8_t flags = tcp[13];
    uint32_t seq = big32(load32(tcp + 4)), end = seq + s->data + (flags & 1);
    uint32_t ack = flags & 16 ? big32(load32(tcp + 8)) : other->end;
    uint16_t window = big16(load16(tcp + 14));
    if (unlikely(flags & 4)) {
        slot->state = RESET;
        return;
    }
    if (window > slot->windows[answers])
        slot->windows[answers] = window;
    if (distance(end, own->end) > 0)
        own->end = end;
    if (distance(ack, other->acked) > 0)
        other->acked = ack;
    uint32_t edge = ack + (window ? window : 1);
    if (distance(edge, other->edge) > 0)
        other->edge = edge;
    if (unlikely(flags & 1))
        slot->fins |= 1 << answers;
    if (unlikely(slot->fins)) {
        if (slot->state == ESTABLISHED)
            slot->state = CLOSING;
        if (slot->fins == 3 && slot->sides[0].acked == slot->sides[0].end && slot->sides[1].acked == slot->sides[1].end)
            slot->state = TIME_WAIT;
    }
}

static int open_connection(struct conntrack *t, const struct seen *s, uint64_t at, int64_t now)
{
    uint8_t state = s->protocol == 17 ? ONE_WAY : s->protocol == 6 ? ESTABLISHED : OTHER_ONE_WAY;
    if (s->protocol == 6 && (s->upper[13] & 0x17) != 16)
        return 0;
    t->rule_hits++;
    if (t->used == t->room) {
        struct entry entry = t->ring[t->oldest];
        t->oldest = (t->oldest + 1) % t->room;
        t->used--;
        struct slot *slot = &t->slots[entry.slot];
        if (slot->rest && slot->serial == entry.serial && slot->half_open) {
            take_out(t, entry.slot);
            at = s->place;
            while (t->slots[at].rest)
                at = (at + 1) & t->mask;
        }
    }
    if (t->connections == t->capacity) {
        t->refused++;
        return 0;
    }
    struct slot *slot = &t->slots[at];
    memset(slot, 0, sizeof *slot);
    slot->addresses = s->addresses;
    slot->rest = s->rest;
    slot->state = state;
    slot->began_lower = s->from_upper ^ 1;
    slot->half_open = 1;
    slot->serial = (uint32_t)++t->serial;
    if (state == ESTABLISHED) {
        uint32_t window = big16(load16(s->upper + 14)), ack = big32(load32(s->upper + 8));
        slot->windows[0] = (uint16_t)(window ? window : 1);
        slot->sides[0].end = slot->sides[0].edge = big32(load32(s->upper + 4)) + s->data;
        slot->sides[0].acked = big32(load32(s->upper + 4));
        slot->sides[1] = (struct side){ack, ack, ack + (window ? window : 1)};
    }
    slot->entry = (uint32_t)((t->oldest + t->used++) % t->room);
    t->ring[slot->entry] = (struct entry){(uint32_t)at, slot->serial};
    t->connections++;
    renew(slot, now);
    return 1;
}

/* Whether the packet passes. */
static inline int track(struct conntrack *t, const struct seen *s, int64_t now)
{
    uint64_t at = s->place;
    for (;; at = (at + 1) & t->mask) {
        struct slot *slot = &t->slots[at];
        if (likely(slot->addresses == s->addresses && slot->rest == s->rest)) {
            if (unlikely((int32_t)((uint32_t)(now >> TIME_SHIFT) - slot->until) > 0)) {
                take_out(t, at);
                at = s->place;
                while (t->slots[at].rest)
                    at = (at + 1) & t->mask;
                return open_connection(t, s, at, now);
            }
            uint32_t answers = s->from_upper ^ slot->began_lower ^ 1;
            if (s->protocol == 6) {
                if (slot->state == RESET)
                    return 1;
                segment(slot, answers, s);
            } else if (answers) {
                slot->state = s->protocol == 17 ? TWO_WAY : OTHER;
            }
            slot->half_open &= !answers;
            renew(slot, now);
            return 1;
        }
        if (slot->rest == 0)
            return open_connection(t, s, at, now);
    }
}

static inline uint32_t track_burst(struct conntrack *t, const struct descriptor *burst, const uint32_t *in,
                                   uint32_t count, uint32_t *out)
{
    struct seen all[BURST];
    int8_t found[BURST];
    for (uint32_t i = 0; i < count; i++) {
        found[i] = (int8_t)look(&all[i], &burst[in[i]]);
        if (likely(found[i] == FOUND)) {
            all[i].place = hash(all[i].addresses, all[i].rest) & t->mask;
            __builtin_prefetch(&t->slots[all[i].place], 1);
        }
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t position = in[i];
        int passes = found[i] != DROP;
        if (likely(found[i] == FOUND))
            passes = track(t, &all[i], burst[position].time);
        else
            t->unseen += passes;
        out[kept] = position;
        kept += passes;
    }
    t->dropped += count - kept;
    return kept;
}

uint32_t conntrack(void *state, const struct descriptor *burst, const uint32_t *in, uint32_t count, uint32_t *out)
{
    uint32_t kept = 0;
    for (uint32_t first = 0; first < count; first += BURST)
        kept += track_burst(state, burst, in + first, count - first < BURST ? count - first : BURST, out + kept);
    return kept;
}

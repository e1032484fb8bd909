/*
 * conntrack: packets of known connections pass, both ways; what begins one is judged by the rules (here: one that allows
 * all) and entered. What src/wirebrick/state/connections*.py does with whole packets of UDP, SCTP, other protocols and,
 * taken up loosely, TCP over IPv4: keys with their ends in order, timeouts by state, a ring of half-open connections in
 * which the oldest give way, sequence numbers and windows kept up to date. IPv6, ICMP, fragments and segments with a SYN
 * are not here: frames of those are passed unseen, and counted. Nor is the sweep of every second: what has expired goes
 * when it is met, or when the table is full. Open addressing with linear probing, one cache line a slot, at most half of
 * the slots taken; the connections of a burst are found in two passes: hash all and prefetch, then look up.
 */
#include "ip.h"

#ifdef __SSE4_2__
#include <nmmintrin.h>
#endif

#define BURST 64
#define TIME_SHIFT 24
#define BACKWARDS 0xf0000000u /* times so far behind are those of a clock that went back */
#define LOOKS 4               /* entries looked at to find one that is no longer half-open */
#define SAMPLE 32             /* connections looked at to find one that has expired */

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
    uint64_t hand; /* slot at which looking for what has expired goes on */
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

static inline int is_tag(uint16_t ethertype)
{
    return ethertype == 0x8100 || ethertype == 0x88a8 || ethertype == 0x9100;
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
    for (int tags = 0; tags < 2 && is_tag(ethertype); tags++) {
        if (d->length < at + 4)
            return DROP;
        ethertype = big16(load16(data + at + 2));
        at += 4;
    }
    if (unlikely(ethertype != ETHERTYPE_IPV4))
        return is_tag(ethertype) ? DROP : UNSEEN;
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

static inline int has_expired(const struct slot *slot, int64_t now)
{
    uint32_t late = (uint32_t)(now >> TIME_SHIFT) - slot->until;
    return late != 0 && late < BACKWARDS;
}

static inline void renew(struct slot *slot, int64_t now)
{
    uint32_t time = (uint32_t)((seconds[slot->state] * 1000000000ull) >> TIME_SHIFT) + 1;
    slot->until = (uint32_t)(now >> TIME_SHIFT) + time;
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
        if (slot->state == CLOSING && slot->fins == 3 && slot->sides[0].acked == slot->sides[0].end &&
            slot->sides[1].acked == slot->sides[1].end)
            slot->state = TIME_WAIT;
    }
    slot->half_open &= !answers;
}

static inline struct entry *ring_place(struct conntrack *t, uint64_t number)
{
    return &t->ring[number % t->room];
}

/* Whether an entry of the ring still has its connection, half-open. */
static inline int is_half_open(const struct conntrack *t, struct entry entry)
{
    const struct slot *slot = &t->slots[entry.slot];
    return slot->rest != 0 && slot->serial == entry.serial && slot->half_open;
}

/* The oldest entry leaves the ring; whether its connection was half-open, and gave way. */
static int push_out(struct conntrack *t)
{
    struct entry entry = *ring_place(t, t->oldest);
    t->oldest = (t->oldest + 1) % t->room;
    t->used--;
    if (!is_half_open(t, entry))
        return 0;
    take_out(t, entry.slot);
    return 1;
}

/* Make room in the full ring: one of the oldest that is half-open no more goes, else the oldest. */
static void ring_room(struct conntrack *t)
{
    for (uint64_t ahead = 0; ahead < LOOKS && ahead < t->room; ahead++) {
        if (is_half_open(t, *ring_place(t, t->oldest + ahead)))
            continue;
        for (uint64_t back = ahead; back > 0; back--) {
            struct entry *place = ring_place(t, t->oldest + back);
            *place = *ring_place(t, t->oldest + back - 1);
            t->slots[place->slot].entry = (uint32_t)(place - t->ring);
        }
        *ring_place(t, t->oldest) = (struct entry){0, 0}; /* no connection has serial number 0 */
        break;
    }
    push_out(t);
}

/* Look at some connections for one that has expired, and take it out. */
static int reclaim(struct conntrack *t, int64_t now)
{
    for (uint64_t looked = 0; looked < SAMPLE && looked < t->capacity;) {
        t->hand = (t->hand + 1) & t->mask;
        const struct slot *slot = &t->slots[t->hand];
        if (slot->rest == 0)
            continue;
        if (has_expired(slot, now)) {
            take_out(t, t->hand);
            return 1;
        }
        looked++;
    }
    return 0;
}

/* Make room in the table: what has expired goes, else the oldest that is half-open. */
static int table_room(struct conntrack *t, int64_t now)
{
    if (likely(t->connections < t->capacity) || reclaim(t, now))
        return 1;
    while (t->used)
        if (push_out(t))
            return 1;
    return 0;
}

/* Enter the connection that a packet begins; whether it may, and there is room. */
static int open_connection(struct conntrack *t, const struct seen *s, int64_t now)
{
    uint8_t state = s->protocol == 17 ? ONE_WAY : s->protocol == 6 ? ESTABLISHED : OTHER_ONE_WAY;
    if (s->protocol == 6 && (s->upper[13] & 0x17) != 16)
        return 0;
    t->rule_hits++;
    if (t->used == t->room)
        ring_room(t);
    if (!table_room(t, now)) {
        t->refused++;
        return 0;
    }
    uint64_t at = s->place;
    while (t->slots[at].rest)
        at = (at + 1) & t->mask;
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
    struct entry *place = ring_place(t, t->oldest + t->used++);
    *place = (struct entry){(uint32_t)at, slot->serial};
    slot->entry = (uint32_t)(place - t->ring);
    t->connections++;
    renew(slot, now);
    return 1;
}

/* Whether the packet passes. */
static inline int track(struct conntrack *t, const struct seen *s, int64_t now)
{
    for (uint64_t at = s->place;; at = (at + 1) & t->mask) {
        struct slot *slot = &t->slots[at];
        if (unlikely(slot->addresses != s->addresses || slot->rest != s->rest)) {
            if (slot->rest == 0)
                break;
            continue;
        }
        if (unlikely(has_expired(slot, now))) {
            take_out(t, at);
            break;
        }
        uint32_t answers = s->from_upper ^ slot->began_lower ^ 1;
        if (s->protocol == 6) {
            uint8_t before = slot->state;
            segment(slot, answers, s);
            if (unlikely(before == RESET))
                return 1;
        } else if (answers) {
            slot->state = s->protocol == 17 ? TWO_WAY : OTHER;
            slot->half_open = 0;
        }
        renew(slot, now);
        return 1;
    }
    return open_connection(t, s, now);
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

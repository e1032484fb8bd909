/*
 * blocklist: drop packets from or to listed prefixes, IPv4 and IPv6, untagged or behind one or two VLAN tags, and count
 * for each prefix. The prefixes are the very block that Wirebrick's LongestPrefixMatch looks them up in (layout:
 * src/wirebrick/state/lpm_native.py); a burst is done in two passes: find addresses and prefetch, then look up.
 */
#include "ip.h"

#define BURST 64
#define INDEX4 3200
#define CHUNKS 65536
#define INDEX6 (INDEX4 + 4 * CHUNKS + 64)
#define NONE 0xffffffffu

struct range4 {
    uint32_t first, value;
};

struct range6 {
    int64_t high, low, value; /* their upper bits turned over: signed order is that of addresses */
};

/* All words have 64 bits: benchmarks/experiments/blocklist.py fills them in. */
struct blocklist {
    const uint8_t *table;
    uint64_t *hits;
    uint64_t dropped;
};

struct ends {
    uint64_t src[2], dst[2]; /* high half first; IPv4 in the low half of src[1] and dst[1] */
    int found;
};

static inline const struct range4 *ranges4(const uint8_t *table)
{
    return (const struct range4 *)(table + load64(table + 8));
}

static inline void fetch4(const uint8_t *table, uint32_t address)
{
    const uint8_t *index = table + INDEX4 + 4 * (address >> 16);
    uint32_t first = load32(index), count = load32(index + 4) - first + 1;
    __builtin_prefetch(ranges4(table) + first + count / 2);
}

static inline uint32_t lookup4(const uint8_t *table, uint32_t address)
{
    const uint8_t *index = table + INDEX4 + 4 * (address >> 16);
    uint32_t first = load32(index), count = load32(index + 4) - first + 1;
    const struct range4 *at = ranges4(table) + first;
    while (count > 1) {
        uint32_t half = count / 2;
        at = at[half].first <= address ? at + half : at;
        count -= half;
    }
    return at->value;
}

static inline uint32_t lookup6(const uint8_t *table, uint64_t high, uint64_t low)
{
    const uint8_t *index = table + INDEX6 + 4 * (high >> 48);
    uint32_t first = load32(index), count = load32(index + 4) - first + 1;
    const struct range6 *at = (const struct range6 *)(table + load64(table + 16)) + first;
    int64_t h = (int64_t)(high ^ 1ull << 63), l = (int64_t)(low ^ 1ull << 63);
    while (count > 1) {
        uint32_t half = count / 2;
        const struct range6 *middle = at + half;
        if (middle->high < h || (middle->high == h && middle->low <= l))
            at = middle;
        count -= half;
    }
    return (uint32_t)at->value;
}

static inline uint32_t lookup(const uint8_t *table, const uint64_t *address)
{
    if (address[0] == 0 && address[1] >> 32 == 0)
        return lookup4(table, (uint32_t)address[1]);
    return lookup6(table, address[0], address[1]);
}

static inline int is_tag(uint16_t ethertype)
{
    return ethertype == 0x8100 || ethertype == 0x88a8 || ethertype == 0x9100;
}

static inline void find_ends(struct ends *ends, const uint8_t *table, const uint8_t *data, uint32_t length,
                             uint32_t wire)
{
    ends->found = 0;
    if (unlikely(length < ETHERNET))
        return;
    uint32_t at = ETHERNET;
    uint16_t ethertype = big16(load16(data + 12));
    for (int tags = 0;; tags++) {
        const uint8_t *ip = data + at;
        uint32_t left = length - at;
        if (likely(ethertype == ETHERTYPE_IPV4)) {
            if (unlikely(ipv4(ip, left, wire - at) == 0))
                return;
            ends->src[0] = ends->dst[0] = 0;
            ends->src[1] = big32(load32(ip + 12));
            ends->dst[1] = big32(load32(ip + 16));
            fetch4(table, (uint32_t)ends->src[1]);
            fetch4(table, (uint32_t)ends->dst[1]);
            ends->found = 1;
            return;
        }
        if (ethertype == ETHERTYPE_IPV6) {
            if (unlikely(ipv6(ip, left, wire - at).size == 0))
                return;
            for (int half = 0; half < 2; half++) {
                ends->src[half] = big64(load64(ip + 8 + 8 * half));
                ends->dst[half] = big64(load64(ip + 24 + 8 * half));
            }
            ends->found = 1;
            return;
        }
        if (!is_tag(ethertype) || tags == 2 || left < 4)
            return;
        ethertype = big16(load16(ip + 2));
        at += 4;
    }
}

static inline int admits(struct blocklist *b, const struct ends *ends)
{
    if (unlikely(!ends->found))
        return 1;
    uint32_t value = lookup(b->table, ends->src);
    if (value == NONE)
        value = lookup(b->table, ends->dst);
    if (value == NONE)
        return 1;
    b->hits[value]++;
    return 0;
}

uint32_t blocklist(void *state, const struct descriptor *burst, const uint32_t *in, uint32_t count, uint32_t *out)
{
    struct blocklist *b = state;
    struct ends ends[BURST];
    uint32_t kept = 0;
    for (uint32_t first = 0; first < count; first += BURST) {
        uint32_t many = count - first < BURST ? count - first : BURST;
        for (uint32_t i = 0; i < many; i++) {
            const struct descriptor *d = &burst[in[first + i]];
            find_ends(&ends[i], b->table, d->data, d->length, d->wire);
        }
        for (uint32_t i = 0; i < many; i++) {
            uint32_t position = in[first + i];
            out[kept] = position;
            kept += admits(b, &ends[i]);
        }
    }
    b->dropped += count - kept;
    return kept;
}

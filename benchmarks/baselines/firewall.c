/*
 * firewall: the first row of an access list that covers a packet decides. Checks and verdicts are those of
 * src/wirebrick/nf/firewall (judge.py, nf.py) with other=allow; rows are found in the trees of
 * src/wirebrick/state/classifier_native.py, in memory that its builder made (rows that ask for rarely used fields, and
 * what is to be done with them, are left out on this side).
 */
#include <immintrin.h>

#include "ip.h"

struct root {
    uint64_t entry, least;
};

struct trees {
    uint64_t count, asks, values, rare, rows, unused[3];
    struct root root[];
};

/* All words have 64 bits: benchmarks/experiments/firewall.py fills them in. */
struct firewall {
    const struct trees *v4, *v6;
    uint64_t unmatched; /* verdict */
    uint64_t *hits;     /* by the place of the rule's counter */
    uint64_t no_rule;   /* where packets that no row covers are counted */
    uint64_t dropped;
};

enum { PASS, NODE = 1, OWN = 2, WORDS4 = 2, WORDS6 = 6 };
static const uint64_t NONE = 1ull << 32;

/* As KeyV4 and KeyV6 in memory. */
struct ends {
    uint16_t src_port, dst_port, protocol, upper;
};

struct key4 {
    uint32_t src, dst;
    struct ends ends;
} __attribute__((aligned(16)));

struct key6 {
    uint64_t src[2], dst[2]; /* high half first */
    struct ends ends;
    uint64_t spare;
} __attribute__((aligned(16)));

static inline struct ends read_ends(const uint8_t *payload, uint32_t length, int protocol, int icmp, int first_fragment)
{
    struct ends ends = {0, 0, (uint16_t)protocol, 0};
    if (!first_fragment)
        return ends;
    if (protocol == 6 || protocol == 17 || protocol == 132 || protocol == 33 || protocol == 136) {
        if (length >= 4) {
            ends.src_port = big16(load16(payload));
            ends.dst_port = big16(load16(payload + 2));
            ends.upper = 1;
        }
    } else if (protocol == icmp && length >= 2) {
        ends.src_port = payload[0];
        ends.dst_port = payload[1];
        ends.upper = 1;
    }
    return ends;
}

/* Whether every lane of 16 bits is within its bounds. */
static inline int within(__m128i key, const __m128i *low, const __m128i *high)
{
    __m128i clamped = _mm_min_epu16(_mm_max_epu16(key, _mm_loadu_si128(low)), _mm_loadu_si128(high));
    return _mm_movemask_epi8(_mm_cmpeq_epi16(clamped, key)) == 0xffff;
}

static inline __attribute__((always_inline)) uint64_t scan(const uint8_t *block, const uint64_t *key, int words,
                                                           uint64_t entry, uint64_t best)
{
    const __m128i *row = (const __m128i *)(block + (entry >> 32) * 8);
    uint64_t count = entry >> 2 & 0x3fffffff;
    const uint32_t *numbers = (const uint32_t *)(row + count * words);
    for (uint64_t i = 0; i < count; i++, row += words) {
        int inside = 1;
        for (int chunk = 0; chunk < words / 2; chunk++)
            inside &= within(_mm_set_epi64x((long long)key[2 * chunk + 1], (long long)key[2 * chunk]), row + chunk,
                             row + words / 2 + chunk);
        if (inside)
            return numbers[i] < best ? numbers[i] : best;
    }
    return best;
}

/* The value of the first row that covers the key, or -1. */
static inline __attribute__((always_inline)) int64_t find(const struct trees *trees, const uint64_t *key, int words)
{
    const uint8_t *block = (const uint8_t *)trees;
    uint64_t best = NONE;
    for (uint64_t i = 0; i < trees->count; i++) {
        if (trees->root[i].least >= best)
            break;
        uint64_t entry = trees->root[i].entry;
        while (entry & NODE) {
            const uint64_t *table = (const uint64_t *)(block + (entry >> 32) * 8);
            if (entry & OWN)
                best = scan(block, key, words, *table++, best);
            uint64_t first = key[entry >> 8 & 7] >> (entry >> 2 & 63) & ((1ull << (entry >> 11 & 15)) - 1);
            uint64_t bits = entry >> 24 & 15;
            uint64_t second = key[entry >> 21 & 7] >> (entry >> 15 & 63) & ((1ull << bits) - 1);
            entry = table[first << bits | second];
        }
        best = scan(block, key, words, entry, best);
    }
    return best == NONE ? -1 : (int64_t)((const uint32_t *)(block + trees->values))[best];
}

static inline uint32_t judge(struct firewall *f, const struct trees *trees, const void *key, int words)
{
    uint64_t kept[WORDS6];
    memcpy(kept, key, 8 * (size_t)words);
    int64_t value = find(trees, kept, words);
    if (value < 0) {
        f->hits[f->no_rule]++;
        return (uint32_t)f->unmatched;
    }
    f->hits[value >> 1]++;
    return value & 1;
}

static inline int is_tag(uint16_t ethertype)
{
    return ethertype == 0x8100 || ethertype == 0x88a8 || ethertype == 0x9100;
}

/* Whether the packet may pass. */
static inline int admits(struct firewall *f, const uint8_t *data, uint32_t length, uint32_t wire)
{
    if (unlikely(length < ETHERNET))
        return 1;
    uint32_t at = ETHERNET;
    uint16_t ethertype = big16(load16(data + 12));
    for (int tags = 0;; tags++) {
        const uint8_t *ip = data + at;
        uint32_t left = length - at;
        if (likely(ethertype == ETHERTYPE_IPV4)) {
            uint32_t size = ipv4(ip, left, wire - at);
            if (unlikely(size == 0))
                return 0;
            uint32_t total = big16(load16(ip + 2));
            struct key4 key = {big32(load32(ip + 12)), big32(load32(ip + 16)),
                               read_ends(ip + size, (total < left ? total : left) - size, ip[9], 1,
                                         (load16(ip + 6) & big16(0x1fff)) == 0)};
            return judge(f, f->v4, &key, WORDS4) == PASS;
        }
        if (ethertype == ETHERTYPE_IPV6) {
            struct chain chain = ipv6(ip, left, wire - at);
            if (unlikely(chain.size == 0))
                return 0;
            uint32_t total = 40u + big16(load16(ip + 4));
            struct key6 key = {{big64(load64(ip + 8)), big64(load64(ip + 16))},
                               {big64(load64(ip + 24)), big64(load64(ip + 32))},
                               read_ends(ip + chain.size, (total < left ? total : left) - chain.size, chain.last, 58,
                                         chain.offset == 0),
                               0};
            return judge(f, f->v6, &key, WORDS6) == PASS;
        }
        if (!is_tag(ethertype))
            return 1;
        if (tags == 2 || left < 4)
            return 0;
        ethertype = big16(load16(ip + 2));
        at += 4;
    }
}

uint32_t firewall(void *state, const struct descriptor *burst, const uint32_t *in, uint32_t count,
                  uint32_t *out)
{
    struct firewall *f = state;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t position = in[i];
        const struct descriptor *d = &burst[position];
        out[kept] = position;
        kept += admits(f, d->data, d->length, d->wire);
    }
    f->dropped += count - kept;
    return kept;
}

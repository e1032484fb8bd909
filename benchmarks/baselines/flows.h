/* FlowKey of src/wirebrick/packet/flow.py, its hash, and the flow of a packet, as Wirebrick's flow() gives it. */
#ifndef FLOWS_H
#define FLOWS_H

#include "ip.h"

#ifdef __SSE4_2__
#include <nmmintrin.h>
#endif

/* Whole words, so that what is stored here is loaded again in one piece. */
struct key {
    uint64_t src[2], dst[2]; /* high half first; IPv4 in the low half of src[1] and dst[1] */
    uint64_t rest;           /* source and destination port (16 bits each), protocol, version (8 bits each) */
};
_Static_assert(sizeof(struct key) == 40, "as FlowKey");

/* CRC-32C of the words, as rte_hash_crc of DPDK; elsewhere, multiplications. */
static inline uint32_t hash(const struct key *key)
{
#ifdef __SSE4_2__
    uint64_t a = _mm_crc32_u64(_mm_crc32_u64(0, key->src[0]), key->src[1]);
    uint64_t b = _mm_crc32_u64(_mm_crc32_u64(0x9e3779b9, key->dst[0]), key->dst[1]);
    return (uint32_t)_mm_crc32_u64(b, a << 32 ^ key->rest); /* the first argument counts with 32 bits only */
#else
    uint64_t sum = (key->src[0] ^ key->dst[1]) * 0x9e3779b97f4a7c15u;
    sum = (sum ^ sum >> 32 ^ key->src[1] ^ key->dst[0] << 32) * 0xbb67ae8584caa73bu;
    sum = (sum ^ sum >> 32 ^ key->rest) * 0x9e3779b97f4a7c15u;
    return (uint32_t)(sum >> 32);
#endif
}

static inline int same(const struct key *a, const struct key *b)
{
    return ((a->src[0] ^ b->src[0]) | (a->src[1] ^ b->src[1]) | (a->dst[0] ^ b->dst[0]) |
            (a->dst[1] ^ b->dst[1]) | (a->rest ^ b->rest)) == 0;
}

/* The last word of a key; the `length` bytes at `payload` begin with the ports where the protocol has them. */
static inline uint64_t rest(uint64_t version, uint8_t protocol, const uint8_t *payload, uint32_t length,
                            int first_fragment)
{
    uint64_t ports = 0;
    if ((protocol == 6 || protocol == 17 || protocol == 132) && first_fragment && length >= 4)
        ports = big16(load16(payload)) | (uint32_t)big16(load16(payload + 2)) << 16;
    return version << 40 | (uint64_t)protocol << 32 | ports;
}

static inline int is_tag(uint16_t ethertype)
{
    return ethertype == 0x8100 || ethertype == 0x88a8 || ethertype == 0x9100;
}

/* The well-formed TCP header behind an IP header, of `length` bytes, or NULL. */
static inline const uint8_t *tcp(uint8_t protocol, const uint8_t *at, uint32_t length, int first_fragment)
{
    if (protocol != 6 || !first_fragment || length < 20 || at[12] < 0x50 || (at[12] >> 4) * 4u > length)
        return NULL;
    return at;
}

static inline void key4(struct key *key, const uint8_t *ip, uint32_t size, uint32_t left)
{
    uint32_t total = big16(load16(ip + 2));
    key->src[0] = key->dst[0] = 0;
    key->src[1] = big32(load32(ip + 12));
    key->dst[1] = big32(load32(ip + 16));
    key->rest = rest(4, ip[9], ip + size, (total < left ? total : left) - size,
                     (load16(ip + 6) & big16(0x1fff)) == 0);
}

/* The flow of a packet; 0 where it has no well-formed IP header. `segment`: its TCP header, or NULL. */
static inline int flow(struct key *key, const uint8_t *data, uint32_t length, uint32_t wire,
                       const uint8_t **segment)
{
    if (unlikely(length < ETHERNET))
        return 0;
    uint32_t at = ETHERNET;
    uint16_t ethertype = big16(load16(data + 12));
    for (int tags = 0;; tags++) {
        const uint8_t *ip = data + at;
        uint32_t left = length - at;
        if (likely(ethertype == ETHERTYPE_IPV4)) {
            uint32_t size = ipv4(ip, left, wire - at);
            if (unlikely(size == 0))
                return 0;
            key4(key, ip, size, left);
            uint32_t total = big16(load16(ip + 2));
            *segment = tcp(ip[9], ip + size, (total < left ? total : left) - size,
                           (load16(ip + 6) & big16(0x1fff)) == 0);
            return 1;
        }
        if (ethertype == ETHERTYPE_IPV6) {
            struct chain chain = ipv6(ip, left, wire - at);
            if (unlikely(chain.size == 0))
                return 0;
            uint32_t total = 40u + big16(load16(ip + 4));
            for (int half = 0; half < 2; half++) {
                key->src[half] = big64(load64(ip + 8 + 8 * half));
                key->dst[half] = big64(load64(ip + 24 + 8 * half));
            }
            key->rest = rest(6, chain.last, ip + chain.size, (total < left ? total : left) - chain.size,
                             chain.offset == 0);
            *segment = tcp(chain.last, ip + chain.size, (total < left ? total : left) - chain.size,
                           chain.offset == 0);
            return 1;
        }
        if (!is_tag(ethertype) || tags == 2 || left < 4)
            return 0;
        ethertype = big16(load16(ip + 2));
        at += 4;
    }
}

#endif

/*
 * ids: payloads of TCP and UDP packets (and of all others what is behind the IP header) searched for literals by
 * Hyperscan, each counted once a packet; every packet goes on. What ids does with rules "alert ip any any -> any any"
 * of one content each. The library is loaded by benchmarks/experiments/ids.py, which gives its hs_scan here.
 */
#include "ip.h"

typedef int (*on_match_t)(unsigned int id, unsigned long long from, unsigned long long to, unsigned int flags,
                          void *context);
typedef int (*scan_t)(const void *database, const char *data, unsigned int length, unsigned int flags,
                      void *scratch, on_match_t on_match, void *context);

/* All words have 64 bits. */
struct ids {
    scan_t scan;
    const void *database; /* each literal is told of once a scan */
    void *scratch;
    uint64_t *hits; /* by the number of the literal */
    uint64_t packets;
};

static int hit(unsigned int id, unsigned long long from, unsigned long long to, unsigned int flags, void *context)
{
    (void)from, (void)to, (void)flags;
    ++((struct ids *)context)->hits[id];
    return 0;
}

static inline void look(struct ids *s, uint8_t protocol, int first_fragment, const uint8_t *at, uint32_t left)
{
    uint32_t size = 0;
    if (first_fragment && protocol == 17 && left >= 8) {
        uint32_t length = big16(load16(at + 4));
        size = 8;
        if (length >= 8 && length < left)
            left = length;
    } else if (first_fragment && protocol == 6 && left >= 20) {
        uint32_t header = (at[12] >> 4) * 4u;
        if (header >= 20 && header <= left)
            size = header;
    } else if (first_fragment && (protocol == 1 || protocol == 58) && left >= 4) {
        size = left < 8 ? left : 8;
    }
    s->packets++;
    if (left > size)
        s->scan(s->database, (const char *)at + size, left - size, 0, s->scratch, hit, s);
}

uint32_t ids(void *state, const struct descriptor *burst, const uint32_t *in, uint32_t count, uint32_t *out)
{
    struct ids *s = state;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t position = in[i];
        const struct descriptor *d = &burst[position];
        out[i] = position;
        if (unlikely(d->length < ETHERNET))
            continue;
        uint16_t ethertype = big16(load16(d->data + 12));
        uint32_t at = ETHERNET;
        for (int tags = 0; tags < 2 && (ethertype == 0x8100 || ethertype == 0x88a8 || ethertype == 0x9100); tags++) {
            if (d->length < at + 4)
                break;
            ethertype = big16(load16(d->data + at + 2));
            at += 4;
        }
        const uint8_t *ip = d->data + at;
        uint32_t left = d->length - at, wire = d->wire - at;
        if (likely(ethertype == ETHERTYPE_IPV4)) {
            uint32_t size = ipv4(ip, left, wire);
            uint32_t total = size ? big16(load16(ip + 2)) : 0;
            if (likely(size != 0))
                look(s, ip[9], (load16(ip + 6) & big16(0x1fff)) == 0, ip + size, (total < left ? total : left) - size);
        } else if (ethertype == ETHERTYPE_IPV6) {
            struct chain chain = ipv6(ip, left, wire);
            uint32_t total = chain.size ? 40u + big16(load16(ip + 4)) : 0;
            if (chain.size != 0)
                look(s, chain.last, chain.offset == 0, ip + chain.size, (total < left ? total : left) - chain.size);
        }
    }
    return count;
}

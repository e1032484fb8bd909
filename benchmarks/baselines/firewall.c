/*
 * firewall: the first row of an access list that covers a packet decides. Rows, checks and verdicts are those
 * of src/wirebrick/nf/firewall (rows.py, nf.py) with other=allow; a port is one higher than it is, and 0
 * where it can't be read.
 */
#include "ip.h"

struct row4 {
    uint32_t src, src_mask, dst, dst_mask;
    uint32_t src_low, src_high, dst_low, dst_high;
    uint8_t protocol, protocol_mask, verdict;
    uint32_t rule;
};
_Static_assert(sizeof(struct row4) == 40, "as RowV4");

struct row6 {
    uint64_t src[2], src_mask[2], dst[2], dst_mask[2]; /* high half first */
    uint32_t src_low, src_high, dst_low, dst_high;
    uint8_t protocol, protocol_mask, verdict;
    uint32_t rule;
};
_Static_assert(sizeof(struct row6) == 88, "as RowV6");

/* All words have 64 bits: benchmarks/experiments/firewall.py fills them in. */
struct firewall {
    const struct row4 *rows4;
    uint64_t count4;
    const struct row6 *rows6;
    uint64_t count6;
    uint64_t unmatched; /* verdict */
    uint64_t *hits;     /* by the number of the rule */
    uint64_t no_rule;   /* where packets that no row covers are counted */
    uint64_t dropped;
};

enum { PASS };

struct key {
    uint64_t src[2], dst[2]; /* high half first; IPv4 in the low half of dst[1] and src[1] */
    uint32_t src_port, dst_port;
    uint8_t protocol;
};

static inline void read_ports(struct key *key, const uint8_t *payload, uint32_t length, int first_fragment)
{
    key->src_port = key->dst_port = 0;
    if ((key->protocol == 6 || key->protocol == 17) && first_fragment && length >= 4) {
        key->src_port = big16(load16(payload)) + 1u;
        key->dst_port = big16(load16(payload + 2)) + 1u;
    }
}

static inline int other_columns(uint32_t src_low, uint32_t src_high, uint32_t dst_low, uint32_t dst_high,
                                uint8_t protocol, uint8_t protocol_mask, const struct key *key)
{
    return (key->protocol & protocol_mask) == protocol && key->dst_port >= dst_low &&
           key->dst_port <= dst_high && key->src_port >= src_low && key->src_port <= src_high;
}

#define COLUMNS(row, key)                                                                         \
    other_columns(row->src_low, row->src_high, row->dst_low, row->dst_high, row->protocol,        \
                  row->protocol_mask, key)

static inline uint32_t judge4(struct firewall *f, const struct key *key)
{
    uint32_t src = (uint32_t)key->src[1], dst = (uint32_t)key->dst[1];
    for (const struct row4 *row = f->rows4, *end = row + f->count4; row < end; row++) {
        if ((dst & row->dst_mask) == row->dst && (src & row->src_mask) == row->src && COLUMNS(row, key)) {
            f->hits[row->rule]++;
            return row->verdict;
        }
    }
    f->hits[f->no_rule]++;
    return (uint32_t)f->unmatched;
}

static inline int within(const uint64_t *address, const uint64_t *mask, const uint64_t *network)
{
    return (address[0] & mask[0]) == network[0] && (address[1] & mask[1]) == network[1];
}

static inline uint32_t judge6(struct firewall *f, const struct key *key)
{
    for (const struct row6 *row = f->rows6, *end = row + f->count6; row < end; row++) {
        if (within(key->dst, row->dst_mask, row->dst) && within(key->src, row->src_mask, row->src) &&
            COLUMNS(row, key)) {
            f->hits[row->rule]++;
            return row->verdict;
        }
    }
    f->hits[f->no_rule]++;
    return (uint32_t)f->unmatched;
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
        struct key key;
        if (likely(ethertype == ETHERTYPE_IPV4)) {
            uint32_t size = ipv4(ip, left, wire - at);
            if (unlikely(size == 0))
                return 0;
            uint32_t total = big16(load16(ip + 2));
            key.src[1] = big32(load32(ip + 12));
            key.dst[1] = big32(load32(ip + 16));
            key.protocol = ip[9];
            read_ports(&key, ip + size, (total < left ? total : left) - size,
                       (load16(ip + 6) & big16(0x1fff)) == 0);
            return judge4(f, &key) == PASS;
        }
        if (ethertype == ETHERTYPE_IPV6) {
            struct chain chain = ipv6(ip, left, wire - at);
            if (unlikely(chain.size == 0))
                return 0;
            uint32_t total = 40u + big16(load16(ip + 4));
            for (int half = 0; half < 2; half++) {
                key.src[half] = big64(load64(ip + 8 + 8 * half));
                key.dst[half] = big64(load64(ip + 24 + 8 * half));
            }
            key.protocol = chain.last;
            read_ports(&key, ip + chain.size, (total < left ? total : left) - chain.size,
                       chain.offset == 0);
            return judge6(f, &key) == PASS;
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

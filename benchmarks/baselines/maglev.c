/*
 * maglev: a load balancer's way for packets of clients, as the NF maglev does it: the service of an address and port,
 * the connection in a table (one cache line a slot), or Maglev hashing for a new one, the backend, its counters, and
 * delivery: addresses rewritten with all checksums, the frame's addresses alone, or an outer IPv4 header with GRE.
 *
 * Services, look-up tables and backends are those of the very block that Wirebrick's workers read
 * (src/wirebrick/state/maglev_native.py). As in table.c a burst is looked at twice: once to hash and prefetch.
 */
#include "flows.h"
#include <stddef.h>

#define BURST 64

struct connection {
    struct key key; /* rest 0: none */
    uint32_t generation, backend;
    uint64_t mac;
    int64_t last_seen;
};
_Static_assert(sizeof(struct connection) == 64, "a cache line");

struct entry {
    uint64_t high, low, kind, number;
};

struct service {
    uint64_t address[2];
    uint16_t port;
    uint8_t sticky;
    uint8_t padding[13];
};
_Static_assert(sizeof(struct service) == 32, "as SERVICE");

struct backend {
    uint64_t address[2], hop[2], mac;
    uint32_t generation, service, next;
    uint16_t port;
    uint8_t way, egress, accepts;
    uint8_t padding[7];
};
_Static_assert(sizeof(struct backend) == 64, "as BACKEND");

struct block {
    uint64_t wild, mask, services, origins, service, backend, table, size, backends, room;
    uint64_t reserved[6];
    uint64_t own6[2], own_mac;
    uint32_t own4, mtu;
    uint64_t reserved2[12];
    uint64_t random[11];
};
_Static_assert(offsetof(struct block, own6) == 128 && offsetof(struct block, random) == 256, "as maglev_native");

struct traffic {
    uint64_t connections, packets, bytes, replies, reply_bytes;
};

/* All words have 64 bits: benchmarks/experiments/maglev.py fills them in. */
struct maglev {
    struct connection *slots;
    uint64_t mask; /* number of slots - 1 */
    uint64_t capacity;
    const struct block *block;
    struct traffic *traffic;
    uint64_t connections; /* there are */
    uint64_t dropped;
    uint64_t other;
};

enum { NAT = 1, MAC = 2, GRE4 = 5 };

static inline const void *part(const struct block *block, uint64_t offset)
{
    return (const uint8_t *)block + offset;
}

/* The number of an address with a kind, or -1. */
static inline int64_t entry(const struct block *block, uint64_t table, const uint64_t *address, uint64_t kind)
{
    uint64_t word = ((address[0] ^ kind) * 0x9e3779b97f4a7c15u) + address[1];
    word = (word ^ word >> 29) * 0x3c6ef372fe94f82bu;
    const struct entry *entries = part(block, table);
    for (uint64_t at = (word >> 32) & block->mask;; at = (at + 1) & block->mask) {
        const struct entry *e = &entries[at];
        if (e->kind == 0)
            return -1;
        if (e->high == address[0] && e->low == address[1] && e->kind == (kind | 1ull << 32))
            return (int64_t)e->number;
    }
}

static inline int64_t service_of(const struct block *block, const struct key *key)
{
    uint64_t protocol = key->rest >> 32 & 255, port = key->rest >> 16 & 0xffff;
    int64_t found = entry(block, block->services, key->dst, protocol << 16 | port);
    if (unlikely(found < 0 && (block->wild & 1)))
        found = entry(block, block->services, key->dst, protocol << 16);
    if (unlikely(found < 0 && (block->wild & 2) && protocol != 1 && protocol != 58))
        found = entry(block, block->services, key->dst, 0);
    return found;
}

/* Maglev hashing: the backend of a new flow, or -1. */
static __attribute__((noinline)) int64_t choose(const struct block *block, uint64_t service, const struct key *key)
{
    struct key client = {{key->src[0], key->src[1]}, {key->dst[0], key->dst[1]}, key->rest >> 32 << 32};
    const struct service *services = part(block, block->service);
    const uint64_t *words = services[service].sticky ? client.src : key->src;
    uint64_t total = block->random[0];
    for (int i = 0; i < 5; i++)
        total += (block->random[1 + 2 * i] + (words[i] & 0xffffffff)) * (block->random[2 + 2 * i] + (words[i] >> 32));
    uint64_t word = (total ^ total >> 32) * 0x9e3779b97f4a7c15u;
    word = (word ^ word >> 29) * 0x3c6ef372fe94f82bu;
    const uint32_t *table = part(block, block->table);
    uint32_t found = table[service * block->size + ((word >> 32) * block->size >> 32)];
    return found == UINT32_MAX ? -1 : (int64_t)found;
}

static inline uint64_t load_mac(const uint8_t *at)
{
    return (uint64_t)big16(load16(at)) << 32 | big32(load32(at + 2));
}

static inline void store_mac(uint8_t *at, uint64_t mac)
{
    uint32_t low = big32((uint32_t)mac);
    store16(at, big16((uint16_t)(mac >> 32)));
    memcpy(at + 2, &low, sizeof low);
}

/* A checksum of which words have changed by a sum (RFC 1624). */
static inline uint16_t followed(uint16_t checksum, uint32_t difference)
{
    uint32_t sum = (uint16_t)~checksum + difference;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* Where a packet's IP header is, and its flow; 0: it is not a packet to be balanced. */
static inline uint32_t balanced_flow(struct key *key, const struct descriptor *d, uint64_t own_mac)
{
    const uint8_t *data = d->data;
    if (unlikely(d->length < ETHERNET || load_mac(data) != own_mac))
        return 0;
    uint32_t at = ETHERNET;
    uint16_t ethertype = big16(load16(data + 12));
    for (int tags = 0;; tags++) {
        const uint8_t *ip = data + at;
        uint32_t left = d->length - at, size, total, first;
        uint8_t protocol;
        if (likely(ethertype == ETHERTYPE_IPV4)) {
            size = ipv4(ip, left, d->wire - at);
            if (unlikely(size == 0))
                return 0;
            total = big16(load16(ip + 2));
            protocol = ip[9];
            first = (load16(ip + 6) & big16(0x3fff)) == 0; /* fragments go another way */
            key->src[0] = key->dst[0] = 0;
            key->src[1] = big32(load32(ip + 12));
            key->dst[1] = big32(load32(ip + 16));
            key->rest = 4ull << 40;
        } else if (ethertype == ETHERTYPE_IPV6) {
            struct chain chain = ipv6(ip, left, d->wire - at);
            size = chain.size;
            if (unlikely(size == 0))
                return 0;
            total = 40u + big16(load16(ip + 4));
            protocol = chain.last;
            first = size == 40 || chain.offset == 0;
            for (int half = 0; half < 2; half++) {
                key->src[half] = big64(load64(ip + 8 + 8 * half));
                key->dst[half] = big64(load64(ip + 24 + 8 * half));
            }
            key->rest = 6ull << 40;
        } else {
            if ((ethertype != 0x8100 && ethertype != 0x88a8 && ethertype != 0x9100) || tags == 2 || left < 4)
                return 0;
            ethertype = big16(load16(ip + 2));
            at += 4;
            continue;
        }
        if (unlikely(!first))
            return 0;
        key->rest |= (uint64_t)protocol << 32;
        if ((protocol == 6 || protocol == 17 || protocol == 132) && (total < left ? total : left) >= size + 4)
            key->rest |= big16(load16(ip + size)) | (uint32_t)big16(load16(ip + size + 2)) << 16;
        return at;
    }
}

static inline struct connection *find(struct maglev *m, const struct key *key, uint64_t at)
{
    for (;; at = (at + 1) & m->mask) {
        struct connection *slot = &m->slots[at];
        if (likely(same(&slot->key, key)))
            return slot;
        if (slot->key.rest == 0) {
            if (m->connections == m->capacity)
                return NULL;
            m->connections++;
            slot->key = *key;
            return slot;
        }
    }
}

static inline void translate(uint8_t *ip, uint32_t size, uint32_t length, uint8_t protocol, int version,
                             const struct backend *backend, const struct key *key)
{
    uint32_t sum = 0;
    if (likely(version == 4)) {
        uint32_t old = load32(ip + 16), new = big32((uint32_t)backend->address[1]);
        memcpy(ip + 16, &new, sizeof new);
        sum = (uint16_t)~old + (uint16_t)(~old >> 16) + (uint16_t)new + (uint16_t)(new >> 16);
        store16(ip + 10, followed(load16(ip + 10), sum));
    } else {
        for (int half = 0; half < 2; half++) {
            uint64_t old = big64(key->dst[half]), new = big64(backend->address[half]);
            memcpy(ip + 24 + 8 * half, &new, sizeof new);
            for (int word = 0; word < 64; word += 16)
                sum += (uint16_t)(~old >> word) + (uint16_t)(new >> word);
        }
    }
    uint8_t *l4 = ip + size;
    if (backend->port != 0 && length >= size + 4) {
        uint16_t old = load16(l4 + 2), new = big16(backend->port);
        store16(l4 + 2, new);
        sum += (uint16_t)~old + new;
    }
    if (protocol == 6) {
        if (length >= size + 18)
            store16(l4 + 16, followed(load16(l4 + 16), sum));
    } else if (protocol == 17 && length >= size + 8 && load16(l4 + 6) != 0) {
        uint16_t checksum = followed(load16(l4 + 6), sum);
        store16(l4 + 6, checksum ? checksum : 0xffff);
    }
}

/* An outer IPv4 header and GRE: the Ethernet header moves into the headroom. */
static inline void encapsulate(const struct block *block, struct descriptor *d, const struct backend *backend)
{
    uint8_t *data = d->data - 24;
    memmove(data, d->data, 12);
    uint16_t ethertype = load16(d->data + 12);
    uint32_t inner = d->wire - ETHERNET, src = big32(block->own4), dst = big32((uint32_t)backend->address[1]);
    store16(data + 12, big16(ETHERTYPE_IPV4));
    uint8_t *ip = data + ETHERNET;
    store16(ip, big16(0x4500));
    store16(ip + 2, big16((uint16_t)(inner + 24)));
    store16(ip + 4, 0);
    store16(ip + 6, big16(0x4000));
    store16(ip + 8, big16(64 << 8 | 47));
    memcpy(ip + 12, &src, 4);
    memcpy(ip + 16, &dst, 4);
    uint32_t sum = 0;
    for (int word = 0; word < 20; word += 2)
        sum += word == 10 ? 0 : load16(ip + word);
    store16(ip + 10, followed(0xffff, sum));
    store16(ip + 20, 0);
    store16(ip + 22, ethertype);
    d->data = data;
    d->length += 24;
    d->wire += 24;
}

/* What becomes of a packet: 1, it leaves. */
static inline int balance(struct maglev *m, struct descriptor *d, const struct key *key, uint32_t at, uint64_t place)
{
    const struct block *block = m->block;
    int64_t service = service_of(block, key);
    if (unlikely(service < 0)) {
        if (entry(block, block->services, key->dst, 255 << 16 | 65535) >= 0) {
            m->dropped++; /* to the balancer's address, and for no service */
            return 0;
        }
        m->other++;
        return 1;
    }
    struct connection *connection = find(m, key, place);
    if (unlikely(connection == NULL)) {
        m->dropped++;
        return 0;
    }
    connection->last_seen = d->time;
    const struct backend *backends = part(block, block->backend);
    const struct backend *backend = &backends[connection->backend];
    uint8_t *ip = d->data + at;
    int version = (int)(key->rest >> 40);
    uint8_t protocol = (uint8_t)(key->rest >> 32);
    uint32_t size = version == 4 ? (ip[0] & 15) * 4u : 40;
    uint32_t left = d->length - at;
    uint32_t total = version == 4 ? big16(load16(ip + 2)) : 40u + big16(load16(ip + 4));
    uint32_t length = total < left ? total : left;
    int known = connection->generation != 0 && connection->generation == backend->generation;
    if (unlikely(known && !backend->accepts && protocol == 6 && length >= size + 14))
        known = (ip[size + 13] & 0x12) != 2;
    if (unlikely(!known)) {
        int64_t number = choose(block, (uint64_t)service, key);
        if (number < 0) {
            m->dropped++;
            return 0;
        }
        backend = &backends[number];
        connection->backend = (uint32_t)number;
        connection->generation = backend->generation;
        m->traffic[number].connections++;
    }
    if (unlikely(backend->mac == 0)) {
        m->dropped++;
        return 0;
    }
    if (backend->way == GRE4 && unlikely(at != ETHERNET || d->wire - 14 + 24 > block->mtu)) {
        m->dropped++;
        return 0;
    }
    struct traffic *traffic = &m->traffic[connection->backend];
    traffic->packets++;
    traffic->bytes += d->wire;
    if (backend->way == NAT) {
        connection->mac = load_mac(d->data + 6);
        translate(ip, size, length, protocol, version, backend, key);
    }
    store_mac(d->data, backend->mac);
    store_mac(d->data + 6, block->own_mac);
    if (backend->way == GRE4)
        encapsulate(block, d, backend);
    return 1;
}

static inline uint32_t balance_burst(struct maglev *m, struct descriptor *burst, const uint32_t *in, uint32_t count,
                                     uint32_t *out)
{
    struct key keys[BURST];
    uint64_t places[BURST];
    uint32_t at[BURST], kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        at[i] = balanced_flow(&keys[i], &burst[in[i]], m->block->own_mac);
        if (unlikely(at[i] == 0))
            continue;
        places[i] = hash(&keys[i]) & m->mask;
        __builtin_prefetch(&m->slots[places[i]], 1);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t position = in[i];
        int leaves = 1;
        if (likely(at[i] != 0))
            leaves = balance(m, &burst[position], &keys[i], at[i], places[i]);
        else
            m->other++;
        out[kept] = position;
        kept += (uint32_t)leaves;
    }
    return kept;
}

uint32_t maglev(void *state, const struct descriptor *burst, const uint32_t *in, uint32_t count, uint32_t *out)
{
    uint32_t kept = 0;
    for (uint32_t first = 0; first < count; first += BURST)
        kept += balance_burst(state, (struct descriptor *)burst, in + first,
                              count - first < BURST ? count - first : BURST, out + kept);
    return kept;
}

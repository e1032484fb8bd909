/*
 * nat: what leaves the inside network gets an external address and port, as src/wirebrick/nf/nat and
 * src/wirebrick/state/bindings*.py do with whole UDP and TCP packets (taken up in their middle): sessions of one cache
 * line in chains, an index for each direction; mappings by inside endpoint, hosts that keep their address, ports as sets,
 * timers in a wheel. Everything is here that a packet of a known session takes, and what makes a session; nothing comes
 * back, so ending sessions, filtering, ICMP, fragments and forwards are not: frames of those are passed unseen, and
 * counted. The sessions of a burst are found in three passes: hash all and fetch the heads of chains, fetch the sessions,
 * then translate.
 */
#include "flows.h"

#define BURST 64
#define TICK 20
#define TURN 9
#define TURNS (1u << 14)

enum { UDP_CLASS, DNS_CLASS, ICMP_CLASS, TCP_CLASS, TRANSITORY };
enum { SYN_OUT = 1, FIN_OUT = 4, RST_SEEN = 16 };

/* Ticks, by class. */
static const uint32_t timeouts[] = {286103, 286103, 57222, 7095338, 228883};

struct session {
    uint64_t out, out_ports; /* inside and outside address; their ports, protocol */
    uint64_t in, in_ports;   /* the same with the external endpoint */
    uint32_t last;
    uint8_t class, flags;
    uint16_t unused;
    uint32_t mapping, out_next, in_next, before, after, turn;
};
_Static_assert(sizeof(struct session) == 64, "a cache line");

struct mapping {
    uint64_t key, external;
    uint32_t next, sessions, host, address;
};

struct host {
    uint64_t key;
    uint32_t next, mappings, sessions, address, unused[2];
};

/* Of an external address and protocol: the free numbers come first; all numbers are differences to their index. */
struct ports {
    uint32_t taken;
    uint16_t dense[65536], place[65536];
    uint32_t mapping[65536];
};

/* All words have 64 bits: benchmarks/experiments/nat.py fills them in. */
struct nat {
    struct session *sessions;
    struct mapping *mappings;
    struct host *hosts;
    uint32_t *out, *in, *by_inside, *by_host, *wheel;
    struct ports *ports; /* two for each address: TCP, UDP */
    const uint32_t *list;
    uint64_t addresses;
    uint64_t mask; /* heads of an index - 1 */
    uint64_t capacity;
    uint64_t count; /* of sessions, mappings and hosts: none ends */
    uint64_t mapped;
    uint64_t known;
    uint64_t preserve;
    uint64_t random;
    uint64_t refused;
    uint64_t unseen;
};

struct seen {
    uint8_t *ip, *upper;
    uint64_t ends, ports;
    uint32_t place;
    uint8_t protocol, flags;
};

static inline uint32_t mix(uint64_t a, uint64_t b)
{
#ifdef __SSE4_2__
    return (uint32_t)_mm_crc32_u64(_mm_crc32_u64(0x9e3779b9, a), b);
#else
    uint64_t sum = (a ^ b << 7) * 0x9e3779b97f4a7c15u;
    sum = (sum ^ sum >> 32 ^ b) * 0xbb67ae8584caa73bu;
    return (uint32_t)(sum >> 32);
#endif
}

/* Whether it is a whole UDP or TCP packet over IPv4; what is needed of it. */
static inline int look(struct seen *s, const struct descriptor *d)
{
    if (unlikely(d->length < ETHERNET))
        return 0;
    uint32_t at = ETHERNET;
    uint16_t ethertype = big16(load16(d->data + 12));
    for (int tags = 0; unlikely(is_tag(ethertype)); tags++) {
        if (tags == 2 || d->length - at < 4)
            return 0;
        ethertype = big16(load16(d->data + at + 2));
        at += 4;
    }
    uint8_t *ip = d->data + at;
    if (unlikely(ethertype != ETHERTYPE_IPV4))
        return 0;
    uint32_t left = d->length - at, size = ipv4(ip, left, d->wire - at);
    if (unlikely(size == 0 || (load16(ip + 6) & big16(0x3fff)) != 0))
        return 0;
    uint32_t total = big16(load16(ip + 2)), claimed = total - size;
    uint32_t there = (total < left ? total : left) - size;
    uint8_t *upper = ip + size;
    s->flags = 0;
    if (ip[9] == 17) {
        if (unlikely(there < 8))
            return 0;
        uint32_t length = big16(load16(upper + 4));
        if (unlikely(length < 8 || length > claimed))
            return 0;
    } else {
        if (unlikely(tcp(ip[9], upper, there, 1) == NULL))
            return 0;
        s->flags = upper[13];
    }
    uint64_t src = big32(load32(ip + 12)), dst = big32(load32(ip + 16));
    s->ip = ip;
    s->upper = upper;
    s->protocol = ip[9] == 17;
    s->ends = src << 32 | dst;
    s->ports = (uint64_t)big32(load32(upper)) << 32 | s->protocol;
    s->place = mix(s->ends, s->ports);
    return 1;
}

static inline struct session *find(struct nat *n, const struct seen *s)
{
    for (uint32_t number = n->out[s->place & n->mask]; number; number = n->sessions[number].out_next) {
        struct session *session = &n->sessions[number];
        if (likely(((session->out ^ s->ends) | (session->out_ports ^ s->ports)) == 0))
            return session;
    }
    return NULL;
}

static inline uint32_t left(const struct nat *n, uint32_t address, uint32_t protocol)
{
    return 64512 - n->ports[2 * address + protocol].taken;
}

static uint32_t below(struct nat *n, uint32_t most)
{
    n->random ^= n->random >> 12;
    n->random ^= n->random << 25;
    n->random ^= n->random >> 27;
    return (uint32_t)((n->random * 0x2545f4914f6cdd1du >> 32) * most >> 32);
}

static uint32_t take(struct ports *p, uint32_t number)
{
    uint16_t edge = (uint16_t)(64512 - ++p->taken), place = p->place[number] ^ (uint16_t)number;
    uint16_t other = p->dense[edge] ^ edge;
    p->dense[place] = other ^ place;
    p->place[other] = place ^ other;
    p->dense[edge] = (uint16_t)number ^ edge;
    p->place[number] = edge ^ (uint16_t)number;
    return 1024 + number;
}

static int64_t port_for(struct nat *n, struct host *host, uint32_t protocol, uint32_t wanted)
{
    if (host->mappings == 0) {
        uint32_t one = below(n, (uint32_t)n->addresses), other = below(n, (uint32_t)n->addresses);
        host->address = left(n, one, protocol) >= left(n, other, protocol) ? one : other;
    }
    struct ports *p = &n->ports[2 * host->address + protocol];
    if (left(n, host->address, protocol) == 0)
        return -1;
    if (n->preserve && wanted >= 1024) {
        uint32_t number = wanted - 1024;
        if ((p->place[number] ^ number) < 64512 - p->taken)
            return take(p, number);
    }
    uint32_t place = below(n, 64512 - p->taken);
    return take(p, p->dense[place] ^ place);
}

static struct session *make(struct nat *n, const struct seen *s, int64_t time)
{
    if (n->count == n->capacity)
        return NULL;
    uint64_t address = s->ends >> 32, port = s->ports >> 48;
    uint32_t *head = &n->by_host[mix(address, 1) & n->mask], number = *head;
    while (number && n->hosts[number].key != address)
        number = n->hosts[number].next;
    if (!number) {
        number = (uint32_t)++n->known;
        n->hosts[number] = (struct host){.key = address, .next = *head};
        *head = number;
    }
    struct host *host = &n->hosts[number];
    uint64_t key = address << 32 | port << 16 | (uint64_t)s->protocol << 8;
    head = &n->by_inside[mix(key, 2) & n->mask];
    uint32_t mapped = *head;
    while (mapped && n->mappings[mapped].key != key)
        mapped = n->mappings[mapped].next;
    if (!mapped) {
        int64_t given = port_for(n, host, s->protocol, (uint32_t)port);
        if (given < 0)
            return NULL;
        mapped = (uint32_t)++n->mapped;
        uint64_t external = (uint64_t)n->list[host->address] << 16 | (uint64_t)given;
        n->mappings[mapped] = (struct mapping){key, external, *head, 0, number, host->address};
        *head = mapped;
        n->ports[2 * host->address + s->protocol].mapping[given] = mapped;
        host->mappings++;
    }
    struct mapping *mapping = &n->mappings[mapped];
    mapping->sessions++;
    host->sessions++;
    uint32_t at = (uint32_t)++n->count;
    struct session *session = &n->sessions[at];
    session->out = s->ends;
    session->out_ports = s->ports;
    session->in = mapping->external >> 16 << 32 | (s->ends & 0xffffffff);
    session->in_ports = mapping->external << 48 | (s->ports & 0xffffffffffff);
    session->class = s->protocol ? UDP_CLASS : TRANSITORY;
    session->flags = s->protocol ? 0 : SYN_OUT;
    session->mapping = mapped;
    session->out_next = n->out[s->place & n->mask];
    n->out[s->place & n->mask] = at;
    head = &n->in[mix(session->in, session->in_ports) & n->mask];
    session->in_next = *head;
    *head = at;
    session->last = (uint32_t)(time >> TICK);
    session->turn = (uint32_t)((((time >> TICK) + timeouts[session->class]) >> TURN) + 1) & (TURNS - 1);
    session->after = n->wheel[session->turn];
    if (session->after)
        n->sessions[session->after].before = at;
    n->wheel[session->turn] = at;
    return session;
}

static inline uint32_t folded(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    return (sum & 0xffff) + (sum >> 16);
}

/* RFC 1624: HC' = ~(~HC + ~m + m'), with what changed summed before. */
static inline uint16_t followed(uint16_t checksum, uint32_t change)
{
    return (uint16_t)~folded((uint16_t)~checksum + change);
}

static inline void translate(const struct seen *s, const struct session *session)
{
    uint32_t address = big32((uint32_t)(session->in >> 32)), old = load32(s->ip + 12);
    uint16_t port = big16((uint16_t)(session->in_ports >> 48)), old_port = load16(s->upper);
    uint32_t change = (~old & 0xffff) + (~old >> 16) + (address & 0xffff) + (address >> 16);
    uint32_t both = change + (uint16_t)~old_port + port;
    store16(s->ip + 10, followed(load16(s->ip + 10), change));
    memcpy(s->ip + 12, &address, sizeof address);
    store16(s->upper, port);
    uint8_t *at = s->upper + (s->protocol ? 6 : 16);
    uint16_t checksum = load16(at);
    if (s->protocol && checksum == 0)
        return;
    checksum = followed(checksum, both);
    store16(at, s->protocol && checksum == 0 ? 0xffff : checksum);
}

/* What a segment's flags do; one of a known session without SYN, FIN and RST does nothing. */
static __attribute__((noinline)) void segment(struct session *session, uint8_t flags)
{
    session->flags &= (uint8_t)~RST_SEEN;
    if (flags & 4)
        session->flags |= RST_SEEN;
    else if (flags & 2)
        session->flags |= SYN_OUT;
    else if (flags & 1)
        session->flags |= FIN_OUT;
}

static inline uint32_t some(struct nat *n, const struct descriptor *burst, const uint32_t *in, uint32_t count,
                            uint32_t *out)
{
    struct seen seen[BURST];
    uint8_t whole[BURST];
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        whole[i] = (uint8_t)look(&seen[i], &burst[in[i]]);
        if (likely(whole[i]))
            __builtin_prefetch(&n->out[seen[i].place & n->mask]);
    }
    for (uint32_t i = 0; i < count; i++)
        if (likely(whole[i]))
            __builtin_prefetch(&n->sessions[n->out[seen[i].place & n->mask]], 1);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t position = in[i];
        if (unlikely(!whole[i])) {
            n->unseen++;
            out[kept++] = position;
            continue;
        }
        const struct descriptor *d = &burst[position];
        struct session *session = find(n, &seen[i]);
        uint32_t now = (uint32_t)(d->time >> TICK);
        if (likely(session != NULL)) {
            /* None ends here: one that is over begins again. */
            if (unlikely(now - session->last >= timeouts[session->class]))
                session->class = seen[i].protocol ? UDP_CLASS : TRANSITORY;
            session->last = now;
            if (unlikely(seen[i].flags & 7 || session->flags & RST_SEEN))
                segment(session, seen[i].flags);
        } else if ((session = make(n, &seen[i], d->time)) == NULL) {
            n->refused++;
            continue;
        }
        translate(&seen[i], session);
        out[kept++] = position;
    }
    return kept;
}

uint32_t nat(void *state, const struct descriptor *burst, const uint32_t *in, uint32_t count, uint32_t *out)
{
    uint32_t kept = 0;
    for (uint32_t first = 0; first < count; first += BURST)
        kept += some(state, burst, in + first, count - first < BURST ? count - first : BURST, out + kept);
    return kept;
}

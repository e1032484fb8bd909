"""How rules lie in memory (the *book*, which all workers read), and what each worker has of its own (its *desk*).

All offsets are in bytes, words have 64 bits; offsets in a book count from its begin, and 0 is "none".
"""

from __future__ import annotations

# The book's header.
B_RULES = 0  # offset of the first rule; those that pass packets come first
B_COUNT = 8
B_PASSES = 16  # how many of them pass
B_NEEDS = 24  # whose flows are followed: bits NEED_...
B_INLINE = 32  # 1: packets are dropped
B_MIDSTREAM = 40  # 1: connections whose begin was not seen count as established
B_KEEP = 48  # bytes of a stream that are looked at again with what follows
B_GROUPS = 56  # offset of the groups: rules without a literal, by scope and protocol
B_SETS = 64  # for each scope, SET bytes: its literals
B_REGEXES = 96  # offset of the expressions
B_END = 128

DROPS, RESETS = 1, 2
GOES, IS_DROPPED, TURNS = 0, 1, 2  # what ids_fate says

PACKETS, STREAMS = 0, 1  # scopes: what a rule's payload options look at
SET = 16
SET_TABLES = 0  # offset of what patterns_native reads, or 0 where the scope has no literals
SET_RULES = 8  # offset of a word for each literal: the offset of its list of rules

NEED_TCP, NEED_UDP, NEED_OTHER = 1, 2, 4

# A group, by scope and protocol (OF_...). Lists are u32: a count, then so many numbers of rules.
G_ALWAYS = 0  # offset of a list
G_DST = 8  # offset of a u32 for each port, the offset of a list or 0
G_SRC = 16
GROUP = 24
OF_TCP, OF_UDP, OF_ICMP, OF_OTHER = 0, 1, 2, 3
KINDS = 4

# A rule.
R_ACTS = 0  # bits ACT_...
R_PROTOCOL = 8  # IANA's number; 0: any
R_SRC = 16  # offsets of sets; 0: any
R_SRC_PORTS = 24
R_DST = 32
R_DST_PORTS = 40
R_BOTH = 48  # 1: <>
R_SLOT = 56  # where it is counted; what alerts name it by
R_TESTS = 64  # offset of steps, and how many
R_TEST_COUNT = 72
R_STEPS = 80
R_STEP_COUNT = 88
R_FLOW = 96  # bits FLOW_...
R_BITS = 104  # offset of its operations on flow bits, and how many
R_BIT_COUNT = 112
R_DETECTION = 120  # offsets of filters; 0: none
R_LIMIT = 128
R_SUPPRESS = 136  # offset of the suppressions, and how many
R_SUPPRESS_COUNT = 144
R_SCOPE = 152  # bits SCOPE_...
RULE = 160

ACT_PASS, ACT_DROP, ACT_TELL, ACT_LOG, ACT_RESET = 1, 2, 4, 8, 16
FLOW_ESTABLISHED, FLOW_NOT_ESTABLISHED, FLOW_TO_SERVER, FLOW_TO_CLIENT = 1, 2, 4, 8
SCOPE_NEW = 1  # in a stream it must touch bytes that are new
SCOPE_WHOLE = 2  # in a stream it is looked for in what was kept too, never in the new bytes alone

# A set of addresses: how many ranges of IPv4 and IPv6, then pairs of words, then fours (upper words turned over).
A_V4 = 0
A_V6 = 8
A_RANGES = 16
# A set of ports: how many ranges, then pairs of words.
PORTS = 8

# A step: a test of the packet, or of its payload.
I_KIND = 0
I_FLAGS = 8
I_A = 16
I_B = 24
I_C = 32
I_D = 40
I_E = 48
I_F = 56
STEP = 64

IS_RANGE, IS_BITS, IS_OPTION, IS_SAME = 1, 2, 3, 4  # field, low, high; field, how, bits, ignored; number
DO_CONTENT = 10  # text, size, offset, depth (-1: to the end)
DO_PCRE = 11  # number
DO_TEST = 12  # count and base, offset, mask, operator, value
DO_JUMP = 13  # count and base, offset, mask, multiplier and align and origin, post offset
DO_EXTRACT = 14  # count and base, offset, mask, multiplier and align, variable
DO_AT = 15  # offset
EXACTLY, ALL, ANY, NONE = 0, 1, 2, 3

NEGATED, NOCASE, RELATIVE, RETRY, LITTLE = 1, 2, 4, 8, 16
OFFSET_VARIABLE, SECOND_VARIABLE = (
    32,
    64,
)  # the offset, and depth, value or post offset, are numbers of variables

LESS, MORE, EQUAL, AT_MOST, AT_LEAST, AND, XOR = 0, 1, 2, 3, 4, 5, 6
HERE, BEGINNING, END = 0, 1, 2

# An operation on a flow bit: what, the bit's number.
ON_SET, ON_UNSET, ON_TOGGLE, ON_ISSET, ON_ISNOTSET = 0, 1, 2, 3, 4
BIT = 16

# A filter: kind, 1 by source, count, nanoseconds.
X_KIND = 0
X_BY_SRC = 8
X_COUNT = 16
X_TIME = 24
FILTER = 32
DETECTION, LIMIT, THRESHOLD, BOTH = 0, 1, 2, 3

# A suppression: 0 all, 1 by source, 2 by destination; offset of a set of addresses.
SUPPRESS = 16

# The desk's header.
D_TIME = 0
D_VERDICT = 8  # what becomes of the packet on its way: bits DROPS, RESETS
D_STAMP = 16  # number of the search for rules
D_WAITING = 24  # rules that may match
D_FUEL = 32
D_TOLD = 40  # alerts of the packet at hand
D_FLOW = 48  # address of its flow's record, or 0
D_SIDE = 56  # 1: it comes from the flow's second side
D_HITS = 64  # offsets: two words for each slot (matched, told)
D_SEEN = 72  # a u32 for each rule: the stamp of the search that found it
D_LIST = 80  # a u32 for each rule: those that may match
D_FOUND = 88  # the list of literals found
D_FLOWS = 96  # the table of flows, and bytes of its slots
D_FLOW_STRIDE = 104
D_TRACKS = 112  # the table of what filters count
D_TRACK_STRIDE = 120
D_BITS = 128  # words of flow bits
D_WAYS = 136  # offset of what expressions need
D_INGRESS = 144  # number of the port that the last packet came from
D_PORT = 152  # the same of the packet or piece at hand, as far as that is known
D_COUNTERS = 192
C_PACKETS, C_CHUNKS, C_GIVEN_UP, C_CROWDED, C_BLOCKED, C_DROPPED = (D_COUNTERS + 8 * n for n in range(6))
C_BLOCKS = D_COUNTERS + 48  # flows that were blocked
C_RESETS = D_COUNTERS + 56  # packets that became resets

# The packet at hand.
P_VERSION = 320
P_PROTOCOL = 328
P_SRC = 336  # high, low
P_DST = 352
P_SRC_PORT = 368  # -1: it has none
P_DST_PORT = 376
P_DATA = 384  # address and size of its payload
P_SIZE = 392
P_IP = 400  # address of the IP header, bytes of it and what follows; 0: it is a piece of a stream
P_IP_SIZE = 408
P_UPPER = 416  # address of the TCP, UDP or ICMP header; 0: it has none that is whole
P_KIND = 424  # OF_...
P_FRAGMENT = 432  # offset of a fragment, in 8 bytes
P_KEY = 440  # the flow: two addresses of two words (the lower one first), ports, protocol and version
KEY = 40
P_STREAM = 480  # 1: it is a piece of a stream
P_LAST_KEY = (
    488  # KEY bytes: the flow of the packet that is on its way, while pieces of streams are looked at
)
D_VARIABLES = 576
D_TRACK = 640  # the key of a filter: slot, address of two words
TRACK = 24
D_ALERT = 704
ALERT = 56
D_STACK = 768  # what to go back to: step, where to go on, cursor, reach
CHOICE = 32
MOST_STEPS = 64
D_END = D_STACK + MOST_STEPS * CHOICE

# A flow: state, then words of bits.
V_STATE = 0
V_BITS = 8
CLIENT_SECOND, KNOWN, SYN, SYN_ACK, ESTABLISHED, ANSWERED, ENDED = 1, 2, 4, 8, 16, 32, 64
IS_BLOCKED, IS_RESET = 128, 256  # its packets are dropped; and reset

# What a filter counts: since when, how many.
T_SINCE = 0
T_COUNT = 8
TRACKED = 16

FUEL = 200_000  # steps of all rules for one packet
MOST_TOLD = 64  # alerts of one packet
TURN = -(1 << 63)  # turns the upper bit over, so that signed words compare as unsigned ones

FIELD_TTL, FIELD_TOS, FIELD_ID, FIELD_DSIZE, FIELD_FRAGMENT, FIELD_PROTOCOL = 0, 1, 2, 3, 4, 5
FIELD_SEQ, FIELD_ACK, FIELD_WINDOW, FIELD_TYPE, FIELD_CODE, FIELD_ICMP_ID, FIELD_ICMP_SEQ = (
    6,
    7,
    8,
    9,
    10,
    11,
    12,
)
FIELD_FLAGS, FIELD_FRAGMENT_BITS = 13, 14

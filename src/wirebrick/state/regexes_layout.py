"""How the memory of Regexes is laid out."""

from __future__ import annotations

# The block: how many expressions there are, then an entry for each.
X_COUNT = 0
X_ENTRIES = 64

E_TABLE = (
    0  # offset of the automaton's table (u16: next state, times two, plus one where there is a match), or 0
)
E_CLASSES = 8  # offset of the class (u8) of each byte, of a newline that is the last byte, of the end
E_WIDTH = 16  # classes
E_BEGIN = (
    24  # states in which a search begins: where the data begin, behind a newline, a letter, another byte
)
E_CODE = 32  # offset of the program
E_START = 40
E_LENGTH = 48
ENTRY = 64

LAST_NEWLINE = 256
END = 257
CLASSES = 264

I_OP = 0
I_A = 4
I_B = 8
INSTRUCTION = 12
SET = 32

# A worker's memory: two lists of instructions, a stack, and for each instruction the step that last came to it.
W_STEP = 0
W_LISTS = 64

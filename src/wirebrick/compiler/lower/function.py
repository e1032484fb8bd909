"""One function: its statements as blocks of LLVM. Variables live on the stack; LLVM makes registers of them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from llvmlite import ir

from wirebrick.compiler.intrinsics import I64

if TYPE_CHECKING:
    from wirebrick.compiler.lower.module import Lowered, Module, Space

RANGE_COUNT = "range_count"
MARKS = {
    "apart": ("noinline",),
    "seldom": ("noinline", "cold", "optsize", "minsize"),
    "inlined": ("alwaysinline",),
}  # ``seldom``, and those of ``packet.memory``


class Lowering:
    """The state while one function is lowered."""

    def __init__(self, module: Module, space: Space, function: ir.Function) -> None:
        self.module = module
        self.space = space
        self.function = function
        self.result: Any = None  # its kind, from the first return on
        self.seldom = "cold" in function.attributes
        self.entry = function.append_basic_block("entry")
        self.allocas = ir.IRBuilder(self.entry)
        body = function.append_basic_block("body")
        self.builder = ir.IRBuilder(body)
        self.body = body
        self.variables: dict[str, tuple[Any, Any]] = {}  # name: kind, stack slot (or slots of a tuple)
        self.loops: list[tuple[Any, Any]] = []  # blocks of continue and break

    def block(self, name: str) -> Any:
        """A new block at the end of the function."""
        return self.function.append_basic_block(name)

    def slot(self, kind: Any) -> Any:
        """Stack memory for a value."""
        from wirebrick.compiler.lower.module import llvm_type

        return self.allocas.alloca(llvm_type(kind))

    def store(self, name: str, kind: Any, value: Any) -> None:
        """Give a variable a value."""
        known = self.variables.get(name)
        if known is None:
            known = self.variables[name] = (kind, self.slot(kind))
        if known[0] != kind:
            if known[0] == "i" and kind == "b":
                value = self.builder.zext(value, I64)
            else:
                raise TypeError(f"{self.function.name}: {name} was {known[0]}, now {kind}")
        self.builder.store(value, known[1])


def lower_function(
    module: Module,
    target: ir.Module,
    space: Space,
    node: ast.FunctionDef,
    kinds: tuple[Any, ...],
) -> Lowered:
    """Lower a function into ``target``."""
    from wirebrick.compiler.lower.module import Lowered, llvm_type

    name = target.get_unique_name(f"{node.name}.{'_'.join(map(str, kinds))}")
    types = [llvm_type(kind) for kind in kinds]
    function = ir.Function(target, ir.FunctionType(ir.VoidType(), types), name)
    function.linkage = "internal"
    for mark in node.decorator_list:
        assert isinstance(mark, ast.Name)
        for attribute in MARKS[mark.id]:
            function.attributes.add(attribute)
    low = Lowering(module, space, function)
    if len(node.args.args) != len(kinds):
        raise TypeError(f"{space.file}: {node.name} takes {len(node.args.args)} arguments, not {len(kinds)}")
    for argument, kind, value in zip(node.args.args, kinds, function.args, strict=True):
        low.store(argument.arg, kind, value)
    statements(low, node.body)
    if not low.builder.block.is_terminated:
        if low.result is None:
            low.builder.ret_void()
        else:
            low.builder.unreachable()
    low.allocas.branch(low.body)
    if low.result is not None:
        _returns(function, llvm_type(low.result))
    target.globals.move_to_end(name)  # after those it calls
    return Lowered(function, low.result)


def _returns(function: ir.Function, kind: Any) -> None:
    """Give a function the type of its result, which is known once its body is lowered."""
    function.ftype = ir.FunctionType(kind, function.ftype.args)
    function.type = function.ftype.as_pointer()
    function.return_value.type = kind


def statements(low: Lowering, body: list[ast.stmt]) -> None:
    """Lower statements in order; what follows a jump is left out."""
    for node in body:
        if low.builder.block.is_terminated:
            return
        STATEMENTS[type(node)](low, node)


def _assign(low: Lowering, node: ast.Assign) -> None:
    from wirebrick.compiler.lower.expressions import expression

    kind, value = expression(low, node.value)
    for target in node.targets:
        if isinstance(target, ast.Name):
            low.store(target.id, kind, value)
            continue
        assert isinstance(target, ast.Tuple)
        for number, (part, item) in enumerate(zip(target.elts, kind, strict=True)):
            assert isinstance(part, ast.Name)
            low.store(part.id, item, low.builder.extract_value(value, number))


def _augmented(low: Lowering, node: ast.AugAssign) -> None:
    from wirebrick.compiler.lower.expressions import expression

    assert isinstance(node.target, ast.Name)
    kind, value = expression(low, ast.BinOp(ast.Name(node.target.id, ast.Load()), node.op, node.value))
    low.store(node.target.id, kind, value)


def _if(low: Lowering, node: ast.If) -> None:
    from wirebrick.compiler.lower.expressions import condition

    yes, no = low.block("then"), low.block("else")
    end = low.block("end") if node.orelse else no
    low.builder.cbranch(condition(low, node.test), yes, no)
    for block, body in ((yes, node.body), (no, node.orelse)):
        if block is end:
            continue
        low.builder.position_at_end(block)
        statements(low, body)
        if not low.builder.block.is_terminated:
            low.builder.branch(end)
    low.builder.position_at_end(end)


def _while(low: Lowering, node: ast.While) -> None:
    from wirebrick.compiler.lower.expressions import condition

    head, body, end = low.block("while"), low.block("do"), low.block("done")
    low.builder.branch(head)
    low.builder.position_at_end(head)
    if isinstance(node.test, ast.Constant) and node.test.value:
        low.builder.branch(body)
    else:
        low.builder.cbranch(condition(low, node.test), body, end)
    low.builder.position_at_end(body)
    low.loops.append((head, end))
    statements(low, node.body)
    low.loops.pop()
    if not low.builder.block.is_terminated:
        low.builder.branch(head)
    low.builder.position_at_end(end)


def _for(low: Lowering, node: ast.For) -> None:
    """``for i in range(...)``: counts iterations, so that no bound can overflow."""
    from wirebrick.compiler.lower.expressions import integer

    assert isinstance(node.iter, ast.Call)
    assert isinstance(node.target, ast.Name)
    bounds = [integer(low, argument) for argument in node.iter.args]
    start, stop = (I64(0), bounds[0]) if len(bounds) == 1 else (bounds[0], bounds[1])
    step = bounds[2] if len(bounds) == 3 else I64(1)
    b = low.builder
    one = isinstance(step, ir.Constant) and step.constant == 1
    if one:
        some = b.icmp_signed("<", start, stop)
        last = b.select(some, stop, start)
    else:
        from wirebrick.compiler.lower.expressions import call_named

        count = call_named(low, RANGE_COUNT, [("i", start), ("i", stop), ("i", step)])[1]
        last = b.add(start, b.mul(count, step))
    counter = low.slot("i")
    b.store(start, counter)
    head, body, after, end = (low.block(name) for name in ("for", "do", "next", "done"))
    b.branch(head)
    b.position_at_end(head)
    current = b.load(counter)
    b.cbranch(b.icmp_signed("!=", current, last), body, end)
    b.position_at_end(body)
    low.store(node.target.id, "i", current)
    low.loops.append((after, end))
    statements(low, node.body)
    low.loops.pop()
    if not b.block.is_terminated:
        b.branch(after)
    b.position_at_end(after)
    b.store(b.add(b.load(counter), step), counter)
    b.branch(head)
    b.position_at_end(end)


def _return(low: Lowering, node: ast.Return) -> None:
    from wirebrick.compiler.lower.expressions import expression, fit

    if node.value is None:
        low.builder.ret_void()
        return
    kind, value = expression(low, node.value)
    if low.result is None:
        low.result = kind
    low.builder.ret(fit(low, kind, value, low.result))


def _break(low: Lowering, node: ast.Break) -> None:
    low.builder.branch(low.loops[-1][1])


def _continue(low: Lowering, node: ast.Continue) -> None:
    low.builder.branch(low.loops[-1][0])


def _expression(low: Lowering, node: ast.Expr) -> None:
    from wirebrick.compiler.lower.expressions import expression

    if not isinstance(node.value, ast.Constant):
        expression(low, node.value)


def _pass(low: Lowering, node: ast.Pass) -> None:
    return


STATEMENTS: dict[type[ast.stmt], Any] = {
    ast.Assign: _assign,
    ast.AugAssign: _augmented,
    ast.If: _if,
    ast.While: _while,
    ast.For: _for,
    ast.Return: _return,
    ast.Break: _break,
    ast.Continue: _continue,
    ast.Expr: _expression,
    ast.Pass: _pass,
}

"""Network namespaces: made, entered by one thread, told apart, removed (namespaces(7), network_namespaces(7))."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import stat
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeVar

from wirebrick.errors import LabError

FOLDER = Path("/var/run/netns")  # where iproute2 has them: `ip netns` shows those of labs too
_OWN = "/proc/thread-self/ns/net"
_CLONE_NEWNET, _CLONE_NEWNS = 0x40000000, 0x00020000
_MS_REC, _MS_SLAVE = 0x4000, 0x80000
_SO_NETNS_COOKIE = 71  # Linux 5.14
T = TypeVar("T")


@dataclass(frozen=True)
class Namespace:
    """A namespace that was made here: its name, and what tells it from another one of the same name.

    ``inode``: of its file; the kernel gives the numbers of removed namespaces to new ones.
    ``cookie``: a number that no other namespace has since the machine started; None before Linux 5.14.
    """

    name: str
    inode: int
    cookie: int | None

    @property
    def path(self) -> Path:
        """Its file: ``/var/run/netns/NAME``."""
        return FOLDER / self.name

    def exists(self) -> bool:
        """Whether it is there, and not another one with its name."""
        try:
            os.close(self.open())
        except LabError:
            return False
        return True

    def open(self) -> int:
        """A descriptor of it. Raises LabError where it is gone, or is not the one that was made here."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise LabError(f"there is no namespace {self.name}: {error.strerror}") from None
        same = os.fstat(descriptor).st_ino == self.inode
        if same and self.cookie is not None:
            with contextlib.suppress(PermissionError):  # only root can look closer
                same = in_thread(descriptor, _cookie) == self.cookie
        if not same:
            os.close(descriptor)
            raise LabError(
                f"the namespace {self.name} is not the one that this lab made: someone else has made it since",
                cure="take the lab down (it leaves that namespace alone) and make it again",
            )
        return descriptor

    def call(self, function: Callable[[], T], *, system: bool = False) -> T:
        """What ``function`` gives, called in this namespace by a thread of its own.

        With ``system`` also ``/sys`` is the namespace's, as ``ip netns exec`` has it: for programs to start.
        """
        descriptor = self.open()
        try:
            return in_thread(descriptor, function, system=system)
        finally:
            os.close(descriptor)

    def become(self, command: Sequence[str]) -> NoReturn:
        """Run a program here in this process's place. Raises OSError where that can't be."""
        descriptor = self.open()
        _set(descriptor)
        _mount_sys()
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and what it becomes would, too
            signal.signal(number, signal.SIG_DFL)
        os.execvp(command[0], list(command))

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """The calling thread is in this namespace; threads that it starts stay there."""
        back = os.open(_OWN, os.O_RDONLY | os.O_CLOEXEC)
        try:
            descriptor = self.open()
            try:
                _set(descriptor)
            finally:
                os.close(descriptor)
            try:
                yield
            finally:
                _set(back)
        finally:
            os.close(back)


def make(name: str, record: Callable[[Namespace], None]) -> Namespace:
    """Make a namespace. ``record`` is called before it gets its name: a process killed then leaves nothing."""
    from pyroute2 import netns

    def go() -> Namespace:
        _check(_libc().unshare(_CLONE_NEWNET), "unshare")
        made = Namespace(name, os.stat(_OWN).st_ino, _cookie())
        record(made)
        netns.attach(name, threading.get_native_id())
        return made

    if (FOLDER / name).exists():
        raise LabError(
            f"there is a namespace {name} that no lab made",
            cure=f"give the lab another name, or remove the namespace: ip netns delete {name}",
        )
    return in_thread(None, go)


def remove(namespace: Namespace) -> bool:
    """Remove a namespace; False where another one has its name, which stays as it is."""
    from pyroute2 import netns

    try:
        found = namespace.path.lstat()
    except FileNotFoundError:
        return True
    # A maker that was killed at the wrong moment leaves an empty file, on which nothing is mounted.
    unfinished = stat.S_ISREG(found.st_mode) and found.st_size == 0 and found.st_dev == FOLDER.stat().st_dev
    if not unfinished and not namespace.exists():
        return False
    netns.remove(namespace.name)
    return True


def in_thread(descriptor: int | None, function: Callable[[], T], *, system: bool = False) -> T:
    """What ``function`` gives in a thread of its own, moved to a namespace: the caller's thread never moves."""
    results: list[T] = []
    errors: list[BaseException] = []

    def go() -> None:
        try:
            if descriptor is not None:
                _set(descriptor)
            if system:
                _mount_sys()
            results.append(function())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=go, name="wirebrick-lab")
    thread.start()
    try:
        thread.join()
    except BaseException:  # Ctrl-C: it ends what it is at, so that the caller knows what there is to undo
        thread.join()
        raise
    if errors:
        raise errors[0]
    return results[0]


def _set(descriptor: int) -> None:
    _check(_libc().setns(descriptor, _CLONE_NEWNET), "setns")


def _mount_sys() -> None:
    """Give this thread, and what it starts, a ``/sys`` that shows the interfaces of its namespace."""
    libc = _libc()
    _check(libc.unshare(_CLONE_NEWNS), "unshare")
    _check(libc.mount(b"none", b"/", None, _MS_REC | _MS_SLAVE, None), "mount")
    # Some containers allow all but this; programs then see the interfaces of outside in /sys, and only there.
    libc.mount(b"wirebrick", b"/sys", b"sysfs", 0, None)


def _cookie() -> int | None:
    """The number of the calling thread's namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        try:
            return int.from_bytes(one.getsockopt(socket.SOL_SOCKET, _SO_NETNS_COOKIE, 8), "little")
        except OSError:
            return None


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, call: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")

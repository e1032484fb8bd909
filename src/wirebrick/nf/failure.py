"""What went wrong while a user's file was run, as an error that names the line."""

from __future__ import annotations

import linecache
import os
import traceback

from wirebrick.errors import ParameterError, Place, WirebrickError


def as_error(error: BaseException, file: str, folder: str) -> WirebrickError:
    """An error of Wirebrick for an exception that ``file`` raised; ``folder`` is where the user's files lie.

    The place is the innermost line that is the user's: of the file, or of one beside it.
    """
    linecache.checkcache(file)
    if isinstance(error, SyntaxError) and error.filename:
        place = Place(error.filename, error.lineno or 1, max(error.offset or 1, 1))
        return ParameterError(f"{type(error).__name__}: {error.msg}", place=place)
    place = _place(error, file, folder)
    if isinstance(error, WirebrickError):
        error.place = error.place or place
        return error
    text = str(error).strip().partition("\n")[0]
    message = f"{type(error).__name__}: {text}" if text else type(error).__name__
    cure = ""
    if isinstance(error, ModuleNotFoundError):
        cure = f"install {error.name}, or put it beside the file"
    if isinstance(error, SystemExit):
        message, cure = "the file ends the program", "put what a script does below if __name__ == '__main__'"
    return ParameterError(message, place=place, cure=cure)


def _place(error: BaseException, file: str, folder: str) -> Place:
    place = Place(file, 1)
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == file or os.path.realpath(frame.filename).startswith(folder + os.sep):
            place = Place(frame.filename, frame.lineno or 1, (frame.colno or 0) + 1)
    return place

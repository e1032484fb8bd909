"""What NFs have to say at the end of a run."""

from __future__ import annotations

from wirebrick.errors import GraphError, WirebrickError
from wirebrick.runtime.report import Report
from wirebrick.stream.graph import Graph


def call_at_end(graph: Graph, reports: list[tuple[str, Report]]) -> None:
    """Call what the NFs registered with ``at_end``, and add (NF, Report) to ``reports``.

    All are called even if one fails; the first WirebrickError is raised afterwards.
    """
    failure: WirebrickError | None = None
    for scope in graph.scopes:
        for function in scope.reports:
            try:
                report = function()
            except WirebrickError as error:
                failure = failure or error
                continue
            if isinstance(report, Report):
                reports.append((scope.name, report))
            elif report is not None:
                raise GraphError(
                    f"the at_end() function of {scope.name} returned {report!r}",
                    place=scope.place,
                    cure="return a wirebrick.Report, or None",
                )
    if failure is not None:
        raise failure

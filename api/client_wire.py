"""How a program's questions get through: sent again when an answer is lost, and done only once.

Every write carries an idempotency key, the same one each time it is sent, so a booking whose
answer was lost on the way is not made twice.

See: docs/http.md, from a program; docs/decisions/0092-a-client-that-asks-again.md
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any
from uuid import uuid4

import httpx

from dispatch.wording import sentence

ROOT = "/api/v1"
AGAIN = frozenset({429, 503})
"""Answers that mean: not now."""


class Problem(Exception):
    """Why the service did not do what it was asked: its problem document (RFC 9457).

    code : stable; programs go by it.
    status : of HTTP; 503 with the code `unavailable` where nobody answered.
    detail : one sentence in the language that was asked for.
    field : what of the question is meant, if the service said so.
    """

    def __init__(self, code: str, status: int, detail: str, field: str | None = None) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.status = status
        self.detail = detail
        self.field = field


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a client keeps asking.

    attempts : how often a question is sent, at most.
    first_seconds, longest_seconds : the pause after the first failure, doubled after each
        further one up to the longest, and drawn between half of that and the whole.
    """

    attempts: int = 6
    first_seconds: float = 0.2
    longest_seconds: float = 5.0
    sleep: Callable[[float], None] = time.sleep
    random: Random = field(default_factory=Random)

    def pause(self, failures: int, at_least: float = 0.0) -> None:
        """Wait after so many failures in a row."""
        whole = min(self.longest_seconds, self.first_seconds * 2 ** min(failures - 1, 20))
        self.sleep(max(at_least, whole * self.random.uniform(0.5, 1.0)))


class Wire:
    """One service at one address, asked in one language."""

    def __init__(self, base_url: str, language: str, timeout: float, patience: Patience) -> None:
        self._http = httpx.Client(base_url=base_url.rstrip("/"), timeout=timeout)
        self._language = language
        self._timeout = timeout
        self._patience = patience

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    def ask(
        self,
        method: str,
        path: str,
        token: str,
        *,
        body: object = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """The answer to a question. Raises Problem."""
        sent = {**self._headers(token), **(headers or {})}
        if method != "GET":
            sent.setdefault("Idempotency-Key", uuid4().hex)
        given = {name: value for name, value in (params or {}).items() if value is not None}
        for attempt in count(1):
            found = self._try(method, path, sent, body, given)
            if isinstance(found, httpx.Response) and found.status_code < 400:
                return found
            is_over = attempt >= self._patience.attempts
            if isinstance(found, Problem):
                if is_over:
                    raise found
                self._patience.pause(attempt)
            elif is_over or found.status_code not in AGAIN:
                raise problem_of(found)
            else:
                self._patience.pause(attempt, retry_after(found))
        raise AssertionError  # count() never ends

    def events(self, token: str, after: int) -> Iterator[tuple[int, str]]:
        """Each event's number and data after a number, across every cut, until it is closed."""
        failures = 0
        while not self._http.is_closed:
            at_least = 0.0
            headers = {**self._headers(token), "Last-Event-ID": str(after)}
            quiet = httpx.Timeout(self._timeout, read=QUIET_SECONDS)
            try:
                with self._http.stream(
                    "GET", f"{ROOT}/stream", headers=headers, timeout=quiet
                ) as answer:
                    at_least = _refused(answer)
                    for number, data in events_in(answer.iter_lines()):
                        after, failures = number, 0
                        yield number, data
            except httpx.TransportError:
                pass  # cut, or nobody there yet: ask again from the same number
            failures += 1
            self._patience.pause(failures, at_least)

    def _try(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: object,
        params: Mapping[str, Any],
    ) -> httpx.Response | Problem:
        try:
            return self._http.request(
                method, ROOT + path, headers=headers, params=params, json=body
            )
        except httpx.TransportError as error:
            what = f"{self._http.base_url}: {error}"
            return Problem("unavailable", 503, sentence("unavailable", self._language, what=what))

    def _headers(self, token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}", "Accept-Language": self._language}


QUIET_SECONDS = 60.0
"""A stream that says nothing for so long, not even that it is there, is taken for cut."""


def _refused(answer: httpx.Response) -> float:
    """The pause that a refused stream asks for. Raises Problem where asking again is no use."""
    if answer.status_code < 400:
        return 0.0
    answer.read()
    if answer.status_code not in AGAIN:
        raise problem_of(answer)
    return retry_after(answer)


def problem_of(answer: httpx.Response) -> Problem:
    """The problem in an answer."""
    try:
        told = answer.json()
        return Problem(told["code"], answer.status_code, told["detail"], told.get("field"))
    except (ValueError, KeyError, TypeError):
        return Problem("internal", answer.status_code, answer.reason_phrase)


def retry_after(answer: httpx.Response) -> float:
    """How many seconds an answer asks to be left alone."""
    said = answer.headers.get("Retry-After", "")
    return float(said) if said.isdigit() else 0.0


def events_in(lines: Iterator[str]) -> Iterator[tuple[int, str]]:
    """Number and data of each whole event of a stream; one that was cut short is left out."""
    number, data = None, []
    for line in lines:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "id" and value:
            number = int(value)
        elif name == "data":
            data.append(value)
        elif not line:
            if number is not None and data:
                yield number, "\n".join(data)
            number, data = None, []

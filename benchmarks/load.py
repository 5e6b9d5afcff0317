"""Clients that ask serve.py all at once, each as soon as it has its last answer."""

import asyncio
import email
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

HEAD = b"POST /invocations HTTP/1.1\r\nHost: serve\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n"


@dataclass(frozen=True)
class Load:
    """What some clients got: answers a second, and the median and 99th percentile of the seconds that one took."""

    clients: int
    throughput: float
    median: float
    p99: float


def measure(port: int, images: Sequence[bytes], clients: int, requests: int) -> Load:
    """Send PNG images over as many connections as there are clients, `requests` in all."""
    seconds: list[float] = []
    queue = itertools.islice(itertools.cycle(images), requests)
    began = time.perf_counter()
    asyncio.run(_ask_together(port, queue, clients, seconds))
    took = time.perf_counter() - began
    median, p99 = np.quantile(seconds, [0.5, 0.99])
    return Load(clients, len(seconds) / took, float(median), float(p99))


async def _ask_together(port: int, queue: Iterator[bytes], clients: int, seconds: list[float]) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(_ask(port, queue, seconds))


async def _ask(port: int, queue: Iterator[bytes], seconds: list[float]) -> None:
    """Take images from the queue until it is empty; raises ValueError where one isn't answered by 200."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for body in queue:
        began = time.perf_counter()
        head = (
            f"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        headers = (await reader.readuntil(b"\r\n\r\n")).decode()
        status, _, fields = headers.partition("\r\n")
        if " 200 " not in status:
            raise ValueError(f"serve.py answered {status!r}.")
        await reader.readexactly(int(email.message_from_string(fields)["Content-Length"]))
        seconds.append(time.perf_counter() - began)
    writer.close()
    await writer.wait_closed()

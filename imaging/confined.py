"""Decode a picture in a process of its own, which the kernel stops where it takes too much time or memory.

The kernel of macOS refuses a limit on memory: there only time and the picture's own size are bounded.

For formats whose decoders are libraries that take a whole file at once: nothing inside a process could stop them, and
what they corrupt is then not the caller's memory. `python -m imaging.confined` is that process.
"""

import json
import os
import resource
import signal
import subprocess
import sys

from PIL import Image

from imaging import still
from imaging.errors import ImageTooLarge, InvalidImage

MAX_MEMORY = 1_500_000_000
# How a process ends that its own code broke; any other signal comes from outside.
CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP}
REFUSALS = {error.__name__: error for error in (ImageTooLarge, InvalidImage)}

Size = tuple[int, int]


class DecoderFailed(Exception):
    """The process that decodes could not work, through no fault of the picture."""


def decode_confined(data: bytes, fit: str, side: int, seconds: float) -> tuple[Image.Image, Size]:
    """Return what `imaging.still.decode` makes of the bytes, in at most so many seconds of processor time.

    Raises:
        ImageTooLarge: it was refused so, or takes more than MAX_MEMORY.
        InvalidImage: it was refused so, takes too long, or lets its decoder crash.
        DecoderFailed: the process itself failed.
    """
    command = [sys.executable, "-P", "-m", "imaging.confined", fit, str(side), str(seconds), str(MAX_MEMORY)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(command, input=data, capture_output=True, env=environment, check=False)  # noqa: S603 - ours
    if done.returncode == -signal.SIGPROF:
        raise InvalidImage(f"The image takes more than {seconds:g} s of processor time to decode.")
    if -done.returncode in CRASHES:
        raise InvalidImage("The object can't be decoded as an image: its decoder crashed.")
    header, _, pixels = done.stdout.partition(b"\n")
    if done.returncode or not header:
        raise DecoderFailed(f"The decoder ended with {done.returncode}: {done.stderr.decode(errors='replace')[-500:]}")
    answer = json.loads(header)
    if "error" in answer:
        raise REFUSALS[answer["error"]](answer["message"])
    return Image.frombytes("RGB", tuple(answer["size"]), pixels), tuple(answer["stored"])


def main() -> None:
    """Decode standard input as the arguments say, and write a line of JSON and then the pixels."""
    from pi_heif import register_heif_opener

    register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
    fit, side, seconds, memory = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    data = sys.stdin.buffer.read()
    # From here on all threads' time counts, and this signal ends the process.
    signal.setitimer(signal.ITIMER_PROF, seconds)
    if sys.platform != "darwin":
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    pixels = b""
    try:
        image, stored = still.decode(data, fit, side, (still.library_format(data) or "",))
        answer: dict[str, object] = {"size": image.size, "stored": stored}
        pixels = image.tobytes()
    except MemoryError:
        message = f"The image takes more than {memory:,} bytes of memory to decode."
        answer = {"error": ImageTooLarge.__name__, "message": message}
    except (ImageTooLarge, InvalidImage) as error:
        answer = {"error": type(error).__name__, "message": str(error)}
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + pixels)


if __name__ == "__main__":
    main()

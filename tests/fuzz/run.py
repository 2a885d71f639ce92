"""Fuzz what reads hostile bytes, one target after another, each in a process of its own.

    pip install atheris
    python tests/fuzz/run.py --seconds 60                 all targets, a minute each
    python tests/fuzz/run.py --seconds 600 format:pdf     one of them, for ten
    python tests/fuzz/run.py --list

Bytes that end in anything but facts or a typed finding are kept, once for each place that raised, below `--out`. So
is what takes longer than `SLOW` seconds of CPU. Every find becomes a test with the fewest bytes that show it.
"""

from __future__ import annotations

import argparse
import hashlib
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
SLOW = 5.0
MEMORY = 4096  # MiB
LONGEST = 1 << 20


def fuzz(name: str, seconds: int, out: Path) -> None:
    """Fuzz one target in this process, which ends with it."""
    import atheris

    with atheris.instrument_imports(include=["catalog"], enable_loader_override=False):
        from targets import targets

        target = targets()[name]
        seeds = list(target.seeds())
        for seed in seeds:
            target.run(seed)  # what it imports is instrumented as well
    seen: set[str] = set()

    def keep(kind: str, where: str, data: bytes, told: str) -> None:
        if where in seen:
            return
        seen.add(where)
        path = out / f"{name.replace('/', '_')}.{kind}.{hashlib.sha256(where.encode()).hexdigest()[:8]}"
        path.write_bytes(data)
        path.with_name(path.name + ".txt").write_text(told)
        print(f"FOUND {path.name}: {told.strip().splitlines()[-1]}", flush=True)

    def hang(*_: object) -> None:
        raise TimeoutError("it does not come back")

    def once(data: bytes) -> None:
        began = time.process_time()
        signal.setitimer(signal.ITIMER_VIRTUAL, 4 * SLOW)
        try:
            target.run(data)
        except BaseException as error:
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            at = traceback.extract_tb(error.__traceback__)[-1]
            keep(type(error).__name__, f"{at.filename}:{at.lineno}", data, traceback.format_exc())
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        taken = time.process_time() - began
        if taken > SLOW:
            keep("slow", "slow", data, f"{taken:.1f} seconds of CPU for {len(data):,} bytes")

    signal.signal(signal.SIGVTALRM, hang)
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(seeds):
            Path(corpus, str(number)).write_bytes(seed[:LONGEST])
        largest = max((len(seed) for seed in seeds), default=0)
        atheris.Setup(
            [sys.argv[0], corpus, f"-max_total_time={seconds}", f"-rss_limit_mb={MEMORY}", "-timeout=120",
             f"-max_len={min(max(2 * largest, 4096), LONGEST)}", f"-artifact_prefix={out}/{name.replace('/', '_')}.",
             "-print_final_stats=1", "-verbosity=0", "-close_fd_mask=0"],
            once,
        )  # fmt: skip
        atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="targets, or beginnings of their names; all unless given")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir(), "silograph-fuzz"))
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    if asked.here:
        fuzz(asked.names[0], asked.seconds, asked.out)
        return 0
    from targets import targets

    names = [name for name in targets() if not asked.names or name.startswith(tuple(asked.names))]
    if asked.list:
        print("\n".join(names))
        return 0
    bad = 0
    for name in names:
        words = [sys.executable, __file__, "--here", "--seconds", str(asked.seconds), "--out", str(asked.out), name]
        ended = subprocess.run(words, capture_output=True, text=True, errors="replace")
        lines = ended.stdout.splitlines() + ended.stderr.splitlines()
        found = [line for line in lines if line.startswith("FOUND")]
        runs = next((line.split()[-1] for line in lines if "number_of_executed_units" in line), "?")
        odd = "" if ended.returncode == 0 else f", ended with {ended.returncode}: {(lines or ['?'])[-1][:200]}"
        print(f"{name}: {runs} runs, {len(found)} found{odd}", *found, sep="\n  ", flush=True)
        bad += bool(found or odd)
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())

"""Coverage-guided fuzzing of the inspectors, by hand: `pip install atheris`, then

    python tests/formats/fuzz.py --seconds 60              # every format, one after the other
    python tests/formats/fuzz.py --seconds 600 gguf npy    # some

Begins with the file that the format's own writer made. What an inspector must never do (raise anything but
`InspectError`, hang, exceed its caps) stops that format's run; the bytes that did it are kept in `--work`.
A process that a library takes down is told apart: in a crawl that is a finding, as inspectors run in processes of their own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1]), str(HERE.parents[2])]


def main() -> None:
    import format_writers as write

    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("format", nargs="*")
    options.add_argument("--seconds", type=int, default=60, help="for each format")
    options.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "silograph-fuzz")
    options.add_argument("--one", help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.one:
        fuzz(asked.one, asked.work / asked.one, asked.seconds)
        return
    failed = []
    for format in asked.format or [*write.SAMPLES, *write.SAME]:
        command = [sys.executable, str(HERE), "--one", format, "--seconds", str(asked.seconds), "--work", str(asked.work)]
        ran = subprocess.run(command, capture_output=True, text=True, errors="replace")
        told = [line for line in ran.stderr.splitlines() if "cov:" in line][-1:]
        print(f"{format:16} {'ok' if ran.returncode == 0 else 'FAILED'}  {' '.join(told)[:100]}", flush=True)
        if ran.returncode:
            failed.append(format)
            print("\n".join(f"    {line}" for line in ran.stderr.splitlines()[-25:]), flush=True)
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


def fuzz(format: str, work: Path, seconds: int) -> None:
    """Fuzz one inspector in this process, which the fuzzer ends."""
    import atheris

    with atheris.instrument_imports(include=["catalog.formats"]):
        import test_hostile_files as hostile

        from catalog.formats.registry import inspector

        inspector(format.removesuffix(".gz"))
    seeds = work / "seeds"
    seeds.mkdir(parents=True, exist_ok=True)
    (seeds / "writer").write_bytes(hostile.sample(format))

    def once(data: bytes) -> None:
        hostile.ends_well(format, data, len(data))

    limits = [f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=4096", f"-artifact_prefix={work}/", "-max_len=65536"]
    atheris.Setup([sys.argv[0], *limits, str(seeds)], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

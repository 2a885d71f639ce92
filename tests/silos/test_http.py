"""Folders that web servers list: the conformance suite on real servers, and the pages of others."""

from __future__ import annotations

import json
import sys

import pytest
from conformance.remote_suite import RemoteSuite
from conformance.silo_suite import paths, walked
from harness import rclone
from harness.places import ServedPlace
from harness.rclone import CACHED, PASSWORD, USER, Served
from harness.scripted import Said, answering
from harness.servers import connected, free_port, running
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import SiloRefused, SiloUnreachable
from catalog.silos import manners
from catalog.silos.registry import open_silo
from catalog.silos.remote.index import NotIndexError, entries
from catalog.silos.remote.walk import gathered

pytest.importorskip("httpx2", reason="web servers need httpx2: pip install 'silograph[http]'")


class RclonePlace(ServedPlace):
    cannot_hold = frozenset({"\u201b27 quoted"})  # the server has a use of its own for that quote
    stale = 2 * CACHED


class PythonPlace(ServedPlace):
    many = 500  # each file is asked for, and the server takes no connection twice


@pytest.fixture(scope="module")
def rclone_server():
    with rclone.serving("http", "--user", USER, "--pass", PASSWORD) as served:
        yield served


@pytest.fixture(scope="module")
def python_server():
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "-d", "{folder}/served"]
    with running(command, folders=["served"]) as server:
        server.until(lambda: connected(port))
        yield Served(server.folder / "served", port, server)


@pytest.mark.rclone
class TestIndexThatTellsAll(RemoteSuite):
    @pytest.fixture
    def place(self, rclone_server, monkeypatch):
        monkeypatch.setenv("TEST_PASSWORD", PASSWORD)
        url = f"http://{USER}@127.0.0.1:{{port}}"
        return RclonePlace(rclone_server.folder, url, rclone_server.port, {"password": "env:TEST_PASSWORD"})

    def test_no_file_is_asked_for_on_its_own(self, place):
        for number in range(20):
            place.put(f"f{number}", b"12345")
        silo = place.silo()
        assert set(walked(silo)[""].sizes) == {5}
        assert silo._asked == 0 and dict(silo.test().facts)["sizes"] == "as the index tells them"

    def test_a_login_that_is_wrong_is_refused(self, place, monkeypatch):
        monkeypatch.setenv("TEST_PASSWORD", "hunter2")
        self.refused(place.silo(), "hunter2")


class TestIndexThatTellsNothing(RemoteSuite):
    @pytest.fixture
    def place(self, python_server):
        return PythonPlace(python_server.folder, "http://127.0.0.1:{port}", python_server.port, {})

    def test_it_says_that_files_are_asked_for(self, place):
        place.put("x", b"123")
        assert "file by file" in dict(place.silo().test().facts)["sizes"]

    def test_files_are_not_asked_for_when_told_so(self, place):
        place.put("x", b"123")
        place.options = {"ask_each": "false"}
        root = walked(place.silo())[""]
        assert root.names == ["x"] and root.sizes == [None] and root.mtimes == [None]

    def test_links_are_counted(self, place):
        place.put("x", b"123")
        (place.root / "link").symlink_to("x")
        root = walked(place.silo())[""]
        assert root.names == ["x"] and root.skipped == {"symlink": 1}


# ---------------------------------------------------------------- pages of other servers

NGINX = """<html>
<head><title>Index of /d/</title></head>
<body>
<h1>Index of /d/</h1><hr><pre><a href="../">../</a>
<a href="sub/">sub/</a>                                               25-Nov-2026 15:17                   -
<a href="a-name-that-is-longer-than-what-the-page-shows-0123456789.parquet">a-name-that-is-longer-than-what-the-page-show..&gt;</a> 02-Jan-2024 03:04                   1
<a href="big.bin">big.bin</a>                                            02-Jan-2024 03:04             1234567
<a href="we%20ird%2541%2B%23%3F%27%22%26amp%3B%2A">we ird%41+#?'&quot;&amp;amp;*</a>                02-Jan-2024 03:04                   1
</pre><hr></body>
</html>
"""
NGINX_ROUNDED = NGINX.replace("            1234567", "                 1M")
APACHE = """<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://www.w3.org/TR/html4/strict.dtd">
<html>
 <head>
  <title>Index of /d</title>
 </head>
 <body>
<h1>Index of /d</h1>
<pre>      <a href="?C=N;O=D">Name</a>                    <a href="?C=M;O=A">Last modified</a>      <a href="?C=S;O=A">Size</a>  <a href="?C=D;O=A">Description</a><hr>      <a href="/">Parent Directory</a>                             -
      <a href="a-name-that-is-longer-than-what-the-page-shows-0123456789.parquet">a-name-that-is-longe..&gt;</a> 2024-01-02 03:04    1
      <a href="big.bin">big.bin</a>                 2024-01-02 03:04  1.2M
      <a href="sub/">sub/</a>                    2026-11-25 15:17    -
      <a href="we%20ird%2541+%23%3f'%22&amp;amp;*">we ird%41+#?'&quot;&amp;..&gt;</a> 2024-01-02 03:04    1
<hr></pre>
</body></html>
"""
APACHE_TABLE = """<html><head><title>Index of /d</title></head><body><h1>Index of /d</h1><table>
<tr><th valign="top">&nbsp;</th><th><a href="?C=N;O=D">Name</a></th><th><a href="?C=S;O=A">Size</a></th></tr>
<tr><td valign="top"><a href="/">&nbsp;</a></td><td><a href="/">Parent Directory</a></td><td>&nbsp;</td><td align="right">  - </td><td>&nbsp;</td></tr>
<tr><td valign="top"><a href="a-name-that-is-longer-than-what-the-page-shows-0123456789.parquet">&nbsp;</a></td><td><a href="a-name-that-is-longer-than-what-the-page-shows-0123456789.parquet">a</a></td><td align="right">2024-01-02 03:04  </td><td align="right">  1 </td><td>99 bottles</td></tr>
<tr><td valign="top"><a href="big.bin">&nbsp;</a></td><td><a href="big.bin">big.bin</a></td><td align="right">2024-01-02 03:04  </td><td align="right">1.2M</td><td>&nbsp;</td></tr>
<tr><td valign="top"><a href="sub/">&nbsp;</a></td><td><a href="sub/">sub/</a></td><td align="right">2026-11-25 15:17  </td><td align="right">  - </td><td>&nbsp;</td></tr>
<tr><td valign="top"><a href="we%20ird%2541+%23%3f'%22&amp;amp;*">&nbsp;</a></td><td><a href="we%20ird%2541+%23%3f'%22&amp;amp;*">w</a></td><td align="right">2024-01-02 03:04  </td><td align="right">  1 </td><td>&nbsp;</td></tr>
</table></body></html>
"""
LIGHTTPD = """<!DOCTYPE html>
<html><head><title>Index of /d/</title></head><body>
<h2>Index of /d/</h2><div class="list"><table summary="Directory Listing"><tbody>
<tr class="d"><td class="n"><a href="../">..</a>/</td><td class="m">&nbsp;</td><td class="s">- &nbsp;</td><td class="t">Directory</td></tr>
<tr class="d"><td class="n"><a href="sub/">sub</a>/</td><td class="m">2026-Nov-25 15:17:22</td><td class="s">- &nbsp;</td><td class="t">Directory</td></tr>
<tr><td class="n"><a href="a-name-that-is-longer-than-what-the-page-shows-0123456789.parquet">a</a></td><td class="m">2024-Jan-02 03:04:00</td><td class="s">0.1K</td><td class="t">application/octet-stream</td></tr>
<tr><td class="n"><a href="big.bin">big.bin</a></td><td class="m">2024-Jan-02 03:04:00</td><td class="s">1.1M</td><td class="t">application/octet-stream</td></tr>
<tr><td class="n"><a href="we%20ird%2541%2B%23%3F%27%22%26amp%3B*">w</a></td><td class="m">2024-Jan-02 03:04:00</td><td class="s">0.1K</td><td class="t">text/plain</td></tr>
</tbody></table></div><div class="foot">lighttpd/1.4.69</div></body></html>
"""
NGINX_JSON = """[
{ "name":"sub", "type":"directory", "mtime":"Wed, 25 Nov 2026 15:17:22 GMT" },
{ "name":"a-name-that-is-longer-than-what-the-page-shows-0123456789.parquet", "type":"file", "mtime":"Tue, 02 Jan 2024 03:04:00 GMT", "size":1 },
{ "name":"big.bin", "type":"file", "mtime":"Tue, 02 Jan 2024 03:04:00 GMT", "size":1234567 },
{ "name":"we ird%41+#?'\\"&amp;*", "type":"file", "mtime":"Tue, 02 Jan 2024 03:04:00 GMT", "size":1 }
]"""
CADDY_JSON = """[{"name":"sub/","size":4096,"url":"./sub/","mod_time":"2026-11-25T15:17:22.051181865Z","mode":2147484141,"is_dir":true,"is_symlink":false},
{"name":"a-name-that-is-longer-than-what-the-page-shows-0123456789.parquet","size":1,"url":"./x","mod_time":"2024-01-02T03:04:00Z","mode":420,"is_dir":false,"is_symlink":false},
{"name":"big.bin","size":1234567,"url":"./big.bin","mod_time":"2024-01-02T03:04:00Z","mode":420,"is_dir":false,"is_symlink":false},
{"name":"link","size":5,"url":"./link","mod_time":"2026-11-25T15:17:22.039181864Z","mode":134218239,"is_dir":false,"is_symlink":true},
{"name":"we ird%41+#?'\\"\\u0026amp;*","size":1,"url":"./we%20ird","mod_time":"2024-01-02T03:04:00Z","mode":420,"is_dir":false,"is_symlink":false}]"""
NAMES = ["a-name-that-is-longer-than-what-the-page-shows-0123456789.parquet", "big.bin", "we ird%41+#?'\"&amp;*"]
THEN = 1_704_164_640 * 10**9


@pytest.mark.parametrize(
    ("page", "sizes"),
    [
        (NGINX, [1, 1_234_567, 1]),
        (NGINX_ROUNDED, [1, None, 1]),
        (NGINX_JSON, [1, 1_234_567, 1]),
        (CADDY_JSON, [1, 1_234_567, 1]),
        (APACHE, [1, None, 1]),
        (APACHE_TABLE, [1, None, 1]),
        (LIGHTTPD, [None, None, None]),
    ],
    ids=["nginx", "nginx rounded", "nginx json", "caddy json", "apache", "apache table", "lighttpd"],
)
def test_the_pages_of_servers_are_read(page, sizes):
    kind = "application/json" if page.startswith("[") else "text/html;charset=UTF-8"
    listing, _ = gathered("", entries(page.encode(), kind, "http://server/d/"), False)
    assert listing.names == NAMES and listing.directories == ["sub"] and listing.complete
    assert listing.sizes == sizes and listing.mtimes == [THEN] * 3


@pytest.mark.parametrize(
    ("link", "name"),
    [
        ("https://elsewhere.org/d/x", None),
        ("//elsewhere.org/d/x", None),
        ("/x", None),
        ("/d/", None),
        ("/d", None),
        ("../x", None),
        ("..", None),
        ("sub/deeper", None),
        ("?C=N;O=D", None),
        ("x?download=zip", None),
        ("#top", None),
        ("javascript:alert(1)", None),
        ("mailto:ann@example.org", None),
        ("http://[bad", None),
        ("", None),
        ("x", "x"),
        ("./x", "x"),
        ("x;", "x;"),
        ("x;y=1", "x;y=1"),
        ("/d/x", "x"),
        ("http://server/d/x#part", "x"),
        ("%2e%2e", None),
        ("gr%C3%BCn", "grün"),
        ("latin-%E9", "latin-\u201bE9"),
    ],
)
def test_a_link_is_an_entry_only_when_it_leads_into_the_folder(link, name):
    page = f'<html><h1>Index of /d</h1><a href="{link}">shown</a></html>'.encode()
    listing, _ = gathered("", entries(page, "text/html", "http://server/d/"), False)
    assert listing.names == ([name] if name else []) and listing.complete


@pytest.mark.parametrize("link", ["a%2Fb", "..%2f..%2fetc", "nul%00"])
def test_a_name_that_leads_elsewhere_makes_the_folder_incomplete(link):
    page = f'<html><h1>Index of /d</h1><a href="{link}">x</a><a href="fine">fine</a></html>'.encode()
    listing, _ = gathered("", entries(page, "text/html", "http://server/d/"), False)
    assert listing.names == ["fine"] and not listing.complete


SITE = "<html><head><title>Our lab</title></head><body><h1>Welcome</h1><a href='about.html'>About</a><a href='data/'>Data</a></body></html>"


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (SITE, "text/html", "no listing"),
        ("", "text/html", "breaks off"),
        (NGINX[:-10], "text/html", "breaks off"),
        (NGINX[:400], "text/html", "breaks off"),
        (NGINX_JSON[:-10], "application/json", "no JSON"),
        ('{"error": "no"}', "application/json", "lists no folder"),
        ("[1, 2]", "application/json", "lists no folder"),
        ("[" * 100_000, "application/json", "no JSON"),
        ("just text", "text/plain", "breaks off"),
    ],
)
def test_a_page_that_is_no_whole_listing_is_no_empty_folder(monkeypatch, body, kind, said):
    monkeypatch.setattr(manners, "_FIRST_PAUSE", 0.001)
    page = Said(200, body.encode(), {"Content-Type": kind})
    with answering(lambda _: page) as server, pytest.raises((SiloRefused, SiloUnreachable), match=said):
        walked(open_silo(server.url + "/d"))


def _check(body, kind):
    try:
        found = entries(body, kind, "http://server/d/")
    except NotIndexError:
        return
    gathered("", found, False)


@given(st.binary(max_size=300), st.text(max_size=300), st.sampled_from(["text/html", "application/json"]))
def test_any_page_is_read_or_refused(noise, words, kind):
    _check(noise, kind)
    _check(f"<html><h1>Index of /</h1>{words}</html>".encode(errors="replace"), kind)


KEYS = st.sampled_from(["name", "type", "size", "mtime", "mod_time", "is_dir", "is_symlink"])
VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.lists(st.none(), max_size=1))


@given(st.lists(st.dictionaries(KEYS, VALUES), max_size=4))
def test_any_json_is_read_or_leaves_the_folder_incomplete(listed):
    gathered("", entries(json.dumps(listed).encode(), "application/json", "http://server/d/"), False)


# ---------------------------------------------------------------- what the server says of each file


def served(page, files, kind="text/html"):
    """Answers with a page for the folder `d`, and with sizes for its files; None is a file that is forbidden."""

    def answer(asked):
        if asked.path == "/d/":
            return Said(200, page.encode(), {"Content-Type": kind})
        size = files.get(asked.path.removeprefix("/d/"), 404)
        if size is None:
            return Said(403)
        return Said(404) if size == 404 else Said(200, b"x" * size, {"Last-Modified": "Tue, 02 Jan 2024 03:04:05 GMT"})

    return answering(answer)


LISTED = '<html><h1>Index of /d</h1><pre><a href="a">a</a> 2024-01-02 03:04  {}\n<a href="b">b</a> 2024-01-02 03:04  {}\n</pre></html>'


def listed(page, files, **options):
    with served(page, files) as server:
        root = walked(open_silo(server.url + "/d", options))[""]
        return root, [one.path for one in server.requests if one.method == "HEAD"]


def test_only_what_the_page_rounds_is_asked_for():
    root, asked = listed(LISTED.format("300", "1.2K"), {"a": 300, "b": 1234})
    assert root.sizes == [300, 1234] and asked == ["/d/a", "/d/b"]  # the first, to see whether the page tells the truth


def test_a_page_that_tells_other_sizes_than_the_files_have_is_not_believed():
    root, asked = listed(LISTED.format("3", "7"), {"a": 3000, "b": 7001})  # in kilobytes, perhaps
    assert root.sizes == [3000, 7001] and len(asked) == 3


def test_files_that_vanish_or_are_forbidden_while_they_are_asked_for():
    root, _ = listed(LISTED.format("-", "-"), {"b": None})
    assert root.names == ["b"] and root.sizes == [None] and root.skipped == {"vanished": 1} and root.complete


def test_the_right_kind_of_silo_is_hinted_at():
    bucket = b'<?xml version="1.0"?><ListBucketResult></ListBucketResult></html>'
    pages = {
        "webdav://": Said(200, SITE.encode(), {"DAV": "1,2", "Content-Type": "text/html"}),
        "s3://": Said(200, bucket, {"Content-Type": "application/xml"}),
    }
    for scheme, page in pages.items():
        with answering(lambda _, page=page: page) as server, pytest.raises(SiloRefused) as raised:
            walked(open_silo(server.url + "/d"))
        assert scheme in raised.value.hint


def test_a_file_of_a_server_without_ranges_is_read_from_its_start():
    with served(LISTED.format("10", "10"), {"a": 10, "b": 10}) as server:
        silo = open_silo(server.url + "/d")
        assert silo.read("a", 8, 5) == b"xx" and silo.read("a", 20, 5) == b""
        assert paths(walked(silo)) == ["a", "b"]

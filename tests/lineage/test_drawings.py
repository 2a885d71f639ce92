"""Every drawing holds just the edges of its trace: they are read back from it and compared, whatever names hold."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import unicodedata
import xml.etree.ElementTree as ET

import pytest
from harness.traces import edge, node, trace, traces
from hypothesis import given, settings

from catalog.lineage.drawing.document import document, edge_rows
from catalog.lineage.drawing.dot import dot
from catalog.lineage.drawing.mermaid import mermaid
from catalog.lineage.drawing.svg import svg
from catalog.lineage.drawing.tree import tree
from catalog.lineage.drawing.words import Unshown, title, what, where, why
from catalog.lineage.graph import parallel, to_networkx
from catalog.model.lineage import COUNTED, ColumnEdge, Trace
from catalog.text import safe, width

several = settings(max_examples=100, deadline=None)


def unshown(found: Trace) -> set[tuple[int, str, str]]:
    """(asset, side, number) of everything a trace says it leaves out."""
    left = Unshown(found)
    every = ((one.id, side, left.of(one, side)) for one in found.nodes for side in found.directions)
    return {(id, side, str(count)) for id, side, count in every if count.number}


# ---------------------------------------------------------------- Mermaid

_NODE = re.compile(r'  n(\d+)\["((?:[^"\[\]{}|<>#`\\;]|#\d+;|<br>)*)"\]')
_EDGE = re.compile(r'  n(\d+) (-->|-\.->)\|"((?:[^"\[\]{}|<>#`\\;]|#\d+;|<br>)*)"\| n(\d+)')
_MORE = re.compile(r'  n(\d+)_(up|down)\["#8230; ([\d,]+(?:#43;)?) more"\]')
_OTHER = re.compile(r"flowchart LR|  class n\d+(_up|_down)? \w+(,focus)?|  n\d+(_up|_down)? -\.- n\d+(_up|_down)?|  classDef \w+ [\w:,#-]+")


def label(written: str) -> list[str]:
    return [re.sub(r"#(\d+);", lambda code: chr(int(code[1])), line) for line in written.split("<br>")]


@several
@given(traces())
def test_mermaid_is_read_back(found):
    nodes, edges, more = {}, {}, set()
    for line in mermaid(found).removesuffix("\n").split("\n"):
        if match := _NODE.fullmatch(line):
            nodes[int(match[1])] = label(match[2])
        elif match := _EDGE.fullmatch(line):
            edges[int(match[1]), int(match[4])] = label(match[3]), match[2]
        elif match := _MORE.fullmatch(line):
            more.add((int(match[1]), match[2], match[3].replace("#43;", "+")))
        else:
            assert _OTHER.fullmatch(line), line
    assert nodes == {one.id: [s for s in (safe(title(one)), safe(what(one))) if s] for one in found.nodes}
    assert edges.keys() == parallel(found).keys()
    for pair, between in parallel(found).items():
        lines, arrow = edges[pair]
        assert len(lines) == len(between)
        assert (arrow == "-.->") == all(one.evidence == "inferred" for one in between)
    assert more == unshown(found)


# ---------------------------------------------------------------- DOT

_TOKEN = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*")|([A-Za-z_][\w.]*|\d+)|(->|[{}\[\];,=]))')


def dot_statements(text: str) -> list[list[str]]:
    """The statements of a graph as tokens, after the grammar of the language. Nothing may stand between tokens."""
    tokens, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        assert match, text[at : at + 40]
        tokens.append(next(group for group in match.groups() if group is not None))
        at = match.end()
    assert tokens[:3] == ["digraph", "lineage", "{"] and tokens[-1] == "}"
    statements, current = [], []
    for token in tokens[3:-1]:
        if token == ";":
            statements.append(current)
            current = []
        else:
            current.append(token)
    assert current == []
    return statements


def dot_label(statement: list[str]) -> list[str]:
    written = statement[statement.index("label") + 2][1:-1]
    read = re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], written)
    return read.replace("&amp;", "&").split("\n")


@several
@given(traces())
def test_dot_is_read_back(found):
    statements = dot_statements(dot(found))
    named = [s for s in statements if re.fullmatch(r"n\d+", s[0])]
    edges = {(int(s[0][1:]), int(s[2][1:])) for s in named if s[1] == "->" and re.fullmatch(r"n\d+", s[2])}
    assert edges == parallel(found).keys()
    labels = {int(s[0][1:]): dot_label(s) for s in named if s[1] == "["}
    assert labels == {one.id: [s for s in (safe(title(one)), safe(what(one))) if s] for one in found.nodes}
    more = [s for s in statements if re.fullmatch(r"n\d+_(up|down)", s[0]) and s[1] == "["]
    assert {(int(s[0][1:].split("_")[0]), s[0].split("_")[1], dot_label(s)[0].split()[1]) for s in more} == unshown(found)


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
@settings(max_examples=25, deadline=None)
@given(traces())
def test_graphviz_itself_reads_the_same(found):
    ran = subprocess.run(["dot", "-Tjson"], input=dot(found), capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0 and "syntax" not in ran.stderr, ran.stderr
    read = json.loads(ran.stdout)
    names = {one["_gvid"]: one["name"] for one in read["objects"]}
    edges = {(names[e["tail"]], names[e["head"]]) for e in read.get("edges", ()) if e.get("style") != "dotted"}
    assert edges == {(f"n{source}", f"n{target}") for source, target in parallel(found)}
    for one, drawn in zip(found.nodes, read["objects"]):
        lines = [op["text"] for op in drawn["_ldraw_"] if op["op"] == "T"]
        assert [line.strip() for line in lines if line.strip()] == [s.strip() for s in (safe(title(one)), safe(what(one))) if s.strip()]


# ---------------------------------------------------------------- SVG


@several
@given(traces())
def test_svg_is_read_back(found):
    drawn = svg(found)
    assert not [c for c in drawn if unicodedata.category(c) in ("Cf", "Cs", "Co") or (c < " " and c != "\n")]
    root = ET.fromstring(drawn)
    space = "{http://www.w3.org/2000/svg}"
    groups = root.findall(f"{space}g")
    assert {child.tag for child in root} <= {f"{space}g", f"{space}text"}, "nothing reaches beyond the drawing"
    nodes = {int(g.get("data-id")): g for g in groups if g.get("class") == "node"}
    assert nodes.keys() == {one.id for one in found.nodes}
    for one in found.nodes:
        assert nodes[one.id].find(f"{space}title").text == (safe(title(one)) or None)
        words = [text.text for text in nodes[one.id].findall(f"{space}text")]
        assert words[1] == (safe(what(one)) or None)
        assert len(words) == 2 + len([left for left in unshown(found) if left[0] == one.id])
    edges = [(int(g.get("data-source")), int(g.get("data-target"))) for g in groups if g.get("class") == "edge"]
    assert sorted(edges) == sorted(parallel(found))


@several
@given(traces())
def test_lines_of_the_svg_begin_and_end_at_their_boxes(found):
    root = ET.fromstring(svg(found))
    space = "{http://www.w3.org/2000/svg}"
    boxes = {
        int(g.get("data-id")): [float(g.find(f"{space}rect").get(name)) for name in ("x", "y", "width", "height")]
        for g in root.findall(f"{space}g[@class='node']")
    }
    for g in root.findall(f"{space}g[@class='edge']"):
        source, target = int(g.get("data-source")), int(g.get("data-target"))
        way, head = (part.get("d") for part in g.findall(f"{space}path"))
        if source == target:
            continue
        points = [tuple(map(float, point.split(","))) for point in re.findall(r"[-\d.e]+,[-\d.e]+", way)]
        tip = tuple(map(float, re.match(r"M([-\d.e]+),([-\d.e]+)", head).groups()))
        assert tip == points[-1]
        for id, (x, y) in ((source, points[0]), (target, points[-1])):
            left, top, wide, high = boxes[id]
            assert min(abs(x - left), abs(x - left - wide)) < 0.01 and top < y < top + high


def test_a_crossing_is_a_gap():
    """Two assets that both feed two others cannot be drawn without one."""
    cross = svg(trace([(1, 2), (1, 3), (2, 4), (2, 5), (3, 4), (3, 5)]))
    ways = re.findall(r'<path d="(M[^"]*)" fill="none"', cross)
    assert len(ways) == 6 and sum(way.count("M") - 1 for way in ways) == 1


# ---------------------------------------------------------------- JSON and networkx


@several
@given(traces())
def test_json_has_every_edge_and_ascii_only(found):
    written = json.dumps(document(found))
    assert written.isascii()
    read = json.loads(written)
    assert [one["id"] for one in read["nodes"]] == [one.id for one in found.nodes]
    assert [(e["source"], e["target"], e["kind"], e["evidence"]) for e in read["edges"]] == [
        (e.source, e.target, e.kind, e.evidence) for e in found.edges
    ]
    assert {one["id"]: one["more"] for one in read["nodes"] if one["more"]} == found.more
    assert read["complete"] == found.complete


def test_json_has_the_keys_that_scripts_rely_on():
    read = document(trace([(1, 2)]))
    assert list(read["nodes"][0])[:4] == ["id", "kind", "namespace", "name"]
    assert list(read["edges"][0])[:9] == [
        *("source", "target", "kind", "evidence", "confidence", "job", "run", "valid_from", "valid_to")
    ]


@several
@given(traces())
def test_networkx_has_the_same_graph(found):
    made = to_networkx(found)
    assert list(made) == [one.id for one in found.nodes]
    assert set(made.edges) == parallel(found).keys()
    for pair in made.edges:
        told = made.edges[pair]
        assert sorted(told["edges"]) == sorted(e for e in found.edges if (e.source, e.target) == pair)
        assert told["confidence"] == max(e.confidence for e in told["edges"])
        assert all(c in told["columns"] for c in found.columns if (c.source, c.target) == pair)
    assert [id for id, focus in made.nodes(data="focus") if focus] == list(found.focus)
    assert dict(made.nodes(data="hop")) == found.hops


@pytest.mark.parametrize(("pairs", "hops"), [([(2, 1), (3, 2)], [-1, -2]), ([(1, 2), (2, 3)], [1, 2]), ([(1, 1)], [1])])
def test_edges_know_how_far_they_are(pairs, hops):
    assert [row["hop"] for row in edge_rows(trace(pairs))] == hops


# ---------------------------------------------------------------- the tree


def tree_edges(lines: list[str]) -> dict[str, set[tuple[str, str]]]:
    """(above, below) by the guides of the lines, for names without blanks."""
    found: dict[str, set[tuple[str, str]]] = {}
    section, stack = "", []
    for line in lines:
        if line.split(":")[0] in ("upstream", "downstream"):
            section, stack = line.split(":")[0], stack[:1]
            found.setdefault(section, set())
            continue
        guides = re.match(r"[│├└─ ]*", line)[0]
        name, depth = line[len(guides) :].split("  ")[0], len(guides) // 3
        if guides.rstrip().endswith("─"):
            stack = [*stack[:depth], name]
            found[section].add((stack[depth - 1], name))
        elif not guides:
            stack = [name]
    return found


@several
@given(traces())
def test_the_tree_has_every_edge_once_unfolded(found):
    plain = trace([(e.source, e.target) for e in found.edges], focus=found.focus[0], more=found.more)
    names = {one.id: title(one) for one in plain.nodes}
    read = tree_edges(tree(plain))
    edges = {(a, b) for side in read.values() for a, b in side if not b.startswith("…")}
    both = {(names[s], names[t]) for s, t in parallel(plain)}
    assert {(b, a) for a, b in read.get("upstream", ()) if not b.startswith("…")} <= both
    assert {(a, b) for a, b in read.get("downstream", ()) if not b.startswith("…")} <= both
    reached = edges | {(b, a) for a, b in edges}
    assert all((names[s], names[t]) in reached for s, t in parallel(plain)), "no edge of the trace is missing"


@several
@given(traces())
def test_a_tree_is_safe_to_print_and_fits_a_terminal(found):
    for room in (None, 80, 120):
        lines = tree(found, room)
        assert not [c for line in lines for c in line if unicodedata.category(c) in ("Cc", "Cf", "Cs")]
        assert room is None or all(width(line) <= room for line in lines if not line.startswith(("│  │  │  │", "   " * 4)))
    assert tree(found) == tree(found)


def test_a_tree_says_what_is_left_out_and_where():
    found = trace([(2, 1), (3, 1), (1, 4)], more={1: 17, 4: 1}, nodes={1: {"up": 19, "down": 1}, 4: {"down": 1, "up": 1}, 2: {"down": 5}})
    lines = tree(found)
    assert lines == [
        "lake/table_1  dataset",
        "upstream",
        "├─ lake/table_2  dataset  derived  observed",
        "├─ lake/table_3  dataset  derived  observed",
        "└─ … 17 more",
        "downstream",
        "└─ lake/table_4  dataset  derived  observed",
        "   └─ … 1 more",
    ]


def test_a_number_that_was_not_counted_to_its_end_says_so():
    hub = trace([(1, 2)], more={1: COUNTED - 1}, nodes={1: {"down": COUNTED}, 2: {"up": 1}})
    assert "└─ … 999+ more" in tree(hub)
    assert "#8230; 999#43; more" in mermaid(hub) and "… 999+ more" in dot(hub) and "… 999+ more downstream" in svg(hub)


def test_what_is_left_out_is_told_on_the_sides_that_were_walked():
    """Below the focus only what leads on counts: what else flows into an asset there was never looked for."""
    found = trace([(1, 2)], more={2: 5}, nodes={1: {"down": 1}, 2: {"up": 9, "down": 5}})
    assert unshown(found) == {(2, "down", "5")}
    assert "5 more downstream" in svg(found) and "upstream" not in svg(found)


def test_a_tree_unfolds_each_asset_once_and_ends_in_cycles():
    lines = tree(trace([(1, 2), (2, 3), (3, 1), (1, 3), (2, 2)]))
    down = lines[lines.index("downstream") + 1 :]
    assert [(line.split("lake/")[1].split()[0], "shown above" in line, "shown below" in line, "itself" in line) for line in down] == [
        ("table_2", False, False, False),
        ("table_3", False, True, False),
        ("table_2", False, False, True),
        ("table_3", False, False, False),
        ("table_1", True, False, False),
    ]


def test_a_tree_shows_columns_where_they_flow():
    columns = [ColumnEdge(2, "id", 1, "user_id", "DIRECT/IDENTITY"), *(ColumnEdge(2, f"c{i}", 1, f"d{i}") for i in range(15))]
    lines = tree(trace([(2, 1)], columns=columns))
    assert lines[3].startswith("      id → user_id") and lines[3].endswith("direct, identity")
    assert lines[-2:] == ["      … 4 more columns", "downstream: nothing is known"]


def test_all_edges_between_two_assets_are_told_the_most_believed_first():
    found = trace([(2, 1)] * 8, edges={3: {"evidence": "proof", "confidence": 1.0, "origin": "s3://b/dvc.lock", "line": 17, "job": "train"}})
    lines = tree(found)
    assert lines[2] == "└─ lake/table_2  dataset  derived  proof     train, dvc.lock:17"
    assert [line.split() for line in lines[3:7]] == [["derived", "observed"]] * 4
    assert lines[7].strip() == "… 3 more edges"


def test_a_long_way_is_no_deep_recursion():
    pairs = [(i, i + 1) for i in range(1, 1500)]
    lines = tree(trace(pairs), 80)
    assert len(lines) == 1502
    assert svg(trace(pairs[:400])).count('class="edge"') == 400


def test_a_way_is_drawn_as_one_branch():
    nodes = tuple(node(i, up=9, down=9) for i in (1, 2, 3))
    way = Trace((1, 3), nodes, (edge(1, 1, 2), edge(2, 2, 3)), {1: 0, 2: 1, 3: 2}, {}, directions=("down",))
    assert tree(way) == [
        "lake/table_1  dataset",
        "└─ lake/table_2     dataset  derived  observed",
        "   └─ lake/table_3  dataset  derived  observed",
    ]
    beside = Trace(way.focus, nodes, way.edges, way.hops, {1: 4}, directions=("down",))
    assert tree(beside)[-1] == "└─ … 4 more"


# ---------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("facts", "called"),
    [
        ({"silo": "lake", "name": "raw/x"}, "lake/raw/x"),
        ({"silo": None, "namespace": "s3://b", "name": "raw/x"}, "s3://b/raw/x"),
        ({"silo": None, "namespace": "file", "name": "/data/x"}, "file:///data/x"),
        ({"silo": None, "namespace": "hdfs://nn", "name": "/data/x"}, "hdfs://nn/data/x"),
        ({"silo": None, "namespace": "model", "name": "churn-v5"}, "model:churn-v5"),
        ({"silo": None, "namespace": "hf", "name": "org/bert"}, "hf://org/bert"),
        ({"silo": None, "namespace": "block", "name": "uuid:1", "label": "data (ext4)"}, "data (ext4)"),
    ],
)
def test_what_an_asset_is_called(facts, called):
    assert title(node(1, **facts)) == called


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"format": "parquet", "version": 3}, "parquet, v3"),
        ({"kind": "model", "version": 2, "format": "safetensors"}, "model, v2"),
        ({"silo": None}, "not crawled"),
        ({"silo": None, "kind": "model"}, "model, not crawled"),
        ({"silo": None, "kind": "volume"}, "volume"),
        ({"format": "csv", "removed": True}, "csv, removed"),
    ],
)
def test_what_an_asset_is(facts, told):
    assert what(node(1, **facts)) == told


def test_why_an_edge_is_believed():
    assert why(edge(1, 1, 2)) == "observed"
    assert why(edge(1, 1, 2, evidence="inferred", confidence=0.7)) == "inferred 70%"
    assert where(edge(1, 1, 2, origin="s3://b/train/dvc.lock", line=3)) == "dvc.lock:3"
    assert where(edge(1, 1, 2, origin="openlineage")) == ""

"""A trace drawn: as a tree for a terminal, Mermaid, DOT, SVG, JSON and OpenLineage events.

Names come from storage and events and may hold anything; each drawing escapes them for its own syntax.
The order of everything follows the trace, so that the same trace is drawn the same.
"""

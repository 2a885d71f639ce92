"""The colours: calm greys with one blue and one amber."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="silograph-dark",
    primary="#7fa7cf",
    secondary="#5f87a8",
    accent="#d9ae6a",
    success="#90b978",
    warning="#d9ae6a",
    error="#e58080",
    foreground="#d3d7de",
    background="#15181d",
    surface="#1a1e24",
    panel="#232830",
    dark=True,
    variables={
        "block-cursor-background": "#2d3b4d",
        "block-cursor-foreground": "#f0f2f5",
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": "#252b34",
        "border": "#7fa7cf",
        "border-blurred": "#343b46",
        "footer-background": "#1a1e24",
        "footer-key-foreground": "#d9ae6a",
        "footer-description-foreground": "#9aa3b0",
        "scrollbar": "#343b46",
        "scrollbar-hover": "#46505e",
        "scrollbar-active": "#5f87a8",
        "scrollbar-background": "#15181d",
        "scrollbar-background-hover": "#15181d",
        "scrollbar-background-active": "#15181d",
        "input-selection-background": "#3c4f66",
    },
)

LIGHT = Theme(
    name="silograph-light",
    primary="#2f6496",
    secondary="#4f7ea8",
    accent="#96610a",
    success="#3f7a2a",
    warning="#96610a",
    error="#b3393f",
    foreground="#22272f",
    background="#fbfbfa",
    surface="#f3f3f1",
    panel="#e8e8e5",
    dark=False,
    variables={
        "block-cursor-background": "#d5e3f0",
        "block-cursor-foreground": "#14181d",
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": "#e8ecef",
        "border": "#2f6496",
        "border-blurred": "#cfd2d6",
        "footer-background": "#f3f3f1",
        "footer-key-foreground": "#96610a",
        "footer-description-foreground": "#555c66",
        "scrollbar": "#cfd2d6",
        "scrollbar-background": "#fbfbfa",
        "scrollbar-background-hover": "#fbfbfa",
        "scrollbar-background-active": "#fbfbfa",
    },
)

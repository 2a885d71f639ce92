"""Copying text out of a terminal, and saying only what is known about where it went.

Tried in order: the desktop's own tool when the session is local, tmux's buffer, and the OSC 52
escape sequence, which the terminal may ignore without a word.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

SECONDS = 3
# Terminals drop longer OSC 52 sequences silently; 74,994 characters of base64 is the usual limit.
OSC52_BYTES = 56_000


@dataclass(frozen=True, slots=True)
class Copied:
    """Where the text went: `sure` is False when nothing confirms that it arrived."""

    sure: bool
    message: str


def native_tool(env: Mapping[str, str], platform: str = sys.platform) -> list[str] | None:
    """The desktop's copy command, or None: over SSH it would fill the clipboard of the wrong machine."""
    if env.get("SSH_CONNECTION") or env.get("SSH_TTY"):
        return None
    candidates: list[list[str]] = []
    if platform == "darwin":
        candidates.append(["pbcopy"])
    if env.get("WAYLAND_DISPLAY"):
        candidates.append(["wl-copy"])
    if env.get("DISPLAY"):
        candidates += [["xclip", "-selection", "clipboard"], ["xsel", "--clipboard", "--input"]]
    if env.get("WSL_DISTRO_NAME"):
        candidates.append(["clip.exe"])
    return next((command for command in candidates if shutil.which(command[0])), None)


def copy(text: str, osc52: Callable[[str], None], env: Mapping[str, str] | None = None) -> Copied:
    """Copy `text`; `osc52` writes the escape sequence to the terminal.

    May take `SECONDS` for each tool: run it in a thread.
    """
    env = os.environ if env is None else env
    tool = native_tool(env)
    if tool and _fed(tool, text):
        return Copied(True, "copied")
    if env.get("TMUX") and _fed(["tmux", "load-buffer", "-w", "-"], text):
        return Copied(True, "in tmux's buffer, and sent to the terminal")
    if len(text.encode()) > OSC52_BYTES:
        return Copied(False, "too long for the terminal's clipboard")
    osc52(text)
    return Copied(False, "sent to the terminal")


def _fed(command: list[str], text: str) -> bool:
    try:
        # No pipes for the output: xclip and wl-copy stay behind and would hold them open.
        done = subprocess.run(  # noqa: S603 (a fixed command, the text goes to its input)
            command,
            input=text.encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0

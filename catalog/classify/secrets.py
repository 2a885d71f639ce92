"""Secrets: keys and tokens by the shapes their issuers gave them, password hashes, and text by its column's name."""

from __future__ import annotations

import math
import re
from collections import Counter

_SHAPES = re.compile(
    "|".join(
        (
            r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}",  # AWS access key
            r"gh[pousr]_[A-Za-z0-9]{36,255}", r"github_pat_[A-Za-z0-9_]{40,255}",
            r"glpat-[A-Za-z0-9_\-]{20,}", r"gldt-[A-Za-z0-9_\-]{20,}",
            r"xox[abeoprs]-[A-Za-z0-9-]{10,}", r"xapp-\d-[A-Za-z0-9-]{20,}",  # Slack
            r"https://hooks\.slack\.com/services/T\w+/B\w+/\w+",
            r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,}", r"whsec_[A-Za-z0-9+/=]{24,}",  # Stripe
            r"AIza[A-Za-z0-9_\-]{35}", r"ya29\.[A-Za-z0-9_\-]{20,}", r"GOCSPX-[A-Za-z0-9_\-]{20,}",  # Google
            r"sk-ant-[A-Za-z0-9_\-]{20,}", r"sk-(?:proj-|svcacct-)?[A-Za-z0-9_\-]{32,}",
            r"hf_[A-Za-z0-9]{30,}", r"npm_[A-Za-z0-9]{36}", r"pypi-AgE[A-Za-z0-9_\-]{40,}",
            r"SG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{16,}",  # SendGrid
            r"dop_v1_[a-f0-9]{64}", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}", r"dapi[a-f0-9]{32}",
            r"hvs\.[A-Za-z0-9_\-]{24,}",
            r"eyJ[A-Za-z0-9_\-]{8,}\.eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]*",  # JSON Web Token
            r"(?:Bearer|Basic) [A-Za-z0-9_\-+/.=]{16,}",
            r".*AccountKey=[A-Za-z0-9+/]{40,}={0,2}.*", r".*SharedAccessKey=[A-Za-z0-9+/]{40,}={0,2}.*",
            r"[a-z][a-z0-9+.\-]*://[^\s:@/]{1,64}:[^\s:@/]{3,256}@\S+",  # a password in a URL
            r"\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{53}", r"\$argon2(?:id|i|d)\$.+", r"\$(?:1|5|6|y|7|scrypt)\$.{8,}",
            r"pbkdf2[_:$-]\w+[$:].+", r"\{S?SHA(?:256|512)?\}[A-Za-z0-9+/]{20,}={0,2}",
            r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----.*", r"AGE-SECRET-KEY-1[A-Z0-9]{58}",
            r"PuTTY-User-Key-File-\d.*",
        )
    ),
    re.DOTALL,
)  # fmt: skip


def known(value: str) -> bool:
    """A secret that shows by its shape what it is."""
    return len(value) >= 16 and _SHAPES.fullmatch(value) is not None


_DULL = re.compile(r"(?i)true|false|yes|no|null|none|n/?a|\*+|x+|<?redacted>?|-+|\d{1,3}|\d{4}-\d\d-\d\d.*")


def chance(value: str) -> bool:
    """Text that a person would hardly choose: long, without blanks, of many different characters."""
    if not 16 <= len(value) <= 1024 or any(char.isspace() for char in value) or value.isdigit():
        return False
    bits = entropy(value)
    hexadecimal = re.fullmatch(r"[0-9a-fA-F-]+", value) is not None
    return bits >= (2.6 if hexadecimal else 3.3) and any(char.isdigit() for char in value)


def password(value: str) -> bool:
    """Something that may be a password in plain text; only worth asking of a column that is named so."""
    if _DULL.fullmatch(value) or not 4 <= len(value) <= 128 or any(char.isspace() for char in value):
        return False
    kinds = (str.islower, str.isupper, str.isdigit)
    classes = sum(any(kind(char) for char in value) for kind in kinds) + any(not char.isalnum() for char in value)
    return classes >= 2 or (len(value) >= 6 and len(set(value)) > 3)


def entropy(value: str) -> float:
    """Bits a character, after Shannon."""
    return -sum(n / len(value) * math.log2(n / len(value)) for n in Counter(value).values())

"""Which of a pickle's imports can run commands, and what all of them say about where it comes from."""

from __future__ import annotations

from collections.abc import Iterable

from catalog.formats.models.machine import Name

_MODULES = frozenset(
    [
        "os",
        "posix",
        "nt",
        "subprocess",
        "sys",
        "pty",
        "commands",
        "popen2",
        "shutil",
        "socket",
        "ctypes",
        "runpy",
        "importlib",
        "imp",
        "code",
        "codeop",
        "pdb",
        "bdb",
        "cProfile",
        "profile",
        "timeit",
        "trace",
        "webbrowser",
        "pip",
        "ensurepip",
        "venv",
        "pydoc",
        "platform",
        "asyncio",
        "multiprocessing",
        "threading",
        "signal",
        "marshal",
        "types",
        "builtins",
        "__builtin__",
        "_posixsubprocess",
        "_io",
        "io",
        "tempfile",
        "urllib",
        "http",
        "ftplib",
        "smtplib",
        "requests",
        "aiohttp",
        "httpx",
        "paramiko",
        "cloudpickle",
        "dill",
        "_dill",
        "test",
        "distutils",
        "setuptools",
        "pkgutil",
        "zipimport",
        "inspect",
        "gc",
        "atexit",
        "site",
        "sysconfig",
        "linecache",
        "idlelib",
        "antigravity",
        "tkinter",
        "turtle",
        "xmlrpc",
        "socketserver",
        "ssl",
        "logging.config",
        "operator",
        "_operator",
        "functools",
        "_functools",
        "?",
    ]
)
_HARMLESS = frozenset(
    [
        "builtins.set",
        "builtins.frozenset",
        "builtins.dict",
        "builtins.list",
        "builtins.tuple",
        "builtins.int",
        "builtins.float",
        "builtins.complex",
        "builtins.bytes",
        "builtins.bytearray",
        "builtins.bool",
        "builtins.str",
        "builtins.object",
        "builtins.slice",
        "builtins.range",
        "builtins.type",
        "builtins.NotImplemented",
        "builtins.Ellipsis",
        "builtins.print",
        "builtins.len",
        "__builtin__.set",
        "__builtin__.frozenset",
        "__builtin__.object",
        "__builtin__.bytearray",
        "__builtin__.complex",
        "__builtin__.xrange",
        "__builtin__.slice",
        "__builtin__.list",
        "__builtin__.dict",
        "__builtin__.tuple",
        "__builtin__.int",
        "__builtin__.long",
        "__builtin__.str",
        "__builtin__.unicode",
        "__builtin__.float",
        "__builtin__.type",
        "functools.partial",
        "functools.OrderedDict",
        "types.SimpleNamespace",
        "types.MethodType",
        "io.BytesIO",
        "io.StringIO",
        "_io.BytesIO",
        "_io.StringIO",
        "operator.itemgetter",
        "multiprocessing.context.AuthenticationString",
        "types.MappingProxyType",
    ]
)
_CALLS = frozenset(
    [
        "numpy.testing._private.utils.runstring",
        "numpy.load",
        "numpy.fromfile",
        "numpy.f2py.compile",
        "numpy.loadtxt",
        "torch.load",
        "torch.hub.load",
        "torch._inductor.codecache.compile_file",
        "torch.jit.unsupported_tensor_ops.execWrapper",
        "joblib.load",
        "pickle.load",
        "pickle.loads",
        "_pickle.load",
        "_pickle.loads",
        "pandas.read_pickle",
        "pandas.eval",
        "pandas.io.pickle.read_pickle",
        "sympy.sympify",
    ]
)


def unsafe(names: Iterable[Name]) -> list[str]:
    """Those names that would let whoever wrote the pickle run what they like, or hide it."""
    return [str(name) for name in names if _unsafe(name)]


def _unsafe(name: Name) -> bool:
    full = str(name)
    if full in _HARMLESS:
        return False
    module = name.module
    reaches = "." in name.name and name.module not in ("__main__",) and name.name.partition(".")[0] in ("os", "sys")
    return full in _CALLS or module in _MODULES or module.partition(".")[0] in _MODULES or reaches


def framework(names: Iterable[Name]) -> str | None:
    """The library whose objects the pickle holds, by the imports that are most its own."""
    tops = {name.module.partition(".")[0] for name in names}
    known = (
        "sklearn", "xgboost", "lightgbm", "catboost", "statsmodels", "keras", "tensorflow", "torch", "transformers",
        "spacy", "gensim", "prophet", "pandas", "polars", "scipy", "numpy",
    )  # fmt: skip
    return next((top for top in known if top in tops), None)

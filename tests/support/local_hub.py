"""A hub on 127.0.0.1: what huggingface_hub asks of models and data sets, in the true paths, with faults on demand."""

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

REVISION = "c0ffee" + "0" * 34
"""What `main` of every data set means; any other commit that is asked for it has too, with the same files."""

REFUSALS: dict[str, tuple[int, dict[str, str]]] = {
    "hidden": (401, {"X-Error-Code": "RepoNotFound"}),
    "unknown token": (401, {"X-Error-Message": "Invalid credentials in Authorization header"}),
    "forbidden": (403, {}),
    "absent": (404, {"X-Error-Code": "RepoNotFound"}),
    "busy": (429, {}),
    "broken": (503, {}),
}
"""What is the matter with a whole repository -> the answer to all that is asked of it."""


@dataclass
class Model:
    """A repository: its commits, the branches that name them."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)


class Hub(ThreadingHTTPServer):
    """The server.

    Attributes:
        states: repository -> what is the matter: a refusal, `gated`, `gone` (the revision).
        faults: file -> what is the matter with its bytes: `cut` (each answer ends after `step` bytes), `dead` (after
            the first such answer none has any), `flipped` (one bit), `missing` (404), `busy` (429).
        asked: the paths of all requests.
        sent: file -> bytes that were sent of it.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.models: dict[str, Model] = {}
        self.datasets: dict[str, dict[str, bytes]] = {}
        self.states: dict[str, str] = {}
        self.faults: dict[str, str] = {}
        self.step = 2000
        self.asked: list[str] = []
        self.sent: Counter[str] = Counter()

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"http://127.0.0.1:{self.server_port}"

    def publish(self, repo: str, folder: Path, branch: str = "main") -> str:
        """Commit a folder's files to a branch; returns the commit."""
        files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
        commit = hashlib.sha1(b"".join(name.encode() + content for name, content in files.items())).hexdigest()
        model = self.models.setdefault(repo, Model())
        model.commits[commit] = files
        model.branches[branch] = commit
        return commit

    def publish_datasets(self, root: Path) -> None:
        """Publish each `root`/<owner>/<name>/ as a data set."""
        for folder in sorted(root.glob("*/*/")):
            paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
            found = {str(path.relative_to(folder)): path.read_bytes() for path in paths}
            self.datasets[str(folder.relative_to(root))] = found

    def files(self, kind: str, repo: str, commit: str) -> dict[str, bytes]:
        """The files of a repository of models or data sets, by path."""
        return self.datasets.get(repo, {}) if kind == "datasets" else self.models[repo].commits[commit]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is none."""


@contextmanager
def serving() -> Iterator[Hub]:
    """A hub that runs as long as the block does."""
    hub = Hub()
    threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()


def in_large_file_storage(name: str) -> bool:
    """As the hub's .gitattributes has it."""
    return name.endswith((".safetensors", ".bin", ".parquet")) or name == "tokenizer.json"


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        path = unquote(self.path.split("?")[0])
        self.server.asked.append(path.removeprefix("/api/datasets/"))
        about, kind, repo, rest = _parts(path)
        state = self.server.states.get(repo, "open")
        if state in REFUSALS:
            status, headers = REFUSALS[state]
            self._say(status, {"error": state}, headers)
        elif about and rest == ["auth-check"]:
            if state == "gated":
                self._say(403, {"error": "gated"}, {"X-Error-Code": "GatedRepo"})
            else:
                self._say(200, {})
        elif about and rest[:1] == ["tree"]:
            self._list(repo, "/".join(rest[2:]))
        elif about:
            self._describe(kind, repo, rest[1] if rest[:1] == ["revision"] else "main", state)
        elif rest[0] == "storage":
            name = "/".join(rest[2:])
            self._send(self.server.files(kind, repo, rest[1])[name], name)
        elif kind == "raw":
            name = "/".join(rest)
            self._send(self.server.datasets[repo][name], name)
        else:
            self._resolve(kind, repo, rest[1], "/".join(rest[2:]))

    do_HEAD = do_GET

    def _describe(self, kind: str, repo: str, revision: str, state: str) -> None:
        content: dict[str, Any] = {"id": repo, "gated": False, "private": False}
        if kind == "datasets":
            if state == "gone" and revision != "main":
                self._say(404, {"error": "no such revision"}, {"X-Error-Code": "RevisionNotFound"})
            else:
                commit = REVISION if revision == "main" else revision
                self._say(200, content | {"sha": commit, "cardData": {"license": "mit"}, "siblings": []})
        elif repo not in self.server.models:
            self._say(401, {"error": "Invalid username or password."}, {"X-Error-Code": "RepoNotFound"})
        else:
            model = self.server.models[repo]
            commit = model.branches.get(revision, revision)
            if commit not in model.commits:
                self._say(404, {"error": "no such revision"}, {"X-Error-Code": "RevisionNotFound"})
                return
            siblings = [_sibling(name, file) for name, file in model.commits[commit].items()]
            self._say(200, content | {"sha": commit, "siblings": siblings})

    def _list(self, repo: str, folder: str) -> None:
        """What lies in a folder of a data set and below."""
        found = _entries(self.server.datasets[repo], folder)
        if found:
            self._say(200, [entry for entry in found if entry["path"] != folder])
        else:
            self._say(404, {"error": "no such folder"}, {"X-Error-Code": "EntryNotFound"})

    def _resolve(self, kind: str, repo: str, revision: str, name: str) -> None:
        """A file; one in large file storage is elsewhere."""
        fault, files = self.server.faults.get(name), self.server.files(kind, repo, revision)
        if fault == "missing" or name not in files:
            self._say(404, {"error": "no such file"}, {"X-Error-Code": "EntryNotFound"})
        elif fault == "busy":
            self._say(429, {"error": "busy"})
        elif in_large_file_storage(name):
            prefix = "datasets/" if kind == "datasets" else ""
            about = _about_file(name, files[name], revision) | {"X-Linked-Size": str(len(files[name]))}
            about["X-Linked-ETag"] = about["ETag"]
            host = f"http://localhost:{self.server.server_port}"  # another one, as the true hub's storage
            there = f"{host}/{prefix}{repo}/storage/{revision}/{name}"
            self._say(302, {}, about | {"Location": there})
        else:
            self._send(files[name], name, _about_file(name, files[name], revision))

    def _send(self, content: bytes, name: str, about: dict[str, str] | None = None) -> None:
        """A file's bytes, from where the client wants them; as many as the fault lets through."""
        begin = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        rest, fault = content[begin:], self.server.faults.get(name)
        if fault == "flipped":
            rest = rest[:-1] + bytes([rest[-1] ^ 1])
        self.send_response(206 if begin else 200)
        for key, value in {"Content-Length": str(len(rest)), **(about or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if fault in ("cut", "dead"):
            rest = rest[: 0 if fault == "dead" and begin else self.server.step]
        self.wfile.write(rest)
        self.server.sent[name] += len(rest)

    def _say(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        for key, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **(headers or {}),
        }.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def _parts(path: str) -> tuple[bool, str, str, list[str]]:
    """Of a path: whether it asks about a repository, `models`, `datasets` or `raw`, the repository, what follows."""
    parts = path.strip("/").split("/")
    about = parts[0] == "api"
    parts = parts[1:] if about else parts
    kind = parts.pop(0) if parts[0] in ("models", "datasets", "raw") else "models"
    return about, kind, "/".join(parts[:2]), parts[2:]


def _about_file(name: str, content: bytes, commit: str) -> dict[str, str]:
    """The headers by which the hub names a file's bytes."""
    digest = hashlib.sha256(content).hexdigest() if in_large_file_storage(name) else _blob(content)
    return {"ETag": f'"{digest}"', "X-Repo-Commit": commit if commit != "main" else REVISION}


def _entries(files: dict[str, bytes], root: str) -> list[dict[str, Any]]:
    """The files and folders at a path and below it."""
    folders = {str(folder) for name in files for folder in PurePosixPath(name).parents}
    folders.discard(".")
    found = [{"type": "directory", "oid": "0" * 40, "size": 0, "path": name} for name in sorted(folders)]
    for name, content in files.items():
        found.append({"type": "file", "path": name, "oid": _blob(content), **_large(name, content, "oid")})
    inside = f"{root}/" if root else ""
    return [entry for entry in found if entry["path"] == root or entry["path"].startswith(inside)]


def _sibling(name: str, content: bytes) -> dict[str, Any]:
    return {"rfilename": name, "blobId": _blob(content), **_large(name, content, "sha256")}


def _large(name: str, content: bytes, digest: str) -> dict[str, Any]:
    """A file's size, and what large file storage knows it by where it is there."""
    entry: dict[str, Any] = {"size": len(content)}
    if in_large_file_storage(name):
        entry["lfs"] = {digest: hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
    return entry


def _blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()

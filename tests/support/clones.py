"""Fresh clones of the project in folders of their own, and its commands run there."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
CLONED = ("Snakefile", "config.yaml", "config", "workflow", "profiles", "envs", "flexmore")
RESULTS = Path("results", "smoke")
Finished = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Clone:
    """A folder that looks like a fresh clone, with the smoke study's configuration in smoke.yaml.

    Attributes:
        config: the study that is run here, and its `family`.
        patience: seconds after which a command counts as stuck.
    """

    folder: Path
    config: str = "smoke.yaml"
    family: str = "smoke"
    patience: float = 1500

    @classmethod
    def make(cls, folder: Path) -> "Clone":
        """Copy what a clone of the project holds into a new folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in CLONED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
        shutil.copy2(Path(__file__).parents[1] / "workflow" / "smoke.yaml", folder)
        return cls(folder)

    def copy(self, folder: Path) -> "Clone":
        """Return the same with all that has been computed, times of modification included."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return replace(self, folder=folder)

    @property
    def results(self) -> Path:
        """The study's results."""
        return self.folder / "results" / self.family

    def run(self, *words: str, check: bool = True, path: Path | None = None, timeout: float | None = None) -> Finished:
        """Run a Python module (snakemake, flexmore) here; standard output and error come back together.

        Args:
            path: PYTHONPATH.
            timeout: in seconds; None: `patience`.
        """
        done = subprocess.run(
            [sys.executable, "-m", *words], cwd=self.folder, env=environment(path), timeout=timeout or self.patience,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"{words} ended with {done.returncode}:\n{done.stdout}"
        return done

    def snakemake(self, *words: str, cores: int = 1, check: bool = True) -> Finished:
        """Run Snakemake here, by default on one core, since other tests run beside it."""
        return self.run("snakemake", *words, "--cores", str(cores), "--configfile", self.config, check=check)

    def resume(self, cores: int = 1, check: bool = True) -> Finished:
        """Run the documented command after a kill."""
        return self.run(*self.resuming, "--cores", str(cores), check=check)

    @property
    def resuming(self) -> tuple[str, ...]:
        """The words of that command."""
        return ("flexmore", "resume", "--configfile", self.config)

    def planned(self, *words: str) -> list[str]:
        """Return what a run would do now: the messages of its jobs, sorted."""
        return sorted(re.findall(r"^Job \d+: (.*)$", self.snakemake("--dry-run", *words).stdout, flags=re.MULTILINE))

    def configure(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the configuration."""
        path = self.folder / self.config
        content = yaml.safe_load(path.read_text())
        change(content)
        path.write_text(yaml.safe_dump(content, sort_keys=False))

    def before(self, function: str, code: str) -> None:
        """Run some code before every call of a function or method of this clone's `flexmore`.

        Args:
            function: where it is defined, as in `flexmore.factors.store:write_layer`.
            code: sees the function's arguments in the tuple `given` and the dictionary `named`.
        """
        module, _, name = function.partition(":")
        path = self.folder.joinpath(*module.split(".")).with_suffix(".py")
        lines = indent(dedent(code).strip(), "    ")
        with path.open("a") as file:
            file.write(f"\n\ndef _before(*given, _function={name}, **named):\n{lines}\n")
            file.write(f"    return _function(*given, **named)\n\n\n{name} = _before\n")

    @contextmanager
    def started(self, *words: str) -> Iterator[Callable[[Callable[[], bool]], None]]:
        """Start a Python module here; at the end its whole process group gets SIGKILL, like a machine that loses power.

        Yields:
            A function that waits for a moment of the run, which must not end before.
        """
        log = self.folder / "started.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", *words], cwd=self.folder, env=environment(), stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip

        def until(moment: Callable[[], bool]) -> None:
            deadline = time.monotonic() + self.patience
            while not moment():
                assert process.poll() is None, f"{words} ended too early:\n{log.read_text()}"
                assert time.monotonic() < deadline, f"the moment never came:\n{log.read_text()}"
                time.sleep(0.02)

        try:
            yield until
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def tables(self) -> dict[str, bytes]:
        """Return every table's bytes."""
        return {path.name: path.read_bytes() for path in sorted((self.results / "tables").iterdir())}

    def times(self, pattern: str) -> dict[str, int]:
        """Return the times of modification, in ns, of the results that match."""
        found = self.results.glob(pattern)
        return {str(path.relative_to(self.results)): path.stat().st_mtime_ns for path in found if path.is_file()}


def environment(path: Path | None = None) -> dict[str, str]:
    """Return the environment of commands: one thread a process, and no package but the one that lies in the clone.

    A clone of the tests is no git checkout, so its commit is given.
    """
    given = {"OMP_NUM_THREADS": "1", "FLEXMORE_COMMIT": "0123456789ab"} | ({"PYTHONPATH": str(path)} if path else {})
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | given

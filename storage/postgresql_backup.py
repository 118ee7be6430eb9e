"""Backups of a PostgreSQL journal, by the server's own programs pg_dump and pg_restore."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO

from sqlalchemy import URL

from storage.backup_values import Contents, OnStep
from storage.errors import BackupError
from storage.tables import from_microseconds, metadata

INSTALLED = Path("/usr/lib/postgresql")
"""Where Debian and Ubuntu install the programs of each version, in VERSION/bin."""
REVISION_TABLE = "alembic_version"
COMPRESSION = 4
"""Level of gzip; bodies are compressed in the journal already."""
_COPY = re.compile(rb'COPY \S*?\.?"?(\w+)"? \((.*)\) FROM stdin;')


def find_program(name: str, server: int, *, installed: Path = INSTALLED) -> Path:
    """The program for a server of that major version: of the same version, else the next newer one.

    It is looked up on PATH and in `installed`. Raises BackupError, which names what was found.
    """
    on_path = shutil.which(name)
    candidates = [*([Path(on_path)] if on_path else []), *sorted(installed.glob(f"*/bin/{name}"))]
    versions = {program: version for program in candidates if (version := _major_version(program))}
    fitting = [program for program in candidates if versions.get(program, 0) >= server]
    if fitting:
        return min(fitting, key=versions.__getitem__)
    found = ", ".join(f"{program} of version {version}" for program, version in versions.items())
    raise BackupError(
        f"{name} of PostgreSQL {server} or newer is needed, on PATH or in {installed}/*/bin; "
        + (f"there is {found}. " if found else "there is none. ")
        + f"On Debian: apt-get install postgresql-client-{server}"
    )


def _major_version(program: Path) -> int:
    """0 if the program does not say."""
    try:
        done = subprocess.run(  # noqa: S603 - a program of that name, where the operator has it
            [program, "--version"], capture_output=True, text=True, check=False, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    return int(found[1]) if found else 0


def dump(url: URL, server: int, target: Path, on_step: OnStep) -> None:
    """Write the journal's tables as they are at this moment to an archive. Raises BackupError."""
    tables = [f"--table={name}" for name in (*metadata.tables, REVISION_TABLE)]
    options = ("--format=custom", f"--compress={COMPRESSION}", "--no-owner", "--no-privileges", *tables)
    program = find_program("pg_dump", server)
    command = [str(program), *options, f"--file={target}", f"--dbname={_without_password(url)}"]
    with _running(command, url) as process:
        _wait(process, partial(_report_size, target, on_step))


def read(file: Path, server: int, on_step: OnStep) -> Contents:
    """Read an archive to its end and count what is in it. Raises BackupError if it is damaged or no journal."""
    program = find_program("pg_restore", server)
    with _running([str(program), "--file=-", str(file)], None) as process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        try:
            contents = _count(process.stdout, on_step)
        except (IndexError, ValueError) as error:
            raise BackupError(f"the backup {file} is damaged: a row is incomplete; use another one") from error
        _wait(process, lambda: None, "; the backup may be damaged: use another one")
    if contents is None:
        raise BackupError(f"{file} holds no journal: it has no table callbacks")
    return contents


def tables_in(file: Path, server: int) -> set[str]:
    """The names of the tables in an archive."""
    program = find_program("pg_restore", server)
    with _running([str(program), "--list", str(file)], None) as process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        found = re.findall(rb"^\d+; \d+ \d+ TABLE \S+ (\S+)", process.stdout.read(), re.MULTILINE)
        _wait(process, lambda: None)
    return {name.decode() for name in found}


def restore(file: Path, url: URL, server: int, on_step: OnStep) -> None:
    """Put an archive's tables in the place of those of the database, in one transaction. Raises BackupError."""
    options = ("--clean", "--if-exists", "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges")
    program = find_program("pg_restore", server)
    command = [str(program), *options, f"--dbname={_without_password(url)}", str(file)]
    with _running(command, url) as process:
        _wait(process, lambda: on_step("restoring", 0, None))


def _without_password(url: URL) -> str:
    """The URL as libpq takes it. Everybody on the machine can read a command line, so the password is not in it."""
    return url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)


@contextmanager
def _running(command: Sequence[str], url: URL | None) -> Iterator[subprocess.Popen[bytes]]:
    """A program of PostgreSQL, which ends when the block does. Its messages are those of the error, if it fails."""
    environment = {**os.environ, "LC_ALL": "C", "PGCONNECT_TIMEOUT": "10"}
    if url is not None and url.password:
        environment["PGPASSWORD"] = str(url.password)
    process = subprocess.Popen(  # noqa: S603 - no shell: values of the URL are single arguments
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def _wait(process: subprocess.Popen[bytes], report: Callable[[], None], advice: str = "") -> None:
    """Wait for the end, and report meanwhile. Raises BackupError with what the program said, and the advice."""
    while True:
        try:
            _, said = process.communicate(timeout=0.2)
            break
        except subprocess.TimeoutExpired:
            report()
    if process.returncode:
        raise BackupError(_last_lines(process.args, said) + advice)


def _last_lines(command: object, said: bytes) -> str:
    program = Path(command[0]).name if isinstance(command, list) else "the program"
    lines = [line for line in said.decode(errors="replace").splitlines() if line.strip()]
    return f"{program} failed: " + "; ".join(lines[:3] or ["it said nothing"])


def _report_size(file: Path, on_step: OnStep) -> None:
    on_step("dumping", file.stat().st_size if file.exists() else 0, None)


def _count(script: IO[bytes], on_step: OnStep) -> Contents | None:
    """Count the rows of the SQL script that an archive stands for; None if it has no callbacks."""
    callbacks, newest, revision, table, read_bytes, received = -1, 0, "", b"", 0, 0
    for line in script:
        read_bytes += len(line)
        if not table:
            if begins := _COPY.match(line):
                table = begins[1]
                columns = [column.strip(b' "') for column in begins[2].split(b",")]
                received = columns.index(b"received_at") if b"received_at" in columns else 0
                callbacks = 0 if table == b"callbacks" else callbacks
        elif line == b"\\.\n":
            table = b""
        elif table == b"callbacks":
            callbacks, newest = callbacks + 1, max(newest, int(line.split(b"\t", received + 1)[received]))
            if callbacks % 1000 == 0:
                on_step("verifying", read_bytes, None)
        elif table == REVISION_TABLE.encode():
            revision = line.decode().strip()
    return Contents(callbacks, from_microseconds(newest) if newest else None, revision) if callbacks >= 0 else None

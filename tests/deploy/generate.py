"""Writes the files in deploy/ that come from the templates of `receiver init`: `python -m tests.deploy.generate`."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from receiver.cli.deployment.machine import Machine
from receiver.cli.deployment.rendering import CERTIFICATE_HOOK, PROXY_FILES, SETTINGS, UNITS, WORKER_UNIT, render

DEPLOY = Path(__file__).parents[2] / "deploy"
EXAMPLE = Machine("https://calls.example.com", "4f1c9a7e-put-your-own-here")


def generated() -> Mapping[str, str]:
    """The files below deploy/ that have a template, with the values of the example."""
    proxies = {name: render(name, replace(EXAMPLE, proxy=proxy)) for proxy, name in PROXY_FILES.items()}
    proxies[CERTIFICATE_HOOK] = render(CERTIFICATE_HOOK, replace(EXAMPLE, proxy="haproxy"))
    site = {"host": "{$SITE}", "site": "https://{$SITE}", "upstream": "receiver:8000"}
    compose = {"compose.Caddyfile": render("Caddyfile", EXAMPLE, **site)}
    units = {f"systemd/{name}": render(name, EXAMPLE) for name in (*UNITS, WORKER_UNIT)}
    return {SETTINGS: render(SETTINGS, EXAMPLE), **proxies, **compose, **units}


def main() -> None:
    """Write them all."""
    for name, text in generated().items():
        (DEPLOY / name).parent.mkdir(exist_ok=True)
        (DEPLOY / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

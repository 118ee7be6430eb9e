"""What a receiver prints when it starts."""

from collections.abc import Mapping

from receiver.cli.output import Column, Table, console, print_facts, print_prose
from receiver.components import Components
from receiver.web.auth import AccessPolicy, access_policies
from receiver.web.callback_app import url_path
from storage import Database


def print_banner(components: Components, database: Database, port: int) -> None:
    """Print where the receiver listens, the URLs of the providers, and the handlers."""
    settings = components.settings
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    base = settings.public_url.rstrip("/") or f"http://{host}:{port}"
    console.print(f"The receiver listens on [bold]http://{host}:{port}[/]", highlight=False, soft_wrap=True)
    console.print("\nURLs to paste into the provider's panel:")
    policies = access_policies(settings, components.providers)
    _url_table(components, base, policies).print()
    if any(policy.secrets for policy in policies.values()):
        print_prose("  SECRET stands for one of the secrets in your settings.", indent=2)
    console.print("\nHandlers:")
    print_handlers(components)
    print_prose(f"The journal is in {database.place}. Stop with Ctrl-C.")
    console.print()
    console.file.flush()


def _url_table(components: Components, base: str, policies: Mapping[str, AccessPolicy]) -> Table:
    table = Table(Column(), Column(), Column(), indent=2)
    for provider in components.providers.values():
        for endpoint in provider.endpoints:
            secret = "/SECRET" if policies[provider.name].secrets else ""
            address = f"{base}{secret}{url_path(provider, endpoint)}"
            table.add(provider.title, endpoint.kind or "all callbacks", address)
    return table


def print_handlers(components: Components) -> None:
    """Print each handler with what it answers or listens to."""
    if not list(components.registry):
        print_prose("  none: callbacks are stored and acknowledged, and questions get their fallback", indent=2)
        return
    print_facts(
        (
            (handler.name, f"{'answers' if handler.answers else 'listens to'} {handler.describe()}")
            for handler in components.registry
        ),
        indent=2,
    )

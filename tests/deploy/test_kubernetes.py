"""deploy/kubernetes: valid for Kubernetes, and consistent with the image, the settings and each other."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import typer
import yaml

from receiver.cli import app
from receiver.setting_sources import PREFIX
from receiver.settings import Settings
from receiver.web.routes import OWN_PATHS
from tests.deploy import dockerfile
from tests.deploy.generate import DEPLOY
from tests.support import running

FILES = sorted((DEPLOY / "kubernetes").glob("*.yaml"))


def _objects() -> Iterator[tuple[str, dict[str, Any]]]:
    for file in FILES:
        for manifest in yaml.safe_load_all(file.read_text(encoding="utf-8")):
            yield file.name, manifest


MANIFESTS = {(one["kind"], one["metadata"]["name"]): one for file, one in _objects() if file != "kustomization.yaml"}
PODS = {key: one["spec"]["template"]["spec"] for key, one in MANIFESTS.items() if "template" in one.get("spec", {})}
CONTAINERS = {key: pod["containers"][0] for key, pod in PODS.items()}
BY_POD = pytest.mark.parametrize("key", PODS, ids="/".join)


def _settings() -> Settings:
    settings = tomllib.loads(MANIFESTS["ConfigMap", "receiver-settings"]["data"]["receiver.toml"])
    secret = MANIFESTS["Secret", "receiver"]["stringData"]
    return Settings(**settings, **{name.removeprefix(PREFIX).lower(): value for name, value in secret.items()})


@pytest.mark.parametrize("key", MANIFESTS, ids="/".join)
def test_a_manifest_follows_the_schema_of_its_kind(key: tuple[str, str]) -> None:
    """That of Kubernetes itself, without a key that it does not know."""
    kubernetes_validate.validate(MANIFESTS[key], kubernetes_validate.latest_version(), strict=True)


def test_kustomize_applies_all_but_the_job_and_the_secret() -> None:
    """A Job cannot be changed, and the secrets are the operator's."""
    [kustomization] = [one for file, one in _objects() if file == "kustomization.yaml"]
    by_hand = {"kustomization.yaml", "migrate.yaml", "secret.example.yaml"}
    assert set(kustomization["resources"]) == {file.name for file in FILES} - by_hand
    assert {one["metadata"]["namespace"] for one in MANIFESTS.values()} == {kustomization["namespace"]}
    [image] = kustomization["images"]
    pinned = f"{image['newName']}:{image['newTag']}"
    used = {container["image"] for key, container in CONTAINERS.items() if key[0] != "Job"}
    assert (used, CONTAINERS["Job", "receiver-migrate"]["image"]) == ({image["name"]}, pinned)


def test_the_settings_and_secrets_are_valid() -> None:
    """Together, as a pod gets them."""
    settings = _settings()
    assert settings.secrets
    assert settings.database_url.get_secret_value().startswith("postgresql://")
    assert not settings.auto_migrate


@BY_POD
def test_a_pod_has_no_rights_and_a_read_only_root(key: tuple[str, str]) -> None:
    """It runs as the image's user, and writes to its volumes alone."""
    user, container = PODS[key]["securityContext"], CONTAINERS[key]
    image = dockerfile.read()[1][-1]
    assert (user["runAsNonRoot"], str(user["runAsUser"])) == (True, image.last("USER"))
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert PODS[key]["automountServiceAccountToken"] is False
    writable = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
    assert writable == {"/tmp", image.last("VOLUME")}


@BY_POD
def test_a_pod_runs_a_command_that_exists_with_volumes_that_exist(key: tuple[str, str]) -> None:
    """With the secrets and the settings, whose file is where the image reads it."""
    container = CONTAINERS[key]
    program, command, *options = container["args"]
    commands: Any = typer.main.get_command(app)
    known = commands.resolve_command(None, [command])[1].params
    assert program == "receiver"
    assert set(options) <= {name for param in known for name in (*param.opts, *param.secondary_opts)}
    assert container["envFrom"] == [{"secretRef": {"name": "receiver"}}]
    claims = MANIFESTS[key]["spec"].get("volumeClaimTemplates", ())
    volumes = {one["name"] for one in PODS[key]["volumes"]} | {one["metadata"]["name"] for one in claims}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes
    work = dockerfile.read()[1][-1].last("WORKDIR")
    assert f"{work}/receiver.toml" in {mount["mountPath"] for mount in container["volumeMounts"]}


def test_the_probes_ask_for_paths_that_exist() -> None:
    """A receiver that drains is not ready, but alive."""
    receiver = CONTAINERS["StatefulSet", "receiver"]
    paths = {name: receiver[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")}
    assert paths == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}
    assert set(paths.values()) <= OWN_PATHS


@pytest.mark.parametrize("key", [("StatefulSet", "receiver"), ("Deployment", "receiver-worker")], ids="/".join)
def test_a_pod_has_the_time_to_stop_that_its_settings_take(key: tuple[str, str]) -> None:
    """Kubernetes kills it after that."""
    settings = _settings()
    assert PODS[key]["terminationGracePeriodSeconds"] > settings.drain_seconds + 2 * settings.shutdown_seconds


def test_what_selects_pods_finds_them() -> None:
    """The labels of each selector are those of the pods that are meant."""
    receivers = MANIFESTS["StatefulSet", "receiver"]["spec"]["template"]["metadata"]["labels"]
    assert MANIFESTS["Service", "receiver"]["spec"]["selector"] == receivers
    assert MANIFESTS["PodDisruptionBudget", "receiver"]["spec"]["selector"]["matchLabels"] == receivers
    target = MANIFESTS["HorizontalPodAutoscaler", "receiver-worker"]["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) in MANIFESTS
    network = MANIFESTS["NetworkPolicy", "receiver"]["spec"]
    for key in PODS:
        labels = MANIFESTS[key]["spec"]["template"]["metadata"]["labels"]
        assert network["podSelector"]["matchLabels"].items() <= labels.items()
    [port] = CONTAINERS["StatefulSet", "receiver"]["ports"]
    assert network["ingress"][0]["ports"] == [{"port": port["containerPort"]}]


async def test_the_workers_are_scaled_by_a_figure_that_exists(tmp_path: Path) -> None:
    """It is in the receivers' /metrics, and the rule for prometheus-adapter in the docs names it."""
    [metric] = MANIFESTS["HorizontalPodAutoscaler", "receiver-worker"]["spec"]["metrics"]
    name = metric["external"]["metric"]["name"]
    async with running(tmp_path, metrics=True) as started:
        assert f"\n{name}" in (await started.client.get("/metrics")).text
    [rule] = yaml.safe_load((DEPLOY / "kubernetes" / "adapter-rules.yml").read_text(encoding="utf-8"))["rules"][
        "external"
    ]
    assert rule["name"]["as"] == name
    assert name in rule["seriesQuery"]

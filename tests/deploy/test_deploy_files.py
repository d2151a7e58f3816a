"""Deployment files: they are valid for the tools that read them, and each component gets everything it needs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
# Airflow's processes, each of which imports the project's code
COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer", "worker-1", "worker-2")
PAGES = ("deploy-requirements", "deploy-astro", "deploy-celery", "deploy-kubernetes")
SAME_EVERYWHERE = (
    "AIRFLOW__CORE__FERNET_KEY", "AIRFLOW__API__SECRET_KEY", "AIRFLOW__API_AUTH__JWT_SECRET",
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL", "AIRFLOW__API__BASE_URL", "AIRFLOW_CONN_POSTGRES_DEFAULT",
    "AIRFLOW_CONN_SALESFORCE_DEFAULT", "CRM_EXPORT_STREAMS", "CRM_EXPORT_SCHEDULE", "CRM_EXPORT_ERROR_SCHEDULE",
    "CRM_EXPORT_RECONCILE_SCHEDULE", "CRM_EXPORT_POOL",
)  # fmt: skip


def read_yaml(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def read_page(name: str) -> str:
    return (ROOT / "docs" / "howto" / f"{name}.md").read_text(encoding="utf-8")


def find_wrong(values: dict[str, Any], schema: str) -> list[str]:
    """Return the errors that a JSON Schema of this folder finds."""
    rules = json.loads(Path(__file__).with_name(schema).read_text(encoding="utf-8"))
    Draft7Validator.check_schema(rules)
    return [f"{error.json_path}: {error.message}" for error in Draft7Validator(rules).iter_errors(values)]


@pytest.fixture
def compose() -> dict[str, Any]:
    return read_yaml(DEPLOY / "compose.yaml")


@pytest.fixture
def helm() -> dict[str, Any]:
    return read_yaml(DEPLOY / "helm-values.yaml")


def test_the_compose_file_is_what_the_compose_specification_says(compose: dict[str, Any]) -> None:
    assert find_wrong(compose, "compose.schema.json") == []
    compose["services"]["worker-1"]["comand"] = "celery worker"
    assert find_wrong(compose, "compose.schema.json") != []


def test_every_component_of_the_compose_file_gets_the_same(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert set(COMPONENTS) < set(services)
    reference = services["scheduler"]
    for name in COMPONENTS:
        assert services[name]["image"] == reference["image"]
        assert services[name]["restart"] == "always"
        for variable in SAME_EVERYWHERE:
            assert services[name]["environment"][variable] == reference["environment"][variable], (name, variable)


def test_the_workers_have_names_of_their_own_and_depend_on_services_that_exist(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert [services[f"worker-{n}"]["hostname"] for n in (1, 2)] == ["worker-1", "worker-2"]
    named = {other for service in services.values() for other in service.get("depends_on", {})}
    assert named <= set(services)
    volumes = {mount.partition(":")[0] for service in services.values() for mount in service.get("volumes", [])}
    assert volumes == set(compose["volumes"])


def test_the_compose_file_has_no_default_for_a_secret_and_serves_this_machine_only(compose: dict[str, Any]) -> None:
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    secrets = {name for name in re.findall(r"\$\{(\w+)", text) if re.search(r"KEY|SECRET|PASSWORD|CONNECTION", name)}
    assert len(secrets) >= 7
    assert [name for name in secrets if f"${{{name}:?" not in text] == [], "compose stops without them"
    page = read_page("deploy-celery")
    assert [name for name in secrets if f"{name}=" not in page] == []
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert ports == ["127.0.0.1:8080:8080"]


def test_the_helm_values_are_what_the_chart_takes(helm: dict[str, Any]) -> None:
    assert find_wrong(helm, "helm_values.schema.json") == []
    helm["workers"]["celery"]["keda"]["enabeld"] = True
    assert find_wrong(helm, "helm_values.schema.json") != []


def test_the_helm_values_pin_the_keys_and_hold_no_secret(helm: dict[str, Any]) -> None:
    for key in ("fernetKeySecretName", "apiSecretKeySecretName", "jwtSecretName"):
        assert helm[key]
    page = read_page("deploy-kubernetes")
    text = (DEPLOY / "helm-values.yaml").read_text(encoding="utf-8")
    expected = set(re.findall(r"\b(crm-export-[\w-]+)\b", text))
    assert len(expected) == 7
    assert [name for name in expected if f"secret generic {name} " not in page] == []


def test_the_helm_values_name_what_every_component_needs(helm: dict[str, Any]) -> None:
    given = {each["name"] for each in helm["env"]}
    assert given >= {name for name in SAME_EVERYWHERE if name.startswith("CRM_EXPORT_")} | {"PYTHONPATH"}
    assert helm["workers"]["celery"]["terminationGracePeriodSeconds"] > 10


@pytest.mark.parametrize("path", ["Dockerfile", "deploy/Dockerfile"])
def test_an_image_is_built_from_a_pinned_base_and_from_what_is_there(path: str) -> None:
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    arguments = dict(re.findall(r"^ARG (\w+)=(\S+)$", "\n".join(lines), re.MULTILINE))
    bases = [line.partition(" ")[2] for line in lines if line.startswith("FROM ")]
    assert len(bases) == 1
    tag = re.sub(r"\$\{(\w+)\}", lambda found: arguments[found[1]], bases[0]).rpartition(":")[2]
    assert re.match(r"3\.3[.-]\d+$", tag)
    sources = [line.split()[-2] for line in lines if line.startswith("COPY ")]
    assert [source for source in sources if not (ROOT / source).exists()] == []
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert not set(sources) & set(ignored)


def test_the_plain_image_keeps_the_airflow_and_the_celery_that_work() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    locked = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    version = re.search(r"^apache-airflow==(\S+)", locked, re.MULTILINE)
    assert version is not None
    assert f"ARG AIRFLOW_VERSION={version[1]}\n" in text
    assert '"celery<5.7"' in text


def test_the_project_is_one_that_the_astro_cli_takes() -> None:
    assert read_yaml(ROOT / ".astro" / "config.yaml") == {"project": {"name": "crm-export"}}
    for name in ("dags", "plugins", "include"):
        assert (ROOT / name).is_dir()
    for name in ("Dockerfile", "packages.txt", "requirements.txt", "airflow_settings.yaml"):
        assert (ROOT / name).is_file()
    # Astro adds apache-airflow==… to the command that installs the file: pip rejects that next to hashes
    assert "--hash" not in (ROOT / "requirements.txt").read_text(encoding="utf-8")


def test_the_settings_of_astro_have_the_keys_that_it_reads() -> None:
    listed = read_yaml(ROOT / "airflow_settings.yaml")["airflow"]
    keys = {
        "connections": {"conn_id", "conn_type", "conn_host", "conn_schema", "conn_login", "conn_password", "conn_port",
                        "conn_uri", "conn_extra"},
        "variables": {"variable_name", "variable_value"},
        "pools": {"pool_name", "pool_slot", "pool_description"},
    }  # fmt: skip
    assert set(listed) == set(keys)
    assert [(kind, each) for kind, items in listed.items() for each in items if not set(each) <= keys[kind]] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_page_says_what_was_run(page: str) -> None:
    assert re.search(r"\*\*(Run|Not run here)", read_page(page))

"""What the project says about settings, and what the files for operators say about them: read by the tests beside this file."""

import pathlib
import re
import subprocess
import tomllib

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEFAULTS_TEXT = (ROOT / "config/default.toml").read_text()
DEFAULTS = tomllib.loads(DEFAULTS_TEXT)
OVERLAYS = sorted(path.parent for path in ROOT.glob("k8s/overlays/*/kustomization.yaml"))
SECRETS_FOLDER = "/run/secrets/"
# Beside settings: which file to read, the address for `entrada admin`, the key for `entrada chat`, the platform's port.
OTHER_NAMES = {"ENTRADA_CONFIG", "ENTRADA_ADMIN_URL", "ENTRADA_KEY", "PORT"}


def known_names():
    """Every variable that Entrada takes: key by key, and the other names that config/default.toml lists."""
    listed = set(re.findall(r"\b[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+\b", "\n".join(
        line for line in DEFAULTS_TEXT.splitlines() if line.startswith("#"))))
    keys = {f"ENTRADA_{section}__{key}".upper() for section, table in DEFAULTS.items()
            if isinstance(table, dict) for key in table}
    names = listed | keys
    return names | {f"{name}_FILE" for name in names} | OTHER_NAMES


def render(overlay):
    """The objects of an overlay as a cluster would get them."""
    built = subprocess.run(["kubectl", "kustomize", str(overlay)], capture_output=True, text=True, check=False)
    if built.returncode:
        raise ValueError(f"{overlay}: {built.stderr}")
    return list(yaml.safe_load_all(built.stdout))


def load(name):
    """A YAML file of the project; one document."""
    return yaml.safe_load((ROOT / name).read_text())


def find(objects, kind, name):
    return next((o for o in objects if o["kind"] == kind and o["metadata"]["name"] == name), None)


def pod_settings(objects):
    """The variables of the server's container in rendered manifests, by name."""
    container = find(objects, "Deployment", "entrada")["spec"]["template"]["spec"]["containers"][0]
    values = {}
    for source in container.get("envFrom", []):
        config = find(objects, "ConfigMap", source["configMapRef"]["name"])
        values |= config["data"] if config else {}
    return values | {entry["name"]: entry.get("value") for entry in container.get("env", [])}


def compose_settings(compose, service="app-1"):
    """The variables of a service, with `${NAME:?what it is}` left as it stands."""
    return dict(compose["services"][service]["environment"])


def render_settings(blueprint):
    """The variables of the web service; None where the person or the platform gives the value."""
    web = next(s for s in blueprint["services"] if s["type"] == "web")
    return {entry["key"]: entry.get("value") for entry in web["envVars"]}


def seconds(values, key):
    """A setting of section `server` in seconds, as set or by default."""
    return int(values.get(f"ENTRADA_SERVER__{key.upper()}", DEFAULTS["server"][key]))

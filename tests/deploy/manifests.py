"""Whether the files for operators fit together and fit the program: references, names of settings, ports, paths, time limits.

`faults` and its like say in words what is wrong; the tests let them loose on the real files, where nothing may be wrong, and on
files with one thing broken, where they must find it.
"""

import copy
import re
import unittest

from settings import (
    DEFAULTS, OVERLAYS, ROOT, SECRETS_FOLDER, compose_settings, find, known_names, load, pod_settings, render,
    render_settings, seconds,
)

TEMPLATE = load("k8s/base/secret.template.yaml")
NGINX = ROOT / "config/nginx"
# For streams and actors, after the two delays of the settings.
MARGIN_S = 5


def unknown_settings(values):
    return [f"{name} is no setting of config/default.toml" for name in values if name not in known_names()]


def labels_match(selector, labels):
    return all(labels.get(key) == value for key, value in selector.items())


def secret_faults(objects, template):
    """Keys of Secrets and ConfigMaps that are used and not there, and files that no volume has."""
    found = []
    keys = {template["metadata"]["name"]: set(template["stringData"])}
    spec = find(objects, "Deployment", "entrada")["spec"]["template"]["spec"]
    container = spec["containers"][0]
    for source in container.get("envFrom", []):
        if not find(objects, "ConfigMap", source["configMapRef"]["name"]):
            found.append(f"no ConfigMap {source['configMapRef']['name']}")
    files, mounts = set(), {m["name"]: m["mountPath"] for m in container["volumeMounts"]}
    for volume in spec["volumes"]:
        if "secret" in volume:
            secret = volume["secret"]
            for item in secret["items"]:
                if item["key"] not in keys.get(secret["secretName"], ()):
                    found.append(f"no key {item['key']} in Secret {secret['secretName']}")
                files.add(f"{mounts.get(volume['name'])}/{item['path']}")
        for source in volume.get("projected", {}).get("sources", []):
            files.add(f"{mounts.get(volume['name'])}/{source['serviceAccountToken']['path']}")
    for name, value in pod_settings(objects).items():
        if name.endswith("_FILE") and value not in files:
            found.append(f"{name} names {value}, which no volume has")
    for monitor in (o for o in objects if o["kind"] == "ServiceMonitor"):
        for endpoint in monitor["spec"]["endpoints"]:
            credentials = endpoint["authorization"]["credentials"]
            if credentials["key"] not in keys.get(credentials["name"], ()):
                found.append(f"no key {credentials['key']} in Secret {credentials['name']}")
    return found


def port_faults(objects):
    """Ports, selectors and targets that lead nowhere, and ways to the operators' port that should not be."""
    found = []
    pods = [o["spec"]["template"] for o in objects if o["kind"] in ("Deployment", "StatefulSet")]

    def ports_of(selector):
        return {port["name"]: port["containerPort"] for pod in pods if labels_match(selector, pod["metadata"]["labels"])
                for container in pod["spec"]["containers"] for port in container["ports"]}

    for service in (o for o in objects if o["kind"] == "Service"):
        there = ports_of(service["spec"]["selector"])
        for port in service["spec"]["ports"]:
            if port["targetPort"] not in there:
                found.append(f"Service {service['metadata']['name']}: no pod has the port {port['targetPort']}")
    if any(p["targetPort"] == "admin" for p in find(objects, "Service", "entrada")["spec"]["ports"]):
        found.append("the public Service has the operators' port")
    for policy in (o for o in objects if o["kind"] == "NetworkPolicy"):
        there = ports_of(policy["spec"]["podSelector"]["matchLabels"])
        for rule in policy["spec"].get("ingress", []):
            for port in rule["ports"]:
                if port["port"] not in there:
                    found.append(f"NetworkPolicy {policy['metadata']['name']}: no pod has the port {port['port']}")
    for ingress in (o for o in objects if o["kind"] == "Ingress"):
        for path in ingress["spec"]["rules"][0]["http"]["paths"]:
            backend = path["backend"]["service"]
            service = find(objects, "Service", backend["name"])
            names = {p["name"] for p in service["spec"]["ports"]} if service else set()
            if backend["name"] != "entrada" or backend["port"]["name"] not in names:
                found.append(f"the Ingress leads to {backend}, which is not the public port")
    for kind, at in (("HorizontalPodAutoscaler", "scaleTargetRef"),):
        for scaler in (o for o in objects if o["kind"] == kind):
            target = scaler["spec"][at]
            if not find(objects, target["kind"], target["name"]):
                found.append(f"{kind} {scaler['metadata']['name']} scales nothing")
    server = find(objects, "Deployment", "entrada")["spec"]
    if not labels_match(find(objects, "PodDisruptionBudget", "entrada")["spec"]["selector"]["matchLabels"],
                        server["template"]["metadata"]["labels"]):
        found.append("the PodDisruptionBudget protects nothing")
    settings, container = pod_settings(objects), server["template"]["spec"]["containers"][0]
    for name, setting in (("http", "ENTRADA_LISTEN"), ("admin", "ENTRADA_ADMIN_LISTEN")):
        listens = int(settings[setting].rsplit(":", 1)[1])
        if {p["name"]: p["containerPort"] for p in container["ports"]}.get(name) != listens:
            found.append(f"the port {name} is not that of {setting}")
    routes = (ROOT / "src/ops/mod.rs").read_text()
    for probe in ("livenessProbe", "readinessProbe"):
        path = container[probe]["httpGet"]["path"]
        if f'"{path}"' not in routes:
            found.append(f"{probe}: {path} is no route")
    return found


def hardening_faults(objects):
    """What `restricted` pods and this program in particular must not go without."""
    spec = find(objects, "Deployment", "entrada")["spec"]["template"]["spec"]
    container = spec["containers"][0]
    wanted = {
        # A Service entrada-admin would otherwise set ENTRADA_ADMIN_PORT, which is no setting: the start would be refused.
        "enableServiceLinks": (spec.get("enableServiceLinks"), False),
        "automountServiceAccountToken": (spec.get("automountServiceAccountToken"), False),
        "runAsNonRoot": (spec["securityContext"].get("runAsNonRoot"), True),
        "seccompProfile": (spec["securityContext"].get("seccompProfile"), {"type": "RuntimeDefault"}),
        "readOnlyRootFilesystem": (container["securityContext"].get("readOnlyRootFilesystem"), True),
        "allowPrivilegeEscalation": (container["securityContext"].get("allowPrivilegeEscalation"), False),
        "capabilities": (container["securityContext"].get("capabilities"), {"drop": ["ALL"]}),
    }
    return [f"{name} is {is_value}, not {value}" for name, (is_value, value) in wanted.items() if is_value != value]


def drain_faults(values, grace):
    needed = seconds(values, "drain_delay_s") + seconds(values, "shutdown_grace_s") + MARGIN_S
    return [] if grace >= needed else [f"{grace} s to stop, and the settings need {needed} s"]


def pod_grace(objects):
    return find(objects, "Deployment", "entrada")["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]


def faults(objects, template):
    settings = pod_settings(objects)
    return (unknown_settings(settings) + secret_faults(objects, template) + port_faults(objects)
            + hardening_faults(objects) + drain_faults(settings, pod_grace(objects)))


def compose_faults(compose):
    found = []
    services, secrets = compose["services"], compose["secrets"]
    for name in ("app-1", "app-2"):
        values = compose_settings(compose, name)
        found += unknown_settings(values)
        found += drain_faults(values, int(services[name]["stop_grace_period"].removesuffix("s")))
        for key, value in values.items():
            if key.endswith("_FILE") and value.removeprefix(SECRETS_FOLDER) not in services[name]["secrets"]:
                found.append(f"{name}: {key} names {value}, which is no secret of the service")
        found += [f"no secret {s}" for s in services[name]["secrets"] if s not in secrets]
        proxy = services["nginx"]["networks"]["front"]["ipv4_address"]
        if values["ENTRADA_SERVER__TRUSTED_PROXIES"] != proxy:
            found.append(f"{name} does not trust {proxy}, where nginx is, or trusts others")
        if "ports" in services[name]:
            found.append(f"{name} is reachable past nginx")
    for volume in services["nginx"]["volumes"] + services["certbot"]["volumes"]:
        path = re.sub(r"^\$\{\w+:-(.*?)\}", r"\1", volume).split(":")[0]
        if path.startswith("./") and not (ROOT / path).is_file():
            found.append(f"no file {path}")
    upstreams = re.findall(r"^\s*server ([\w.-]+):(\d+)", (NGINX / "upstream.conf").read_text(), re.M)
    ports = {name: values["ENTRADA_LISTEN"].rsplit(":", 1)[1]
             for name in ("app-1", "app-2") for values in [compose_settings(compose, name)]}
    if dict(upstreams) != ports:
        found.append(f"nginx asks {upstreams}, the replicas are {ports}")
    return found


class Manifests(unittest.TestCase):
    def test_every_overlay_fits_together_and_fits_the_program(self):
        self.assertGreaterEqual(len(OVERLAYS), 2)
        for overlay in OVERLAYS:
            self.assertEqual(faults(render(overlay), TEMPLATE), [], overlay.name)

    def test_what_is_missing_is_found(self):
        production = render(next(o for o in OVERLAYS if o.name == "example-production"))

        def deployment(change):
            objects = copy.deepcopy(production)
            change(find(objects, "Deployment", "entrada")["spec"]["template"]["spec"])
            return faults(objects, TEMPLATE)

        def template(key):
            broken = copy.deepcopy(TEMPLATE)
            del broken["stringData"][key]
            return faults(production, broken)

        def container(pod):
            return pod["containers"][0]

        broken = {
            "no key store": template("store"),
            "no key admin-token": template("admin-token"),
            "no ConfigMap": secret_faults([o for o in production if o["kind"] != "ConfigMap"], TEMPLATE),
            "no volume has": deployment(lambda p: p["volumes"][0]["secret"]["items"].pop()),
            "is no setting": deployment(lambda p: container(p)["env"].append({"name": "ENTRADA_SERVER__PUBLICURL"})),
            "enableServiceLinks": deployment(lambda p: p.pop("enableServiceLinks")),
            "is no route": deployment(lambda p: container(p)["readinessProbe"]["httpGet"].update(path="/healthz")),
            "s to stop": deployment(lambda p: p.update(terminationGracePeriodSeconds=30)),
            "no pod has the port": deployment(lambda p: container(p)["ports"][0].update(name="web")),
        }
        for words, found in broken.items():
            self.assertTrue(any(words in fault for fault in found), (words, found))

    def test_the_template_holds_no_values_and_nothing_that_nobody_reads(self):
        self.assertEqual(set(TEMPLATE["stringData"].values()), {""})
        used = {item["key"] for overlay in OVERLAYS for volume in
                find(render(overlay), "Deployment", "entrada")["spec"]["template"]["spec"]["volumes"]
                for item in volume.get("secret", {}).get("items", [])}
        self.assertEqual(used, set(TEMPLATE["stringData"]))

    def test_the_proxies_let_pass_what_entrada_lets_pass(self):
        most = DEFAULTS["mcp"]["max_body_bytes"]
        ingress = find(render(OVERLAYS[0]), "Ingress", "entrada")["metadata"]["annotations"]
        sizes = [ingress["nginx.ingress.kubernetes.io/proxy-body-size"], ingress["nginx.org/client-max-body-size"],
                 re.search(r"client_max_body_size (\w+);", (NGINX / "https.conf").read_text())[1]]
        for size in sizes:
            self.assertGreater(int(size.removesuffix("m")) * 1024 * 1024, most)
        kept = re.search(r"KEEP_ALIVE: Duration = Duration::from_secs\((\d+)\)", (ROOT / "src/app/listeners.rs").read_text())
        upstream = re.search(r"keepalive_timeout (\d+)s;", (NGINX / "upstream.conf").read_text())
        self.assertLess(int(upstream[1]), int(kept[1]))
        waits = re.search(r"proxy_read_timeout 1h;", (NGINX / "proxy.conf").read_text())
        self.assertTrue(waits and DEFAULTS["mcp"]["heartbeat_s"] < 3600)


class Compose(unittest.TestCase):
    def test_it_fits_together_and_fits_the_program(self):
        self.assertEqual(compose_faults(load("compose.yaml")), [])

    def test_what_is_missing_is_found(self):
        def broken(change):
            compose = load("compose.yaml")
            change(compose)
            return compose_faults(compose)

        cases = {
            "no secret admin-token": broken(lambda c: c["secrets"].pop("admin-token")),
            "is no secret of the service": broken(lambda c: c["services"]["app-2"]["secrets"].remove("encryption-keys")),
            "does not trust": broken(lambda c: c["services"]["nginx"]["networks"]["front"].update(ipv4_address="172.30.0.9")),
            "reachable past nginx": broken(lambda c: c["services"]["app-1"].update(ports=["8080:8080"])),
            "no file": broken(lambda c: c["services"]["nginx"]["volumes"].append("./config/nginx/none.conf:/x")),
        }
        for words, found in cases.items():
            self.assertTrue(any(words in fault for fault in found), (words, found))


class Render(unittest.TestCase):
    # https://render.com/docs/blueprint-spec; a misspelt field would be refused only when somebody deploys.
    FIELDS = {
        "web": {"type", "name", "runtime", "plan", "region", "branch", "dockerfilePath", "dockerContext", "healthCheckPath",
                "maxShutdownDelaySeconds", "numInstances", "envVars", "domains"},
        "keyvalue": {"type", "name", "plan", "region", "ipAllowList", "maxmemoryPolicy"},
    }

    def test_it_fits_the_program(self):
        blueprint = load("render.yaml")
        names = {service["name"] for service in blueprint["services"]}
        for service in blueprint["services"]:
            self.assertLessEqual(set(service), self.FIELDS[service["type"]])
        web = next(s for s in blueprint["services"] if s["type"] == "web")
        values = render_settings(blueprint)
        self.assertEqual(unknown_settings(values) + drain_faults(values, web["maxShutdownDelaySeconds"]), [])
        self.assertIn(f'"{web["healthCheckPath"]}"', (ROOT / "src/ops/mod.rs").read_text())
        self.assertTrue((ROOT / web["dockerfilePath"]).is_file())
        self.assertEqual(values["ENTRADA_LISTEN"].rsplit(":", 1)[1], values["PORT"])
        for entry in web["envVars"]:
            self.assertEqual(len(set(entry) & {"value", "sync", "fromService", "generateValue"}), 1, entry)
            if "fromService" in entry:
                self.assertIn(entry["fromService"]["name"], names)


class Readme(unittest.TestCase):
    def test_it_names_settings_and_files_that_exist(self):
        text = (ROOT / "README.md").read_text()
        named = set(re.findall(r"\b(?:ENTRADA|AZURE|DCR|ENCRYPTION)_[A-Z_]+\b", text))
        self.assertGreater(len(named), 5)
        tests_own = {"ENTRADA_TEST_NO_REDIS", "ENTRADA_IMAGE"}
        self.assertEqual(unknown_settings(named - tests_own), [])
        for path in re.findall(r"(?<!\.)\b(?:k8s|config)/[\w./-]*\w", text):
            self.assertTrue((ROOT / path).exists(), path)

    def test_the_command_for_the_secret_makes_every_key(self):
        wanted = set(TEMPLATE["stringData"])
        for name in ("README.md", "k8s/base/secret.template.yaml"):
            made = set(re.findall(r"--from-(?:literal|file)=([\w-]+)=", (ROOT / name).read_text()))
            self.assertEqual(made, wanted, name)


if __name__ == "__main__":
    unittest.main()
